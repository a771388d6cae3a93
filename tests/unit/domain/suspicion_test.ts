import { assertEquals } from "@std/assert";
import { BUSY_US, LATE_US, suspicionsOf } from "../../../src/domain/suspicion.ts";
import { flat, summary } from "../fixtures.ts";

Deno.test("lag above 10 ms at p99 is a late prober, at the threshold it is none", () => {
  const of = (us: number) => suspicionsOf(summary({ lag: flat(us, 100) }));
  assertEquals(of(LATE_US), []);
  assertEquals(of(LATE_US + 1), [{ kind: "late prober", us: LATE_US + 1 }]);
});

Deno.test("a p99 of fewer than a hundred samples is the maximum, so one late probe is no late prober", () => {
  assertEquals(suspicionsOf(summary({ lag: flat(1_000_000, 99) })), []);
});

Deno.test("connect 10 ms above rtt in the median is a busy machine", () => {
  const of = (us: number, count: number) =>
    suspicionsOf(summary({ rtt: flat(500, count), connect: flat(us, count) }));
  assertEquals(of(500 + BUSY_US, 20), []);
  assertEquals(of(501 + BUSY_US, 20), [{ kind: "busy machine", us: BUSY_US + 1 }]);
  assertEquals(of(501 + BUSY_US, 19), []);
});

Deno.test("without the kernel's round trip there is nothing to hold connect against", () => {
  assertEquals(suspicionsOf(summary({ rtt: null, connect: flat(90_000, 100) })), []);
});
