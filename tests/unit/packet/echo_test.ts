import { assert, assertEquals, assertFalse } from "@std/assert";
import { addBytes, checksumOf } from "../../../src/packet/checksum.ts";
import {
  blankEcho,
  ECHO_HEADER_BYTES,
  ECHO_REPLY,
  ECHO_REQUEST,
  parseEcho,
  writeEchoRequest,
} from "../../../src/packet/echo.ts";

const PAYLOAD_BYTES = 5;

function request(family: 4 | 6): Uint8Array {
  const bytes = new Uint8Array(ECHO_HEADER_BYTES + PAYLOAD_BYTES).fill(0x77);
  writeEchoRequest(bytes, 0, family, 0xabcd, 0xfffe, PAYLOAD_BYTES);
  return bytes;
}

Deno.test("a request reads as it was written", () => {
  for (const family of [4, 6] as const) {
    const [bytes, echo] = [request(family), blankEcho()];
    assert(parseEcho(bytes, 0, bytes.length, ECHO_REQUEST[family], echo));
    assertEquals(echo, { id: 0xabcd, sequence: 0xfffe, payloadAt: 8, payloadEnd: 13 });
    assertFalse(parseEcho(bytes, 0, bytes.length, ECHO_REPLY[family], echo));
  }
});

Deno.test("IPv4's checksum is right, ICMPv6's is left to the kernel", () => {
  const bytes = request(4);
  assertEquals(checksumOf(addBytes(0, bytes, 0, bytes.length)), 0);
  assertEquals([...request(6).slice(2, 4)], [0, 0]);
});

Deno.test("a reply is of its family's type, has code 0 and a whole header", () => {
  for (const [family, type] of [[4, 0], [6, 129]] as const) {
    const [bytes, echo] = [request(family), blankEcho()];
    bytes[0] = type;
    assert(parseEcho(bytes, 0, bytes.length, ECHO_REPLY[family], echo));
    assertFalse(parseEcho(bytes, 0, bytes.length, ECHO_REPLY[family === 4 ? 6 : 4], echo));
    assert(parseEcho(bytes, 0, ECHO_HEADER_BYTES, ECHO_REPLY[family], echo));
    assertEquals(echo.payloadAt, echo.payloadEnd);
    for (let end = 0; end < ECHO_HEADER_BYTES; end++) {
      assertFalse(parseEcho(bytes, 0, end, ECHO_REPLY[family], echo));
    }
    bytes[1] = 1;
    assertFalse(parseEcho(bytes, 0, bytes.length, ECHO_REPLY[family], echo));
  }
});
