import { assertEquals, assertStringIncludes } from "@std/assert";
import { httpLimits } from "../../../src/net/http_limits.ts";
import {
  type Demand,
  inFlightAtWorst,
  limitNotices,
  mostInFlight,
  mostLookups,
} from "../../../src/run/limit_notices.ts";
import { target } from "../fixtures.ts";

const PLENTY = { maxInFlight: 50_000, descriptors: 50_064, othersOf: () => 0, ports: 28_232 };

function demand(targets: number, more: Partial<Demand> = {}): Demand {
  return {
    targets: Array.from({ length: targets }, (_, i) => target(`t${i}`, { host: `h${i}` })),
    intervalMs: 1000,
    timeoutMs: 5000,
    burst: 1,
    close: "fin",
    ...more,
  };
}

Deno.test("ten thousand targets once a second meet no limit where there are descriptors", () => {
  assertEquals(limitNotices(demand(10_000), PLENTY), []);
});

Deno.test("at worst each target has as many probes in flight as fit into a timeout", () => {
  assertEquals(inFlightAtWorst(demand(10)), 50);
  assertEquals(inFlightAtWorst(demand(10, { intervalMs: 300, timeoutMs: 1000 })), 40);
  assertEquals(inFlightAtWorst(demand(10, { intervalMs: 60_000 })), 10);
  assertEquals(inFlightAtWorst(demand(10, { burst: 20 })), 10);
});

Deno.test("too few descriptors are said, with the limit that would do", () => {
  const few = { ...PLENTY, maxInFlight: 960, descriptors: 1024 };
  assertEquals(limitNotices(demand(1000), few), [
    "of 5,000 probes that could be unanswered at once, 960 may be under way " +
    "(descriptor limit 1,024); the rest would wait, seen as lag and skipped: " +
    "'ulimit -n 5052', a shorter --timeout or a longer --interval",
  ]);
  assertEquals(limitNotices(demand(192), few), []);
});

Deno.test("with the limit that is said, as many probes may be in flight, whatever else takes its share", () => {
  const serving = (descriptors: number) => 3 + httpLimits(descriptors).connections;
  for (const othersOf of [() => 0, () => 5, serving]) {
    for (const worst of [100, 810, 5000, 40_000]) {
      const few = { ...PLENTY, maxInFlight: 10, descriptors: 64, othersOf };
      const said = limitNotices(demand(worst / 5), few)[0];
      const wanted = Number(/ulimit -n ([0-9]+)/.exec(said)?.[1]);
      assertEquals(mostInFlight(wanted, othersOf(wanted)), worst);
    }
  }
});

Deno.test("no limit is named that would not do: more than 50,000 are never under way", () => {
  const few = { ...PLENTY, maxInFlight: 960, descriptors: 1024 };
  assertStringIncludes(limitNotices(demand(100_000), few)[0], "'ulimit -n 50052', a shorter");
  assertEquals(
    limitNotices(demand(100_000), PLENTY)[0],
    [
      "of 500,000 probes that could be unanswered at once, 50,000 may be under way; the rest would",
      "wait, seen as lag and skipped: a shorter --timeout or a longer --interval",
    ].join(" "),
  );
});

Deno.test("of few descriptors probes and look-ups have a share, and never fewer than two places", () => {
  const most = [20, 30, 40, 64, 100, 1024].map((descriptors) => mostInFlight(descriptors, 0));
  assertEquals(most, [2, 6, 8, 12, 48, 972]);
  const lookups = [20, 30, 40, 100, null].map((descriptors) => mostLookups(descriptors));
  assertEquals(lookups, [1, 4, 8, 8, 8]);
  assertEquals([20, 64, 100].map((descriptors) => mostInFlight(descriptors, 25)), [2, 2, 23]);
});

Deno.test("a bound that the user chose needs no word", () => {
  assertEquals(limitNotices(demand(1000), { ...PLENTY, maxInFlight: 10, descriptors: null }), []);
});

Deno.test("more closes to one address than ports last are said, with the way out", () => {
  const [notice, ...more] = limitNotices(demand(1, { intervalMs: 2 }), PLENTY);
  assertEquals(more, []);
  assertEquals(
    notice,
    "h0:5432 is closed 500 times a second, and each close can hold a local port for 1m: " +
      "30,000 ports, of 28,232 (net.ipv4.ip_local_port_range): " +
      "--close rst, a longer --interval, or more addresses",
  );
  assertEquals(limitNotices(demand(1, { intervalMs: 3 }), PLENTY), []);
  assertEquals(limitNotices(demand(1, { intervalMs: 2, close: "rst" }), PLENTY), []);
  assertEquals(limitNotices(demand(1, { intervalMs: 2 }), { ...PLENTY, ports: null }), []);
});

Deno.test("ports are counted for each address and port of the other side", () => {
  const same = Array.from({ length: 500 }, (_, i) => target(`t${i}`, { host: "db" }));
  const busy = demand(0, { targets: same });
  assertEquals(limitNotices(busy, PLENTY).length, 1);
  const ports = same.map((each, i) => ({ ...each, port: 5000 + i }));
  assertEquals(limitNotices(demand(0, { targets: ports }), PLENTY), []);
});
