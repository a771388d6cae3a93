import { assert, assertEquals, assertFalse } from "@std/assert";
import { ByteWriter } from "../../../src/format/byte_writer.ts";
import { property, type Random } from "../random.ts";
import { anyText } from "./texts.ts";
import { textOf, written } from "./written.ts";

/** Every kind of writing call, with an argument of its own. */
function anyWrite(random: Random): (out: ByteWriter) => void {
  const text = anyText(random, 12);
  const value = random.int(0, 2 ** random.int(1, 40));
  return random.pick<(out: ByteWriter) => void>([
    (out) => out.byte(65),
    (out) => out.raw(new Uint8Array(value % 9).fill(66)),
    (out) => out.ascii("ascii"),
    (out) => out.utf8(text),
    (out) => out.jsonString(text),
    (out) => out.int(-value),
    (out) => out.padded(value, 6),
    (out) => out.millis(value),
    (out) => out.millisFixed(value),
    (out) => out.padTo(out.column + 4),
  ]);
}

property("a record that does not fit leaves the buffer as it was", 400, (random) => {
  const capacity = random.int(0, 64);
  const out = new ByteWriter(capacity);
  const roomy = new ByteWriter(4096);
  for (let turn = 0; turn < 12; turn++) {
    const before = textOf(out.bytes.slice(0, out.length));
    const lengthBefore = out.length;
    const writes = Array.from({ length: random.int(0, 4) }, () => anyWrite(random));
    out.begin();
    roomy.begin();
    for (const write of writes) write(out);
    for (const write of writes) write(roomy);
    const size = roomy.column;
    assert(roomy.end());
    assertEquals(out.end(), lengthBefore + size <= capacity);
    const fitted = lengthBefore + size <= capacity;
    assertEquals(out.length, fitted ? lengthBefore + size : lengthBefore);
    const now = textOf(out.bytes.slice(0, out.length));
    assert(now.startsWith(before));
    if (fitted) assertEquals(now.slice(before.length), textOf(roomy.takeCopy()));
    else roomy.takeCopy();
  }
});

/** Writes a record; false where it does not fit. */
function put(out: ByteWriter, text: string): boolean {
  out.begin();
  out.ascii(text);
  return out.end();
}

Deno.test("a buffer can be filled to its last byte", () => {
  const out = new ByteWriter(4);
  assert(put(out, "1234"));
  out.begin();
  out.byte(53);
  assertFalse(out.end());
  assertEquals(textOf(out.takeCopy()), "1234");
});

Deno.test("one overflow does not spoil the next record", () => {
  const out = new ByteWriter(4);
  assertFalse(put(out, "12345"));
  assert(put(out, "ab"));
  assertEquals(textOf(out.takeCopy()), "ab");
});

Deno.test("a copy is not changed by what is written later", () => {
  const out = new ByteWriter(8);
  out.ascii("first");
  const copy = out.takeCopy();
  assertEquals(out.length, 0);
  out.ascii("other");
  assertEquals(textOf(copy), "first");
});

Deno.test("columns count from the start of the record in hand", () => {
  const out = new ByteWriter(64);
  assert(put(out, "earlier\n"));
  out.begin();
  out.ascii("ab");
  out.padTo(5);
  assertEquals(out.column, 5);
  out.padTo(3);
  assert(out.end());
  assertEquals(textOf(out.takeCopy()), "earlier\nab   ");
});

Deno.test("padding to a column beyond the buffer ends, and does not fit", () => {
  const out = new ByteWriter(8);
  out.begin();
  out.padTo(1_000_000);
  assertFalse(out.end());
});

property("UTF-8 is what TextEncoder gives, lone surrogates included", 500, (random) => {
  const text = anyText(random);
  const out = new ByteWriter(4096);
  out.utf8(text);
  assertEquals(out.takeCopy(), new TextEncoder().encode(text));
});

Deno.test("every scalar value at an edge of UTF-8 is encoded as TextEncoder does", () => {
  const edges = [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff];
  const text = String.fromCodePoint(...edges);
  const out = new ByteWriter(64);
  out.utf8(text);
  assertEquals(out.takeCopy(), new TextEncoder().encode(text));
});

property("a JSON string reads back as the text it was made from", 500, (random) => {
  const text = anyText(random);
  const json = written((out) => out.jsonString(text));
  assertEquals(JSON.parse(json), text.toWellFormed());
});

Deno.test("each control character, quote and backslash of a JSON string is escaped", () => {
  const codes = [...Array(32).keys(), 0x22, 0x5c];
  const text = String.fromCharCode(...codes);
  const json = written((out) => out.jsonString(text));
  assert(/^[\x20-\x7e]+$/.test(json));
  assertEquals(JSON.parse(json), text);
  assertEquals(written((out) => out.jsonString('a"b\\c\n')), '"a\\"b\\\\c\\u000a"');
});

Deno.test("what should have been ASCII shows as question marks", () => {
  assertEquals(written((out) => out.ascii("aé€z")), "a??z");
});

Deno.test("integers are written digit by digit up to 53 bits", () => {
  const values = [0, 7, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 1e15];
  for (const value of values) {
    assertEquals(written((out) => out.int(value)), String(value));
    if (value > 0) assertEquals(written((out) => out.int(-value)), String(-value));
  }
});

property("integers of any size are written as String does", 500, (random) => {
  const value = Math.floor(random.unit() * 2 ** random.int(0, 53));
  assertEquals(written((out) => out.int(value)), String(value));
  const width = random.int(1, 20);
  assertEquals(written((out) => out.padded(value, width)), String(value).padStart(width, "0"));
});

/** The shortest decimal of µs/1000, with at least one digit behind the point. */
function shortestMillis(micros: number): string {
  const text = String(micros / 1000);
  return text.includes(".") ? text : `${text}.0`;
}

Deno.test("milliseconds are the shortest form with a decimal, for every value to a second", () => {
  const out = new ByteWriter(32);
  for (let micros = 0; micros <= 1_000_000; micros++) {
    out.length = 0;
    out.millis(micros);
    const text = String.fromCharCode(...out.bytes.subarray(0, out.length));
    if (text !== shortestMillis(micros)) assertEquals(text, shortestMillis(micros));
  }
});

property("milliseconds of any size are the shortest form with a decimal", 2000, (random) => {
  const micros = Math.floor(random.unit() * 2 ** random.int(0, 50));
  assertEquals(written((out) => out.millis(micros)), shortestMillis(micros));
  if (micros > 0) assertEquals(written((out) => out.millis(-micros)), `-${shortestMillis(micros)}`);
  assertEquals(written((out) => out.millisFixed(micros)), (micros / 1000).toFixed(3));
});
