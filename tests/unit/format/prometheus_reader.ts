/** An independent reader of the text exposition format 0.0.4, strict where Prometheus is. */

export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

export interface Page {
  readonly samples: readonly Sample[];
  readonly types: ReadonlyMap<string, string>;
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\", '"': '"', n: "\n" };

/** What a type's samples append to the family's name. */
const SUFFIXES: Readonly<Record<string, RegExp>> = {
  histogram: /_(bucket|sum|count)$/,
  summary: /_(sum|count)$/,
};

/** Throws on anything that is not the format, on a series there twice, and on a split metric. */
export function parsePage(text: string): Page {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const samples: Sample[] = [];
  const types = new Map<string, string>();
  const seen = new Set<string>();
  let family = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line);
    if (type !== null) {
      if (types.has(type[1])) throw new Error(`${type[1]} is there twice`);
      family = type[1];
      types.set(family, type[2]);
      continue;
    }
    if (/^# HELP [a-z_]+ \S/.test(line)) continue;
    const sample = parseSample(line);
    const suffix = SUFFIXES[types.get(family) ?? ""] ?? /$/;
    if (sample.name.replace(suffix, "") !== family) throw new Error(`out of place: ${line}`);
    const key = `${sample.name} ${JSON.stringify([...sample.labels].sort())}`;
    if (seen.has(key)) throw new Error(`twice: ${line}`);
    seen.add(key);
    samples.push(sample);
  }
  return { samples, types };
}

function parseSample(line: string): Sample {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0] ?? fail(line);
  const labels = new Map<string, string>();
  let at = name.length;
  if (line[at] === "{") {
    for (at++; line[at] !== "}";) {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"/u.exec(line.slice(at)) ??
        fail(line);
      if (labels.has(label[1])) fail(line);
      labels.set(label[1], label[2].replaceAll(/\\(.)/g, (_, c) => ESCAPES[c]));
      at += label[0].length;
      if (line[at] === ",") at++;
      else if (line[at] !== "}") fail(line);
    }
    at++;
  }
  const digits = /^ (-?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)$/.exec(line.slice(at)) ?? fail(line);
  return { name, labels, value: Number(digits[1]) };
}

function fail(line: string): never {
  throw new Error(`not the format: ${line}`);
}
