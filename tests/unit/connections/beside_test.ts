/** Traces, handshakes, thresholds and the schedule, on a clock that a test moves. */
import { assertEquals } from "@std/assert";
import {
  HandshakesBeside,
  type TraceOrder,
  TraceTrigger,
} from "../../../src/connections/beside.ts";
import { FailWatch } from "../../../src/connections/thresholds.ts";
import { ConnectionWatch } from "../../../src/connections/watch.ts";
import type { ConnectionGroup } from "../../../src/domain/connection.ts";
import { FakeClock, settle } from "../fake_clock.ts";
import { aGroup, aReport, endpoint } from "./reports.ts";

const MINUTE_MS = 60_000;

function slow(peer: string, ms: number, more: Partial<ConnectionGroup> = {}): ConnectionGroup {
  return aGroup({
    group: `${peer}:5432`,
    peer,
    peerPort: 5432,
    minRttUs: ms * 1000,
    slowestPeer: endpoint(peer, 5432),
    ...more,
  });
}

class Traces {
  readonly clock = new FakeClock();
  readonly made: TraceOrder[] = [];
  #done = Promise.withResolvers<void>();
  readonly trigger: TraceTrigger;

  constructor(rttMs: number | null, ratio: number | null) {
    const thresholds = {
      rttUs: rttMs === null ? null : rttMs * 1000,
      retransmittedRatio: ratio,
    };
    this.trigger = new TraceTrigger(this.clock, thresholds, (order) => {
      this.made.push(order);
      return this.#done.promise;
    });
  }

  consider(...groups: ConnectionGroup[]): void {
    this.trigger.consider(aReport(groups));
  }

  async finish(): Promise<void> {
    this.#done.resolve();
    this.#done = Promise.withResolvers<void>();
    await settle();
  }
}

Deno.test("a slow peer is traced once in five minutes, and one at a time", async () => {
  const traces = new Traces(50, null);
  const groups = [slow("10.0.0.1", 60), slow("10.0.0.2", 70), slow("10.0.0.3", 20)];
  traces.consider(...groups);
  traces.consider(...groups);
  assertEquals(traces.made.map(({ target }) => target.address), ["10.0.0.1"]);
  await traces.finish();
  traces.consider(...groups);
  await traces.finish();
  traces.consider(...groups);
  assertEquals(traces.made.map(({ target }) => target.address), ["10.0.0.1", "10.0.0.2"]);
  await traces.clock.advance(5 * MINUTE_MS);
  traces.consider(...groups);
  assertEquals(traces.made.length, 3);
  assertEquals(traces.made[0].protocol, "tcp");
});

Deno.test("no trace begins once they are stopped: a report may come after that", async () => {
  const traces = new Traces(50, null);
  traces.trigger.stop();
  traces.consider(slow("10.0.0.1", 60));
  await traces.trigger.ended();
  assertEquals(traces.made, []);
});

Deno.test("who waits for the end has the trace that the last report began", async () => {
  const traces = new Traces(50, null);
  await traces.trigger.ended();
  traces.consider(slow("10.0.0.1", 60));
  let ended = false;
  const end = traces.trigger.ended().then(() => ended = true);
  // A report meanwhile begins none, and is waited for no longer.
  traces.consider(slow("10.0.0.2", 60));
  await settle();
  assertEquals(ended, false);
  await traces.finish();
  await end;
  assertEquals(traces.made.length, 1);
});

Deno.test("a peer that connected to us is traced by ICMP; replies alone are no reason", () => {
  const traces = new Traces(50, null);
  const replyRtt = { count: 9, minUs: 1, p50Us: 90_000, p99Us: 1, maxUs: 1, sumUs: 1 };
  traces.consider(slow("10.0.0.1", 20, { replyRtt }));
  assertEquals(traces.made, []);
  traces.consider(slow("10.0.0.1", 60, { direction: "in" }));
  assertEquals(traces.made.map(({ protocol }) => protocol), ["icmp"]);
});

Deno.test("a share of segments sent again wants segments", () => {
  const traces = new Traces(null, 0.02);
  const group = (segmentsOut: number, segmentsRetransmitted: number) =>
    slow("10.0.0.1", 1, {
      segmentsOut,
      segmentsRetransmitted,
      mostRetransmittedPeer: endpoint("10.0.0.9", 7),
    });
  traces.consider(group(10, 5));
  traces.consider(group(100, 2));
  assertEquals(traces.made, []);
  traces.consider(group(100, 3));
  assertEquals(traces.made.map(({ target }) => target.address), ["10.0.0.9"]);
});

