import { assertEquals } from "@std/assert";
import { type Demand, inFlightAtWorst, limitNotices } from "../../../src/run/limit_notices.ts";
import { target } from "../fixtures.ts";

const PLENTY = { maxInFlight: 50_000, descriptors: 50_064, ports: 28_232 };

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
    "'ulimit -n 5064', a shorter --timeout or a longer --interval",
  ]);
  assertEquals(limitNotices(demand(192), few), []);
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
