/**
 * A reader of line protocol of its own (InfluxData, "Line protocol reference"), so that the writer
 * is not held to itself; stricter than servers are: no comments, no spare blanks, always a time.
 */

/** An integer is a bigint, so that it cannot be taken for a float. */
export type FieldValue = number | bigint | boolean | string;

export interface Point {
  readonly measurement: string;
  /** In the order of the line. */
  readonly tags: readonly (readonly [key: string, value: string])[];
  readonly fields: Readonly<Record<string, FieldValue>>;
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
}

export function readPoints(text: string): Point[] {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line does not end");
  return text.split("\n").slice(0, -1).map(readPoint);
}

export function readPoint(line: string): Point {
  if (/\p{Cc}/u.test(line)) throw new Error(`a control character in ${JSON.stringify(line)}`);
  const cursor = new Cursor(line);
  const measurement = cursor.word(", ");
  if (measurement.startsWith("#")) throw new Error("a comment");
  const tags: [string, string][] = [];
  while (cursor.take(",")) {
    const key = cursor.word(",= ");
    cursor.expect("=");
    tags.push([key, cursor.word(",= ")]);
  }
  onlyOnce(tags.map(([key]) => key));
  cursor.expect(" ");
  const fields = fieldsAt(cursor);
  cursor.expect(" ");
  const time = cursor.rest();
  // Seconds with nine digits behind them: what a time of this century has.
  if (!/^[1-9][0-9]{18}$/.test(time)) throw new Error(`no nanoseconds: ${JSON.stringify(time)}`);
  return { measurement, tags, fields, time: BigInt(time) };
}

function fieldsAt(cursor: Cursor): Record<string, FieldValue> {
  const fields: [string, FieldValue][] = [];
  do {
    const key = cursor.word(",= ");
    cursor.expect("=");
    fields.push([key, cursor.take('"') ? cursor.quoted() : literal(cursor.word(", "))]);
  } while (cursor.take(","));
  onlyOnce(fields.map(([key]) => key));
  return Object.fromEntries(fields);
}

function onlyOnce(keys: readonly string[]): void {
  if (new Set(keys).size < keys.length) throw new Error(`a key twice in ${keys.join(" ")}`);
}

function literal(text: string): FieldValue {
  if (/^-?[0-9]+i$/.test(text)) return BigInt(text.slice(0, -1));
  if (/^(t|T|true|True|TRUE)$/.test(text)) return true;
  if (/^(f|F|false|False|FALSE)$/.test(text)) return false;
  if (/^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(text)) return Number(text);
  throw new Error(`no field value: ${JSON.stringify(text)}`);
}

class Cursor {
  #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  expect(character: string): void {
    if (this.take(character)) return;
    throw new Error(`no ${JSON.stringify(character)} at ${this.#at} of ${this.#text}`);
  }

  rest(): string {
    const rest = this.#text.slice(this.#at);
    this.#at = this.#text.length;
    return rest;
  }

  /** Up to a character of `ends`; a backslash counts only before one of those, else it is text. */
  word(ends: string): string {
    let word = "";
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at];
      if (ends.includes(character)) break;
      const next = this.#text[this.#at + 1];
      const escapes = character === "\\" && next !== undefined && ends.includes(next);
      word += escapes ? this.#text[++this.#at] : character;
    }
    if (word === "") throw new Error(`nothing at ${this.#at} of ${this.#text}`);
    return word;
  }

  /** A string field behind its opening quote; quotes and backslashes in it bear a backslash. */
  quoted(): string {
    let text = "";
    while (!this.take('"')) {
      if (this.take("\\") && !/["\\]/.test(this.#text[this.#at] ?? "")) text += "\\";
      if (this.#at >= this.#text.length) throw new Error("a quote does not close");
      text += this.#text[this.#at++];
    }
    return text;
  }
}
