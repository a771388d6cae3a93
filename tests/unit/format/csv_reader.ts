/** A CSV reader of its own (RFC 4180, plain newlines), so that the writer is not held to itself. */

export function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    const { field, next } = text[at] === '"' ? quotedField(text, at) : plainField(text, at);
    row.push(field);
    const end = text[next];
    if (end !== "," && end !== "\n") throw new Error(`no comma or newline at ${next}`);
    at = next + 1;
    if (end === ",") continue;
    rows.push(row);
    row = [];
  }
  if (row.length > 0) throw new Error("the last line does not end");
  return rows;
}

interface Field {
  readonly field: string;
  readonly next: number;
}

function quotedField(text: string, start: number): Field {
  let field = "";
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] !== '"') field += text[at];
    else if (text[at + 1] === '"') field += text[at++];
    else return { field, next: at + 1 };
  }
  throw new Error(`a quote opened at ${start} does not close`);
}

function plainField(text: string, start: number): Field {
  const length = text.slice(start).search(/[,\n]/);
  if (length < 0) throw new Error("the last line does not end");
  const field = text.slice(start, start + length);
  if (/["\r]/.test(field)) throw new Error(`a quote or return within ${JSON.stringify(field)}`);
  return { field, next: start + length };
}