Deno.test("handshakes beside are spread over the interval and stand in the next report", async () => {
  const clock = new FakeClock();
  let us = 1000;
  const made: string[] = [];
  const beside = new HandshakesBeside(clock, 1000, ({ address }) => {
    made.push(address);
    return Promise.resolve(us++);
  });
  const inbound = slow("10.0.0.7", 1, { direction: "in" });
  beside.follow(aReport([slow("10.0.0.1", 1), slow("10.0.0.2", 1), inbound]));
  await clock.advance(500);
  assertEquals(made.length, 6);
  await clock.advance(500);
  assertEquals(made.filter((address) => address === "10.0.0.1").length, 4);
  assertEquals(made.includes("10.0.0.7"), false);
  beside.begin();
  assertEquals(beside.of("10.0.0.1:5432")?.count, 4);
  beside.begin();
  assertEquals(beside.of("10.0.0.1:5432"), null);
});

Deno.test("a threshold that nothing was measured for is crossed", () => {
  const empty = new FailWatch({ rttUs: 1000, retransmittedRatio: 0.01 });
  empty.add(aReport([]));
  assertEquals([...empty.failures()], [
    ["--fail-rtt", ["no connection has a round trip"]],
    ["--fail-retransmits", ["no connection sent a segment"]],
  ]);
  assertEquals(new FailWatch({ rttUs: null, retransmittedRatio: null }).failures().size, 0);
});

Deno.test("the worst of each group that crossed is kept, and not too many of them", () => {
  const fails = new FailWatch({ rttUs: 50_000, retransmittedRatio: 0.01 });
  const lossy = { segmentsOut: 100, segmentsRetransmitted: 2 };
  fails.add(aReport([slow("10.0.0.1", 60, lossy), slow("10.0.0.2", 50)]));
  fails.add(aReport([slow("10.0.0.1", 80)]));
  assertEquals([...fails.failures()], [[
    "10.0.0.1:5432",
    ["rtt 80 ms, above 50 ms", "2% of its segments were sent again, above 1%"],
  ]]);
  fails.add(aReport([slow("10.0.0.3", 20, lossy)]));
  const [, last] = fails.failures();
  assertEquals(last, ["10.0.0.3:5432", ["2% of its segments were sent again, above 1%"]]);
  fails.add(aReport(Array.from({ length: 2000 }, (_, i) => slow(`10.1.${i >> 8}.${i & 255}`, 90))));
  assertEquals(fails.failures().size, 1001);
});

Deno.test("readings keep to their schedule, and slow ones are not made up for", async () => {
  const clock = new FakeClock(0);
  const at: number[] = [];
  let slowMs = 0;
  const watch = new ConnectionWatch({ intervalMs: 1000, count: 4, durationMs: null }, {
    clock,
    read: () => {
      at.push(clock.now());
      clock.stall(slowMs);
      slowMs = at.length === 2 ? 3500 : 10;
      return Promise.resolve(aReport([]));
    },
    onBaseline: () => {},
    onReport: () => {},
  });
  const run = watch.run();
  await clock.advance(20_000);
  await run;
  assertEquals(at[0], 0);
  assertEquals(at.map((ms) => Math.floor(ms / 1000)), [0, 1, 2, 5, 6]);
});

Deno.test("a duration ends the readings with a last report, a stop without one", async () => {
  const reports: number[] = [];
  const clock = new FakeClock(0);
  const options = { intervalMs: 1000, count: null, durationMs: 2500 };
  const ports = {
    clock,
    read: () => Promise.resolve(aReport([])),
    onBaseline: () => {},
    onReport: () => void reports.push(clock.now()),
  };
  const run = new ConnectionWatch(options, ports).run();
  await clock.advance(5000);
  await run;
  assertEquals(reports, [1000, 2000, 2500]);
  const stopped = new ConnectionWatch({ ...options, durationMs: null }, ports);
  const ended = stopped.run();
  await clock.advance(1500);
  stopped.stop();
  await ended;
  assertEquals(reports.length, 4);
});
