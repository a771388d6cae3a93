import { assertEquals } from "@std/assert";
import { blankIcmpError, type IcmpError, parseIcmpError } from "../../../src/packet/icmp_error.ts";
import {
  blankMplsStack,
  MAX_MPLS_LABELS,
  parseExtensions,
} from "../../../src/packet/icmp_extension.ts";
import { icmpErrorKind } from "../../../src/packet/icmp_kind.ts";
import { extensions, icmpError, ipv4, ipv6, mplsObject, padded } from "./packets.ts";

const UDP = 17;
/** The first 8 bytes of a transport header: ports 51966 and 33434. */
const TRANSPORT = [0xca, 0xfe, 0x82, 0x9a, 0, 8, 0, 0];
const QUOTED4 = ipv4({ protocol: UDP, payload: TRANSPORT, ttl: 1, claimed: 60 });
const QUOTED6 = ipv6(UDP, TRANSPORT);
const NO_REST = [0, 0, 0, 0];

function parsed(bytes: readonly number[], family: 4 | 6): IcmpError | null {
  const out = blankIcmpError();
  return parseIcmpError(Uint8Array.from(bytes), 0, bytes.length, family, out) ? out : null;
}

Deno.test("types and codes mean what their RFCs say", () => {
  const table: readonly [4 | 6, number, number, string | null][] = [
    [4, 3, 0, "network unreachable"],
    [4, 3, 1, "host unreachable"],
    [4, 3, 2, "protocol unreachable"],
    [4, 3, 3, "port unreachable"],
    [4, 3, 4, "packet too big"],
    [4, 3, 9, "administratively prohibited"],
    [4, 3, 10, "administratively prohibited"],
    [4, 3, 13, "administratively prohibited"],
    [4, 3, 200, "host unreachable"],
    [4, 11, 0, "ttl exceeded"],
    [4, 11, 1, "reassembly time exceeded"],
    [4, 12, 0, "parameter problem"],
    [4, 0, 0, null],
    [4, 4, 0, null],
    [4, 5, 1, null],
    [4, 8, 0, null],
    [6, 1, 0, "network unreachable"],
    [6, 1, 1, "administratively prohibited"],
    [6, 1, 3, "host unreachable"],
    [6, 1, 4, "port unreachable"],
    [6, 1, 5, "wrong source address"],
    [6, 1, 99, "host unreachable"],
    [6, 2, 0, "packet too big"],
    [6, 3, 0, "ttl exceeded"],
    [6, 3, 1, "reassembly time exceeded"],
    [6, 4, 0, "parameter problem"],
    [6, 4, 1, "protocol unreachable"],
    [6, 128, 0, null],
    [6, 129, 0, null],
    [6, 137, 0, null],
  ];
  for (const [family, type, code, kind] of table) {
    assertEquals(icmpErrorKind(family, type, code), kind, `IPv${family} ${type} ${code}`);
  }
});

Deno.test("an error names what it quotes", () => {
  const four = parsed(icmpError(11, 0, NO_REST, QUOTED4), 4);
  assertEquals([four?.kind, four?.quoted.protocol], ["ttl exceeded", UDP]);
  assertEquals([four?.quoted.payloadAt, four?.quoted.ttl, four?.mpls.count], [28, 1, 0]);
  const six = parsed(icmpError(3, 0, NO_REST, QUOTED6), 6);
  assertEquals([six?.kind, six?.quoted.payloadAt], ["ttl exceeded", 48]);
});

Deno.test("packet too big brings the next hop's MTU, other errors none", () => {
  assertEquals(parsed(icmpError(3, 4, [0, 0, 5, 0x14], QUOTED4), 4)?.mtuBytes, 1300);
  assertEquals(parsed(icmpError(2, 0, [0, 0, 5, 0], QUOTED6), 6)?.mtuBytes, 1280);
  assertEquals(parsed(icmpError(3, 1, [0, 0, 5, 0x14], QUOTED4), 4)?.mtuBytes, 0);
});

