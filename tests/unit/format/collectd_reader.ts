/**
 * A reader of PUTVAL lines of its own, by collectd's rules for words (cmd_split in its
 * utils/cmds/cmds.c: quotes, and backslashes within them) and for identifiers (collectd-exec(5)).
 */

export interface Value {
  readonly host: string;
  readonly plugin: string;
  readonly pluginInstance: string;
  readonly type: string;
  readonly typeInstance: string;
  readonly intervalSeconds: number;
  /** Null for `U`, undefined. */
  readonly value: number | null;
}

/** DATA_MAX_NAME_LEN of collectd, which counts the final zero. */
const MAX_NAME_BYTES = 128;

export function readValues(text: string): Value[] {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line does not end");
  return text.split("\n").slice(0, -1).map(readValue);
}

function readValue(line: string): Value {
  const words = wordsOf(line);
  if (words.length !== 4 || words[0] !== "PUTVAL") throw new Error(`no PUTVAL: ${line}`);
  const [, identifier, option, values] = words;
  const interval = /^interval=([0-9]+(?:\.[0-9]+)?)$/.exec(option);
  if (interval === null) throw new Error(`no interval: ${option}`);
  const given = /^N:(U|[0-9]+(?:\.[0-9]+)?)$/.exec(values);
  if (given === null) throw new Error(`no value: ${values}`);
  return {
    ...identified(identifier),
    intervalSeconds: Number(interval[1]),
    value: given[1] === "U" ? null : Number(given[1]),
  };
}

type Identified = Omit<Value, "intervalSeconds" | "value">;

/** `host/plugin[-instance]/type[-instance]` */
function identified(identifier: string): Identified {
  const parts = identifier.split("/");
  if (parts.length !== 3) throw new Error(`not three parts: ${identifier}`);
  const [host, plugins, types] = parts;
  const [plugin, pluginInstance] = atFirstHyphen(plugins);
  const [type, typeInstance] = atFirstHyphen(types);
  for (const part of [host, plugin, type]) if (part === "") throw new Error("a part is empty");
  for (const part of [host, plugin, pluginInstance, type, typeInstance]) {
    const bytes = new TextEncoder().encode(part).length;
    if (bytes >= MAX_NAME_BYTES) throw new Error(`a part of ${bytes} bytes`);
  }
  return { host, plugin, pluginInstance, type, typeInstance };
}

/** A name and its instance, which may be missing. */
function atFirstHyphen(text: string): [string, string] {
  const hyphen = text.indexOf("-");
  if (hyphen < 0) return [text, ""];
  return [text.slice(0, hyphen), text.slice(hyphen + 1)];
}

/** What C's isspace takes for one in the C locale. */
const SPACE = /[ \t\n\v\f\r]/;

function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < line.length;) {
    if (SPACE.test(line[at])) at++;
    else {
      const { word, next } = line[at] === '"' ? quotedWord(line, at + 1) : plainWord(line, at);
      words.push(word);
      at = next;
    }
  }
  return words;
}

interface Word {
  readonly word: string;
  readonly next: number;
}

function plainWord(line: string, start: number): Word {
  const length = line.slice(start).search(SPACE);
  const end = length < 0 ? line.length : start + length;
  const word = line.slice(start, end);
  if (word.includes('"')) throw new Error(`a quote within ${word}`);
  return { word, next: end };
}

function quotedWord(line: string, start: number): Word {
  let word = "";
  for (let at = start; at < line.length; at++) {
    if (line[at] === '"') return { word, next: at + 1 };
    if (line[at] === "\\") at++;
    word += line[at];
  }
  throw new Error("a quote does not close");
}
