import { assert, assertEquals } from "@std/assert";
import { addBytes, checksumOf, pseudoHeaderSum } from "../../../src/packet/checksum.ts";
import {
  blankTcpSegment,
  parseTcp,
  sealTcp,
  SYN_BYTES,
  synOffer,
  TCP_SYN,
  type TcpSegment,
  writeSyn,
} from "../../../src/packet/tcp.ts";
import { guarded, SOURCE4, SOURCE6, TARGET4, TARGET6 } from "./packets.ts";

const SYN = {
  sourcePort: 40_000,
  destinationPort: 5432,
  sequence: 0xfedcba98,
  maxSegmentBytes: 1460,
  timestamp: 0x89abcdef,
};

function parsed(bytes: Uint8Array, at = 0, end = bytes.length): TcpSegment | null {
  const out = blankTcpSegment();
  return parseTcp(bytes, at, end, out) ? out : null;
}

function written(): Uint8Array {
  const bytes = new Uint8Array(SYN_BYTES + 8).fill(0xaa);
  writeSyn(bytes, 4, SYN);
  return bytes;
}

Deno.test("a SYN reads as it was written", () => {
  assertEquals(parsed(written(), 4), {
    sourcePort: 40_000,
    destinationPort: 5432,
    sequence: 0xfedcba98,
    acknowledgment: 0,
    flags: TCP_SYN,
    window: 64_240,
    optionsAt: 24,
    optionsEnd: 44,
  });
});

Deno.test("a SYN has the options of today's clients, and nothing is written beside it", () => {
  const bytes = written();
  const options = [2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0x89, 0xab, 0xcd, 0xef, 0, 0, 0, 0, 1, 3, 3, 7];
  assertEquals([...bytes.slice(24, 44)], options);
  assertEquals([...bytes.slice(0, 4), ...bytes.slice(44)], new Array(8).fill(0xaa));
});

Deno.test("a sealed segment sums up to 0 with its pseudo header, in both families", () => {
  for (const [from, to] of [[SOURCE4, TARGET4], [SOURCE6, TARGET6]]) {
    const [source, target] = [Uint8Array.from(from), Uint8Array.from(to)];
    const bytes = written();
    sealTcp(bytes, 4, SYN_BYTES, source, target);
    const pseudo = pseudoHeaderSum(source, target, 6, SYN_BYTES);
    assertEquals(checksumOf(addBytes(pseudo, bytes, 4, SYN_BYTES)), 0);
    // Sealed twice, it stays the same.
    const once = bytes.slice();
    sealTcp(bytes, 4, SYN_BYTES, source, target);
    assertEquals(bytes, once);
  }
});

Deno.test("a header that is cut, too short or too long for the segment is refused", () => {
  const bytes = written().slice(4, 4 + SYN_BYTES);
  assert(parsed(bytes) !== null);
  for (let end = 0; end < SYN_BYTES; end++) assertEquals(parsed(bytes, 0, end), null);
  for (const words of [0, 4, 11, 15]) {
    bytes[12] = words << 4;
    assertEquals(parsed(bytes), null);
  }
  assertEquals(parsed(bytes, -4), null);
});

Deno.test("an option that is cut off behind its kind ends the options, and nothing beyond is read", () => {
  const bytes = new Uint8Array(24).fill(1);
  // A header of 24 bytes whose last option byte is a kind without a length.
  bytes[12] = 6 << 4;
  bytes[23] = 2;
  const segment = blankTcpSegment();
  assert(parseTcp(bytes, 0, bytes.length, segment));
  const offer = synOffer(guarded(bytes, 0, bytes.length), segment);
  assertEquals(offer, { maxSegmentBytes: null, windowScale: null });
});
