import { assertEquals } from "@std/assert";
import {
  findExtensions,
  NO_EXTENSIONS,
  parseExtensions,
} from "../../../src/packet/icmp_extension.ts";
import { extensions, mplsObject } from "./packets.ts";

const LABELS = [{ label: 16_001, trafficClass: 5, ttl: 1 }, { label: 42, trafficClass: 0, ttl: 9 }];
const STACK = mplsObject([16_001, 5, 0, 1], [42, 0, 1, 9]);
const SUMMED = extensions(STACK);
const UNSUMMED = SUMMED.with(2, 0).with(3, 0);
/** RFC 5837: the incoming interface by index, IPv4 address, name and MTU. */
const INTERFACE = [
  0,
  28,
  2,
  0b0000_1111,
  0,
  0,
  0,
  7,
  0,
  1,
  0,
  0,
  192,
  0,
  2,
  7,
  8,
  101,
  116,
  104,
  48,
  0,
  0,
  0,
  0,
  0,
  5,
  220,
];

function behind(quoteBytes: number, structure: readonly number[]): Uint8Array {
  return Uint8Array.from([...new Array<number>(quoteBytes).fill(0xee), ...structure]);
}

Deno.test("labels are read where the router says that they are", () => {
  for (const structure of [SUMMED, UNSUMMED]) {
    const bytes = behind(64, structure);
    assertEquals(findExtensions(bytes, 0, bytes.length, 64, 0).labels, LABELS);
  }
});

Deno.test("labels are found behind 128 bytes where the length is given in bytes, or not at all", () => {
  for (const structure of [SUMMED, UNSUMMED]) {
    // 28 of the 128 bytes are not part of what is read.
    const bytes = behind(100, structure);
    for (const toldAt of [0, 512]) {
      assertEquals(findExtensions(bytes, 0, bytes.length, toldAt, 28).labels, LABELS);
    }
  }
});

Deno.test("a wrong checksum, another version or an object that ends outside is none", () => {
  const spoiled = [
    SUMMED.with(2, SUMMED[2] ^ 1),
    UNSUMMED.with(0, 0x10),
    UNSUMMED.with(5, 200),
    UNSUMMED.slice(0, -1),
  ];
  for (const structure of spoiled) {
    const bytes = behind(128, structure);
    assertEquals(findExtensions(bytes, 0, bytes.length, 128, 0), NO_EXTENSIONS);
  }
});

Deno.test("a quoted payload is not taken for extensions: its objects would have to fill it", () => {
  const bytes = behind(128, [...UNSUMMED, 0, 0, 0, 0]);
  assertEquals(findExtensions(bytes, 0, bytes.length, 0, 0), NO_EXTENSIONS);
});

Deno.test("an interface is told by role, index, address, name and MTU", () => {
  const bytes = Uint8Array.from(extensions(INTERFACE));
  assertEquals(parseExtensions(bytes, 0, bytes.length, "told"), {
    labels: [],
    interfaces: [
      { role: "incoming", index: 7, address: "192.0.2.7", name: "eth0", mtuBytes: 1500 },
    ],
    others: 0,
  });
});

Deno.test("objects of other kinds, and interfaces that are cut, are counted", () => {
  const other = [0, 8, 9, 1, 1, 2, 3, 4];
  const cut = [0, 8, 2, 0b1111, 0, 0, 0, 7];
  const bytes = Uint8Array.from(extensions(other, cut, STACK));
  const found = parseExtensions(bytes, 0, bytes.length, "told");
  assertEquals([found?.others, found?.labels], [2, LABELS]);
});
