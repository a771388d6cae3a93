import { assertEquals } from "@std/assert";
import { addBytes, checksumOf, pseudoHeaderSum } from "../../../src/packet/checksum.ts";
import { property } from "../random.ts";

Deno.test("the example of RFC 1071 has its sum", () => {
  const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
  assertEquals(addBytes(0, bytes, 0, 8), 0xddf2);
  assertEquals(checksumOf(0xddf2), 0x220d);
});

Deno.test("a header of the wild has the checksum it came with", () => {
  // An IPv4 header whose checksum, bytes 10 and 11, is b861.
  const header = [0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xb8, 0x61];
  const bytes = Uint8Array.from([...header, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7]);
  assertEquals(checksumOf(addBytes(0, bytes, 0, 20)), 0);
});

Deno.test("an odd byte at the end is the high half of a word", () => {
  assertEquals(addBytes(0, Uint8Array.of(0x12, 0x34, 0x56), 0, 3), 0x1234 + 0x5600);
});

Deno.test("a length beyond the buffer adds what there is", () => {
  assertEquals(addBytes(0, Uint8Array.of(1, 2, 3, 4), 2, 100), 0x0304);
  assertEquals(addBytes(7, Uint8Array.of(1, 2), 9, 4), 7);
});

Deno.test("the pseudo header adds addresses, protocol and length", () => {
  const [source, target] = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8)];
  assertEquals(pseudoHeaderSum(source, target, 6, 40), 0x0102 + 0x0304 + 0x0506 + 0x0708 + 46);
});

property("what bears its checksum sums up to 0, and a changed bit does not", 300, (random) => {
  const length = random.int(4, 2000);
  const bytes = Uint8Array.from({ length }, () => random.int(0, 255));
  bytes[0] = bytes[1] = 0;
  const sum = checksumOf(addBytes(0, bytes, 0, length));
  [bytes[0], bytes[1]] = [sum >> 8, sum & 255];
  assertEquals(checksumOf(addBytes(0, bytes, 0, length)), 0);
  bytes[random.int(0, length - 1)] ^= 1 << random.int(0, 7);
  assertEquals(checksumOf(addBytes(0, bytes, 0, length)) === 0, false);
});

Deno.test("the longest packet there is does not overflow the sum", () => {
  const bytes = new Uint8Array(65_535).fill(255);
  assertEquals(checksumOf(addBytes(0, bytes, 0, 65_534)), 0);
});
