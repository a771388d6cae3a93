import { assertEquals, assertThrows } from "@std/assert";
import { protobufFields, ProtobufWriter } from "../../../src/format/protobuf.ts";
import { property } from "../random.ts";

function hex(write: (out: ProtobufWriter) => void): string {
  const out = new ProtobufWriter();
  write(out);
  return out.bytes.toHex();
}

Deno.test("the wire format is that of protobuf.dev's examples", () => {
  assertEquals(hex((out) => out.uint(1, 150)), "089601");
  assertEquals(hex((out) => out.string(2, "testing")), "120774657374696e67");
  assertEquals(hex((out) => out.message(3, () => out.uint(1, 150))), "1a03089601");
  assertEquals(hex((out) => out.bool(3, true)), "1801");
  assertEquals(hex((out) => out.double(4, 1)), "21000000000000f03f");
  assertEquals(hex((out) => out.fixed64(5, 2 ** 40 + 1)), "290100000000010000");
  assertEquals(hex((out) => out.packedFixed64(6, [1, 2])), "321001000000000000000200000000000000");
});

Deno.test("nanoseconds since the epoch are exact, though they exceed what a number holds", () => {
  const bytes = hex((out) => out.nanos(2, 1_700_000_000, 123_456_789));
  const value = new DataView(Uint8Array.fromHex(bytes).buffer).getBigUint64(1, true);
  assertEquals(value, 1_700_000_000_123_456_789n);
});

Deno.test("a string is UTF-8, and an empty one is left out", () => {
  assertEquals(hex((out) => out.string(1, "é東")), "0a05c3a9e69db1");
  assertEquals(hex((out) => out.string(1, "")), "");
});

property("what was written is read again, at any length and depth", 200, (random) => {
  const out = new ProtobufWriter();
  const numbers = Array.from(
    { length: random.int(0, 5) },
    () => Math.floor(2 ** (random.unit() * 53)),
  );
  const text = "x".repeat(random.pick([0, 1, 126, 127, 128, 16_382, 16_383, 16_384, 300_000]));
  out.message(7, () => {
    for (const number of numbers) out.uint(1, number);
    out.message(15, () => out.string(16, text));
    out.double(17, 1.5);
  });
  const [{ field, value }, ...more] = protobufFields(out.bytes);
  assertEquals([field, more.length], [7, 0]);
  const inner = [...protobufFields(value as Uint8Array)];
  // A double is passed over.
  assertEquals(inner.map((one) => one.field), [...numbers.map(() => 1), 15]);
  assertEquals(inner.slice(0, -1).map((one) => one.value), numbers);
  const [string] = protobufFields(inner[inner.length - 1].value as Uint8Array);
  assertEquals(
    string === undefined ? "" : new TextDecoder().decode(string.value as Uint8Array),
    text,
  );
});

Deno.test("what is no message throws a RangeError, however it is cut", () => {
  for (const bytes of ["08", "0aff", "0a05aa", "ffffffffffffffffffffff01", "0b"]) {
    assertThrows(
      () => [...protobufFields(Uint8Array.fromHex(bytes))],
      RangeError,
      undefined,
      bytes,
    );
  }
});
