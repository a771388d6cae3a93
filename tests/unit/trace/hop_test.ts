import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/domain/exit.ts";
import { addressText, literalEndpoint } from "../../../src/domain/address.ts";
import { roundTrip } from "../../../src/trace/hop_answer.ts";
import { FakeClock } from "../fake_clock.ts";
import { parseOrigin, reversed } from "../../../src/net/name_server.ts";
import { parseNameServer, parseTraceTarget } from "../../../src/input/trace_target.ts";
import { property } from "../random.ts";

/** RFC 5952, section 4. */
const CANONICAL = [
  "10.77.0.1",
  "2001:db8::1",
  "::",
  "::1",
  "1::",
  "2001:db8:0:1:1:1:1:1",
  "2001:db8::1:0:0:1",
  "2001:0:0:1::1",
  "fe80::1:2",
  "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1",
];

Deno.test("addresses are written in their canonical form", () => {
  for (const text of CANONICAL) {
    assertEquals(addressText(literalEndpoint(text, 0)?.bytes ?? new Uint8Array()), text);
  }
});

property("an address's text is read as the same address", 500, (random) => {
  const bytes = Uint8Array.from(
    { length: random.pick([4, 16]) },
    () => random.int(0, 2) === 0 ? 0 : random.int(0, 255),
  );
  assertEquals(literalEndpoint(addressText(bytes), 0)?.bytes, bytes);
});

/** Sent now by a clock that then goes on for 50 ms. */
async function departure(
  leftUs: number,
): Promise<{ clock: FakeClock; sent: Parameters<typeof roundTrip>[0] }> {
  const clock = new FakeClock();
  const sent = { sentMs: clock.now(), wallOffsetMs: clock.wall() - clock.now(), leftUs };
  await clock.advance(50);
  return { clock, sent };
}

Deno.test("a round trip is the kernel's, however late it is read", async () => {
  const { clock, sent } = await departure(5_000_000);
  assertEquals(roundTrip(sent, 5_010_000, clock), { rttUs: 10_000, rttSource: "kernel" });
});

Deno.test("without a stamp, or with one of a clock that was set, it is the clock's", async () => {
  for (const [leftUs, stampUs] of [[NaN, 1], [1, NaN], [5e6, 4e6], [5e6, 9e6]]) {
    const { clock, sent } = await departure(leftUs);
    assertEquals(roundTrip(sent, stampUs, clock), { rttUs: 50_000, rttSource: "clock" });
  }
});

Deno.test("an origin is the longest prefix's, with all that announce it", () => {
  assertEquals(
    parseOrigin([
      "64496 | 192.0.0.0/8 | ZZ | test | 2026-01-01",
      "64500 64501 | 192.0.2.0/24 | ZZ | test | 2026-01-01",
    ]),
    { numbers: [64_500, 64_501], prefix: "192.0.2.0/24" },
  );
  assertEquals(parseOrigin(["64500 | 2001:db8::/32 | ZZ | test | 2026-01-01"]), {
    numbers: [64_500],
    prefix: "2001:db8::/32",
  });
  for (
    const text of ["", "NA | NA", "x | 1.2.3.0/24 |", "0 | 1.2.3.0/24 |", "1 | \u001b[31m/8 |"]
  ) {
    assertEquals(parseOrigin([text]), null, text);
  }
});

Deno.test("addresses are asked for backwards", () => {
  const zones = { 4: "four.test", 6: "six.test" };
  assertEquals(reversed("192.0.2.1", zones), "1.2.0.192.four.test");
  assertEquals(
    reversed("2001:db8::1", zones),
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.six.test",
  );
});

Deno.test("a server is an address, with a port or without", () => {
  assertEquals(parseNameServer("192.0.2.1"), { address: "192.0.2.1", port: 53 });
  assertEquals(parseNameServer("192.0.2.1:5353"), { address: "192.0.2.1", port: 5353 });
  assertEquals(parseNameServer("2001:db8::1"), { address: "2001:db8::1", port: 53 });
  assertEquals(parseNameServer("[2001:db8::1]:5353"), { address: "2001:db8::1", port: 5353 });
  for (const text of ["dns.test", "dns.test:53", "192.0.2.1:0", ""]) {
    assertThrows(() => parseNameServer(text), UsageError, undefined, text);
  }
});

Deno.test("a trace goes to a host, with a port or without", () => {
  assertEquals(parseTraceTarget("db.test"), { name: null, host: "db.test", port: null });
  assertEquals(parseTraceTarget("db.test:5432"), { name: null, host: "db.test", port: 5432 });
  assertEquals(parseTraceTarget("192.0.2.1"), { name: null, host: "192.0.2.1", port: null });
  assertEquals(parseTraceTarget("2001:db8::1"), { name: null, host: "2001:db8::1", port: null });
  assertEquals(parseTraceTarget("[2001:db8::1]"), { name: null, host: "2001:db8::1", port: null });
  assertEquals(parseTraceTarget("[2001:db8::1]:443"), {
    name: null,
    host: "2001:db8::1",
    port: 443,
  });
  assertEquals(parseTraceTarget("fe80::1%eth0"), { name: null, host: "fe80::1%eth0", port: null });
  for (const text of ["", "db test", "db.test:0", "300.1.2.3", "-x", "[db.test]:1"]) {
    assertThrows(() => parseTraceTarget(text), UsageError, undefined, text);
  }
});
