import { assertEquals } from "@std/assert";
import { addressText, parseIpv4, parseIpv6 } from "../../../src/domain/address.ts";
import { property } from "../random.ts";

Deno.test("addresses are written as RFC 5952 wants them", () => {
  const texts = [
    "::",
    "::1",
    "1::",
    "2001:db8::1",
    "2001:db8:0:1:1:1:1:1",
    "2001:0:0:1::1",
    "2001:db8::1:0:0:1",
    "1:2:3:4:5:6:7:8",
    "fe80::abcd:0",
  ];
  for (const text of texts) assertEquals(addressText(parseIpv6(text) ?? new Uint8Array(16)), text);
  assertEquals(addressText(Uint8Array.of(192, 0, 2, 255)), "192.0.2.255");
});

Deno.test("an address is read where it lies in a buffer", () => {
  assertEquals(addressText(Uint8Array.of(9, 9, 10, 0, 0, 1, 9), 2, 4), "10.0.0.1");
});

property("what is written reads back as it was", 500, (random) => {
  const six = Uint8Array.from({ length: 16 }, () => random.pick([0, 0, 0, random.int(0, 255)]));
  assertEquals(parseIpv6(addressText(six)), six);
  const four = Uint8Array.from({ length: 4 }, () => random.int(0, 255));
  assertEquals(parseIpv4(addressText(four)), four);
});
