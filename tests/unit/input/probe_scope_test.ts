import { assertEquals, assertThrows } from "@std/assert";
import { literalEndpoint } from "../../../src/domain/address.ts";
import { UsageError } from "../../../src/domain/exit.ts";
import { isInRanges, parseProbeScope } from "../../../src/input/probe_scope.ts";
import { property } from "../random.ts";

function admits(scope: string, address: string, port: number): boolean {
  const parsed = parseProbeScope(scope);
  const endpoint = literalEndpoint(address, port);
  return parsed.kind === "listed" && endpoint !== null && isInRanges(endpoint, parsed.ranges);
}

Deno.test("no text is the run's own targets, any is anything", () => {
  assertEquals(parseProbeScope(""), { kind: "own" });
  assertEquals(parseProbeScope("any"), { kind: "any" });
});

const CASES: readonly [scope: string, address: string, port: number, admitted: boolean][] = [
  ["10.0.0.0/8", "10.255.0.1", 1, true],
  ["10.0.0.0/8", "11.0.0.1", 1, false],
  ["10.0.0.0/8:5432", "10.1.1.1", 5432, true],
  ["10.0.0.0/8:5432", "10.1.1.1", 5433, false],
  ["10.0.0.5", "10.0.0.5", 65_535, true],
  ["10.0.0.5", "10.0.0.4", 1, false],
  ["10.0.0.0/8:5000-5999,192.0.2.1:22", "192.0.2.1", 22, true],
  ["10.0.0.0/8:5000-5999,192.0.2.1:22", "10.0.0.1", 5999, true],
  ["10.0.0.0/8:5000-5999,192.0.2.1:22", "10.0.0.1", 22, false],
  ["0.0.0.0/0", "203.0.113.9", 80, true],
  ["0.0.0.0/0", "2001:db8::1", 80, false],
  ["[2001:db8::]/32:443", "2001:db8:1::1", 443, true],
  ["[2001:db8::]/32:443", "2001:db9::1", 443, false],
  ["2001:db8::/33", "2001:db8:7fff::1", 443, true],
  ["2001:db8::/33", "2001:db8:8000::1", 443, false],
  // An IPv4-mapped address is the IPv4 address: nobody gets past a list by another spelling.
  ["10.0.0.0/8", "::ffff:10.0.0.1", 80, true],
  ["::/0", "::ffff:10.0.0.1", 80, false],
];

Deno.test("an address and port are in a list or not", () => {
  for (const [scope, address, port, admitted] of CASES) {
    assertEquals(admits(scope, address, port), admitted, `${scope} ${address}:${port}`);
  }
});

property("a range holds exactly the addresses that begin with its bits", 300, (random) => {
  const bits = random.int(0, 32);
  const bytes = () => Array.from({ length: 4 }, () => random.int(0, 255));
  const [network, other] = [bytes(), bytes()];
  const word = (of: number[]) => of.reduce((sum, byte) => sum * 256 + byte, 0);
  const same = Math.floor(word(network) / 2 ** (32 - bits)) ===
    Math.floor(word(other) / 2 ** (32 - bits));
  assertEquals(admits(`${network.join(".")}/${bits}`, other.join("."), 1), same);
});

Deno.test("what is no range is refused", () => {
  for (
    const text of [
      "all",
      "10.0.0.0/33",
      "[::]/129",
      "10.0.0.0/8:0",
      "10.0.0.0/8:65536",
      "10.0.0.0/8:9-1",
      "10.0.0.256",
      "db:5432",
      "10.0.0.1,",
      ",",
      "::1:80/",
      "[fe80::1%eth0]:1",
      Array(300).fill("10.0.0.1").join(","),
    ]
  ) {
    assertThrows(() => parseProbeScope(text), UsageError, "probe=", text);
  }
});
