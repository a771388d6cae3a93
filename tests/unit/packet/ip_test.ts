import { assert, assertEquals, assertFalse } from "@std/assert";
import { addBytes, checksumOf } from "../../../src/packet/checksum.ts";
import {
  addressIs,
  blankIpPacket,
  type IpPacket,
  IPV4_HEADER_BYTES,
  MAX_EXTENSION_HEADERS,
  parseIp,
  writeIpv4Header,
} from "../../../src/packet/ip.ts";
import { ipv4, type Ipv4Fields, ipv6, SOURCE4, TARGET4 } from "./packets.ts";

const PAYLOAD = [1, 2, 3, 4, 5, 6, 7, 8];
const TCP = 6;
/** A destination-options header of 8 bytes. */
const OPTIONS = [60, 0, 1, 4, 0, 0, 0, 0] as const;

function parsed(bytes: readonly number[], length = bytes.length): IpPacket | null {
  const out = blankIpPacket();
  return parseIp(Uint8Array.from(bytes), 0, length, out) ? out : null;
}

function v4(fields: Partial<Ipv4Fields> = {}): number[] {
  return ipv4({ protocol: TCP, payload: PAYLOAD, ...fields });
}

Deno.test("an IPv4 header is read", () => {
  assertEquals(parsed(v4({ ttl: 9 })), {
    version: 4,
    protocol: TCP,
    ttl: 9,
    sourceAt: 12,
    destinationAt: 16,
    addressBytes: 4,
    payloadAt: 20,
    payloadEnd: 28,
    claimedBytes: 28,
  });
});

Deno.test("options are walked over, and cut ones refused", () => {
  const packet = v4({ options: [1, 1, 1, 1, 1, 1, 1, 0] });
  assertEquals(parsed(packet)?.payloadAt, 28);
  assertEquals(parsed(packet, 27), null);
});

Deno.test("a header shorter than 20 bytes or longer than the packet is refused", () => {
  for (const words of [0, 4, 8, 15]) {
    const packet = v4();
    packet[0] = 4 << 4 | words;
    assertEquals(parsed(packet), null);
  }
});

Deno.test("a total length beyond the bytes ends with them, a shorter one ends before", () => {
  assertEquals(parsed(v4({ claimed: 1500 }))?.payloadEnd, 28);
  assertEquals(parsed(v4({ claimed: 24 }))?.payloadEnd, 24);
});

Deno.test("a total length shorter than the header is not believed", () => {
  assertEquals(parsed(v4({ claimed: 3 }))?.payloadEnd, 28);
});

Deno.test("a later fragment has no transport header, the first one has", () => {
  assertEquals(parsed(v4({ fragmentOffset: 1 })), null);
  assertEquals(parsed(v4({ fragmentOffset: 0x2000 }))?.payloadAt, 20);
});

Deno.test("a quoted header may have its fragment field in the other byte order", () => {
  // RFC 791: "don't fragment" is 0x4000, and 0x0040 so.
  const quoted = Uint8Array.from(v4({ fragmentOffset: 0x0040 }));
  const out = blankIpPacket();
  assert(parseIp(quoted, 0, quoted.length, out, "quoted"));
  assertEquals([out.protocol, out.payloadAt], [TCP, 20]);
});

Deno.test("an IPv6 header is read, with extensions of all kinds before the payload", () => {
  assertEquals(parsed(ipv6(TCP, PAYLOAD))?.payloadAt, 40);
  const chain = parsed(ipv6(TCP, PAYLOAD, [
    [0, 0, 1, 4, 0, 0, 0, 0],
    [43, 1, ...new Array(14).fill(0)],
    [44, 0, 0, 1, 0, 0, 0, 9],
    [51, 1, 0, 0, ...new Array(8).fill(0)],
    OPTIONS,
  ]));
  assertEquals([chain?.protocol, chain?.payloadAt], [TCP, 40 + 8 + 16 + 8 + 12 + 8]);
});

Deno.test("a later IPv6 fragment is refused", () => {
  assertEquals(parsed(ipv6(TCP, PAYLOAD, [[44, 0, 0, 8, 0, 0, 0, 9]])), null);
});

Deno.test("as many extensions as the bound are followed, one more is not", () => {
  const chain = (count: number) =>
    parsed(ipv6(TCP, PAYLOAD, Array.from({ length: count }, () => OPTIONS)));
  assertEquals(chain(MAX_EXTENSION_HEADERS)?.protocol, TCP);
  assertEquals(chain(MAX_EXTENSION_HEADERS + 1), null);
});

Deno.test("an extension that ends outside the packet is refused", () => {
  assertEquals(parsed(ipv6(TCP, [], [[60, 200, 1, 4, 0, 0, 0, 0]])), null);
});

Deno.test("what is no IP packet is refused", () => {
  for (const bytes of [[], [0x45], [0x00, ...v4().slice(1)], [0x70, ...v4().slice(1)]]) {
    assertEquals(parsed(bytes), null);
  }
});

Deno.test("a written header reads as it was written, and its checksum is right", () => {
  const out = new Uint8Array(60).fill(0xaa);
  writeIpv4Header(out, 4, Uint8Array.from(SOURCE4), Uint8Array.from(TARGET4), TCP, 33, 60);
  assertEquals(checksumOf(addBytes(0, out, 4, IPV4_HEADER_BYTES)), 0);
  const read = blankIpPacket();
  assert(parseIp(out, 4, 60, read));
  assertEquals([read.protocol, read.ttl, read.claimedBytes, read.payloadAt], [TCP, 33, 60, 24]);
  assert(addressIs(out, read.sourceAt, Uint8Array.from(SOURCE4)));
  assert(addressIs(out, read.destinationAt, Uint8Array.from(TARGET4)));
  assertEquals([out[3], out[24]], [0xaa, 0xaa]);
});

Deno.test("an address is compared within the buffer only", () => {
  const bytes = Uint8Array.of(9, 192, 0, 2, 1);
  const address = Uint8Array.from(SOURCE4);
  assert(addressIs(bytes, 1, address));
  for (const at of [-1, 0, 2, 99]) assertFalse(addressIs(bytes, at, address));
});