Deno.test("a quote without 8 bytes of its transport header is refused", () => {
  const short = icmpError(11, 0, NO_REST, QUOTED4);
  assertEquals(parsed(short.slice(0, -1), 4), null);
  assertEquals(parsed(icmpError(3, 0, NO_REST, QUOTED6).slice(0, -1), 6), null);
});

Deno.test("an error that quotes the other family, an error or nothing is refused", () => {
  assertEquals(parsed(icmpError(11, 0, NO_REST, QUOTED6), 4), null);
  assertEquals(parsed(icmpError(3, 0, NO_REST, QUOTED4), 6), null);
  assertEquals(parsed(icmpError(11, 0, NO_REST, []), 4), null);
  assertEquals(parsed([11, 0, 0], 4), null);
});

const STACK = mplsObject([16_001, 5, 0, 1], [0xfffff, 0, 1, 255]);

Deno.test("labels are read behind a quote whose length is given", () => {
  const labels = [
    { label: 16_001, trafficClass: 5, ttl: 1 },
    { label: 0xfffff, trafficClass: 0, ttl: 255 },
  ];
  const tail = extensions(STACK);
  const four = parsed(icmpError(11, 0, [0, 32, 0, 0], [...padded(QUOTED4, 128), ...tail]), 4);
  assertEquals(four?.mpls.labels.slice(0, four.mpls.count), labels);
  const six = parsed(icmpError(3, 0, [16, 0, 0, 0], [...padded(QUOTED6, 128), ...tail]), 6);
  assertEquals(six?.mpls.labels.slice(0, six.mpls.count), labels);
});

Deno.test("labels are read at 128 bytes too where no length is given, if they are summed up", () => {
  const quote = padded(QUOTED4, 128);
  assertEquals(
    parsed(icmpError(11, 0, NO_REST, [...quote, ...extensions(STACK)]), 4)?.mpls.count,
    2,
  );
  const unsummed = [0x20, 0, 0, 0, ...STACK];
  assertEquals(parsed(icmpError(11, 0, NO_REST, [...quote, ...unsummed]), 4)?.mpls.count, 0);
  assertEquals(parsed(icmpError(11, 0, [0, 32, 0, 0], [...quote, ...unsummed]), 4)?.mpls.count, 2);
});

Deno.test("what is no extension leaves the error as it is", () => {
  const quote = padded(QUOTED4, 128);
  const wrongSum = extensions(STACK);
  wrongSum[3] ^= 1;
  const wrongVersion = extensions(STACK).with(0, 0x30);
  const endsOutside = extensions([0, 200, 1, 1, 0, 0, 0, 0]);
  const lengthZero = extensions([0, 0, 1, 1, 0, 0, 0, 0]);
  for (const tail of [wrongSum, wrongVersion, endsOutside, lengthZero, [0x20]]) {
    const error = parsed(icmpError(11, 0, [0, 32, 0, 0], [...quote, ...tail]), 4);
    assertEquals([error?.kind, error?.mpls.count], ["ttl exceeded", 0]);
  }
});

Deno.test("objects of other classes are passed over", () => {
  const tail = extensions([0, 8, 2, 7, 1, 2, 3, 4], STACK, [0, 4, 1, 2]);
  const bytes = Uint8Array.from(tail);
  const stack = blankMplsStack();
  assertEquals(parseExtensions(bytes, 0, bytes.length, true, stack), true);
  assertEquals(stack.count, 2);
});

Deno.test("a stack deeper than the bound is cut", () => {
  const deep = Array.from({ length: MAX_MPLS_LABELS + 3 }, (_, i) => [i, 0, 0, 1]);
  const bytes = Uint8Array.from(extensions(mplsObject(...deep)));
  const stack = blankMplsStack();
  parseExtensions(bytes, 0, bytes.length, true, stack);
  assertEquals(stack.count, MAX_MPLS_LABELS);
  assertEquals(stack.labels.map(({ label }) => label), [0, 1, 2, 3, 4, 5, 6, 7]);
});
