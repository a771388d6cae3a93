import { assertEquals } from "@std/assert";
import { literalEndpoint, parseIpv4, parseIpv6 } from "../../../src/domain/address.ts";
import { property } from "../random.ts";

const IPV4: readonly [text: string, bytes: number[]][] = [
  ["0.0.0.0", [0, 0, 0, 0]],
  ["127.0.0.1", [127, 0, 0, 1]],
  ["255.255.255.255", [255, 255, 255, 255]],
  ["192.0.2.10", [192, 0, 2, 10]],
];

const NOT_IPV4 = [
  "",
  "1",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.256",
  "1.2.3.04",
  "01.2.3.4",
  "1.2.3.",
  ".1.2.3",
  "1..2.3",
  "1.2.3.-4",
  "1.2.3.4 ",
  " 1.2.3.4",
  "1.2.3.0x4",
  "1.2.3.4e0",
  "1.2.3.٤",
  "1.2.3.1000",
  "::1",
];

const IPV6: readonly [text: string, groups: number[]][] = [
  ["::", [0, 0, 0, 0, 0, 0, 0, 0]],
  ["::1", [0, 0, 0, 0, 0, 0, 0, 1]],
  ["1::", [1, 0, 0, 0, 0, 0, 0, 0]],
  ["2001:db8::5", [0x2001, 0xdb8, 0, 0, 0, 0, 0, 5]],
  ["2001:DB8::ABCD", [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xabcd]],
  ["1:2:3:4:5:6:7:8", [1, 2, 3, 4, 5, 6, 7, 8]],
  ["1:2:3:4:5:6:7::", [1, 2, 3, 4, 5, 6, 7, 0]],
  ["::2:3:4:5:6:7:8", [0, 2, 3, 4, 5, 6, 7, 8]],
  ["1:2:3::6:7:8", [1, 2, 3, 0, 0, 6, 7, 8]],
  ["0001:0:0:0:0:0:0:0008", [1, 0, 0, 0, 0, 0, 0, 8]],
  ["::ffff:192.0.2.1", [0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201]],
  ["::ffff:c000:201", [0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201]],
  ["64:ff9b::10.0.0.1", [0x64, 0xff9b, 0, 0, 0, 0, 0x0a00, 1]],
  ["::1.2.3.4", [0, 0, 0, 0, 0, 0, 0x0102, 0x0304]],
  ["1:2:3:4:5:6:7.8.9.10", [1, 2, 3, 4, 5, 6, 0x0708, 0x090a]],
];

const NOT_IPV6 = [
  "",
  ":",
  ":::",
  "1",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7:8::",
  "::1:2:3:4:5:6:7:8",
  "1::2::3",
  "1:::2",
  ":1::2",
  "1::2:",
  "12345::",
  "g::",
  "::-1",
  "::1 ",
  " ::1",
  "[::1]",
  "::1%eth0",
  "1.2.3.4",
  "1.2.3.4::",
  "::1.2.3.4:5",
  "::1.2.3",
  "::1.2.3.256",
  "1:2:3:4:5:6:7:1.2.3.4",
  "::ffff:01.2.3.4",
];

Deno.test("dotted quads become four bytes", () => {
  for (const [text, bytes] of IPV4) assertEquals([...parseIpv4(text) ?? []], bytes, text);
});

Deno.test("what is no dotted quad in decimal is refused", () => {
  for (const text of NOT_IPV4) assertEquals(parseIpv4(text), null, text);
});

Deno.test("IPv6 literals of every form become sixteen bytes", () => {
  for (const [text, groups] of IPV6) {
    const bytes = groups.flatMap((group) => [group >> 8, group & 255]);
    assertEquals([...parseIpv6(text) ?? []], bytes, text);
  }
});

Deno.test("what is no IPv6 literal is refused", () => {
  for (const text of NOT_IPV6) assertEquals(parseIpv6(text), null, text);
});

Deno.test("an endpoint keeps the literal as it was written, with family and port", () => {
  const v4 = literalEndpoint("192.0.2.1", 80);
  assertEquals([v4?.address, v4?.family, v4?.port, v4?.bytes.length], ["192.0.2.1", 4, 80, 4]);
  const v6 = literalEndpoint("2001:DB8::1", 443);
  assertEquals([v6?.address, v6?.family, v6?.port], ["2001:DB8::1", 6, 443]);
});

Deno.test("a zone belongs to an IPv6 literal, is kept as text and is not empty", () => {
  const scoped = literalEndpoint("fe80::1%eth0.100", 22);
  assertEquals([scoped?.address, scoped?.family], ["fe80::1%eth0.100", 6]);
  assertEquals(scoped?.bytes, parseIpv6("fe80::1") ?? undefined);
  for (const text of ["fe80::1%", "192.0.2.1%eth0", "%eth0", "db%eth0", ""]) {
    assertEquals(literalEndpoint(text, 22), null, text);
  }
});

Deno.test("a zone with what no interface is called by is refused", () => {
  for (const zone of ["a,b", 'a"b', "a b", "a\nb", "\u001b[2J", "a/b", "a%b", "z".repeat(100)]) {
    assertEquals(literalEndpoint(`fe80::1%${zone}`, 22), null, JSON.stringify(zone));
  }
});

property("any eight groups read back from URL's own spelling of them", 300, (random) => {
  const groups = Array.from(
    { length: 8 },
    () => random.int(0, 2) === 0 ? 0 : random.int(0, 0xffff),
  );
  const full = groups.map((group) => group.toString(16)).join(":");
  const shortest = new URL(`http://[${full}]/`).hostname.slice(1, -1);
  const bytes = groups.flatMap((group) => [group >> 8, group & 255]);
  assertEquals([...parseIpv6(full) ?? []], bytes, full);
  assertEquals([...parseIpv6(shortest) ?? []], bytes, shortest);
});
