import { NONE } from "../../../src/domain/probe_record.ts";
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { CATCH_UP_MS } from "../../../src/time/schedule.ts";
import { property } from "../random.ts";
import { byName, literals, LoopBench, LOST } from "./loop_bench.ts";

const multiples = (count: number, ms: number) => Array.from({ length: count }, (_, i) => i * ms);

/** A loop that probes one target. */
async function probing(...parts: ConstructorParameters<typeof LoopBench>): Promise<LoopBench> {
  const bench = new LoopBench(...parts);
  await bench.start(...literals("db"));
  return bench;
}

Deno.test("probes are sent at absolute times, without drift", async () => {
  const bench = await probing({ intervalMs: 7.5 }, () => ({ afterMs: 3 }));
  await bench.clock.advance(7.5 * 1000);
  assertEquals(bench.prober.timesOf("db"), multiples(1001, 7.5));
  bench.loop.stop();
});

Deno.test("timers that are late shift no later probe, and show as lag", async () => {
  const bench = await probing({ intervalMs: 100 });
  await bench.clock.advance(250);
  bench.clock.stall(62.5);
  await bench.clock.advance(287.5);
  assertEquals(bench.prober.timesOf("db"), [0, 100, 200, 312.5, 400, 500, 600]);
  assertEquals(bench.records.slice(0, 6).map((of) => of.lagUs), [0, 0, 0, 12_500, 0, 0]);
  bench.loop.stop();
});

Deno.test("what comes due while a turn sends is sent in that turn, not after the next wake-up", async () => {
  const bench: LoopBench = new LoopBench({ intervalMs: 1000 }, ({ atMs }) => {
    // Each probe takes the sender 5 ms from 1000 on, by which the next one is due.
    if (atMs >= 1000) bench.clock.stall(5);
    return { afterMs: 1 };
  });
  // Answers are read once at the start of each turn, and after 16 probes.
  const turns: number[] = [];
  Object.assign(bench.prober, { readAnswers: () => turns.push(bench.clock.now()) });
  await bench.start(...literals(...Array.from({ length: 250 }, (_, i) => `t${i}`)));
  await bench.clock.advance(1050);
  const late = bench.prober.sent.filter(({ atMs }) => atMs >= 1000);
  assertEquals(late.slice(0, 10).map(({ atMs }) => atMs), multiples(10, 5).map((ms) => 1000 + ms));
  assertEquals(turns.filter((atMs) => atMs >= 1000 && atMs < 1050), [1000]);
  bench.loop.stop();
});

Deno.test("the time that queueing all targets takes makes the first of them not late", async () => {
  const bench = new LoopBench({ intervalMs: 1000, durationMs: 2000 });
  await bench.loop.prepare(literals("a", "b"));
  Object.defineProperty(bench.loop.entries[0], "lookedUp", {
    get: () => {
      bench.clock.stall(5);
      return true;
    },
  });
  const ended = bench.loop.run();
  await bench.clock.advance(3000);
  await ended;
  assertEquals(bench.records.map(({ target, lagUs }) => [target.name, lagUs]), [
    ["a", 0],
    ["b", 0],
    ["a", 0],
    ["b", 0],
  ]);
});

Deno.test("the targets' starts are spread over the interval", async () => {
  const bench = new LoopBench({ intervalMs: 1000 });
  await bench.start(...literals("a", "b", "c", "d"));
  await bench.clock.advance(1999);
  const sent = bench.prober.sent.map(({ target, atMs }) => [target, atMs]);
  const once = [["a", 0], ["b", 250], ["c", 500], ["d", 750]];
  assertEquals(sent, [...once, ["a", 1000], ["b", 1250], ["c", 1500], ["d", 1750]]);
  bench.loop.stop();
});

Deno.test("a count ends the run when the fate of each target's last probe is known", async () => {
  const bench = new LoopBench({ count: 3 }, () => ({ afterMs: 40 }));
  await bench.start(...literals("a", "b"));
  await bench.clock.advance(2539);
  assert(!bench.finished);
  await bench.clock.advance(10_000);
  assertEquals(bench.finishedMs, 2540);
  assertEquals(bench.records.map((of) => of.seq), [1, 1, 2, 2, 3, 3]);
  assertEquals(bench.clock.waiting, 0);
});

Deno.test("no probe is sent once the duration is over, and those under way are awaited", async () => {
  const bench = await probing({ durationMs: 3000 }, () => LOST);
  await bench.clock.advance(20_000);
  assertEquals(bench.prober.timesOf("db"), [0, 1000, 2000]);
  assertEquals([bench.records.length, bench.finishedMs], [3, 2900]);
});

Deno.test("a stall across the end of the duration sends nothing after it", async () => {
  const bench = await probing({ durationMs: 3000 });
  await bench.clock.advance(500);
  bench.clock.stall(9500);
  await bench.clock.advance(20_000);
  assertEquals(bench.prober.timesOf("db"), [0]);
  assert(bench.finished);
  assertEquals(bench.summaryOf("db").skipped, 2);
});

Deno.test("a timer that is late at the end by a little costs no probe that was due before", async () => {
  for (const [lateMs, sent] of [[10, 2], [CATCH_UP_MS, 1]]) {
    const bench = await probing({ durationMs: 1001, intervalMs: 1000 });
    await bench.clock.advance(999);
    bench.clock.stall(2 + lateMs);
    await bench.clock.advance(5000);
    assertEquals([bench.prober.timesOf("db").length, bench.summaryOf("db").skipped], [
      sent,
      2 - sent,
    ]);
    assert(bench.finished);
  }
});

Deno.test("a probe that waits for others at the end of the duration is skipped, not sent", async () => {
  const options = { durationMs: 1000, intervalMs: 500, maxInFlight: 1 };
  const bench = await probing(options, () => ({ afterMs: 1500 }));
  await bench.clock.advance(20_000);
  assertEquals(bench.prober.timesOf("db"), [0]);
  assertEquals([bench.summaryOf("db").skipped, bench.finishedMs], [1, 1500]);
});

Deno.test("slots that a stall ran over are skipped and counted, in seq no gap", async () => {
  const bench = await probing({ intervalMs: 100 });
  await bench.clock.advance(150);
  bench.clock.stall(1000);
  await bench.clock.advance(100);
  // At 1150 the slots from 200 on are due; those later than one interval are not made good.
  assertEquals(bench.prober.timesOf("db"), [0, 100, 1150, 1200]);
  const { sent, skipped } = bench.summaryOf("db");
  assertEquals([sent, skipped, bench.skipped.get("db")], [4, 9, 9]);
  assertEquals(bench.records.map((of) => of.seq), [1, 2, 3, 4]);
  bench.loop.stop();
});

property("sent and skipped add up to the slots that went by", 40, async (random) => {
  const intervalMs = random.pick([1, 5, 50, 1000]);
  const bench = await probing({ intervalMs });
  for (let turn = 0; turn < 20; turn++) {
    await bench.clock.advance(random.int(0, 20) * intervalMs);
    if (random.int(0, 2) === 0) bench.clock.stall(random.unit() * 500 * intervalMs);
  }
  await bench.clock.advance(intervalMs / 2);
  const slots = Math.floor(bench.clock.now() / intervalMs) + 1;
  const unsettled = bench.prober.sent.length - bench.records.length;
  assertLessOrEqual(unsettled, 50);
  assertEquals(bench.prober.sent.length + bench.summaryOf("db").skipped, slots);
  bench.loop.stop();
});

Deno.test("a burst goes back to back, its first probe cold, each slot anew", async () => {
  const bench = await probing({ burst: 3, intervalMs: 1000 }, () => ({ afterMs: 10 }));
  await bench.clock.advance(1100);
  assertEquals(bench.prober.timesOf("db"), [0, 10, 20, 1000, 1010, 1020]);
  assertEquals(bench.records.map((of) => of.cold), [true, false, false, true, false, false]);
  assertEquals(bench.records.map((of) => of.lagUs), [0, NONE, NONE, 0, NONE, NONE]);
  bench.loop.stop();
});

Deno.test("without bursts only the first probe of a target is cold", async () => {
  const bench = new LoopBench({ count: 3 });
  await bench.start(...literals("a", "b"));
  await bench.clock.advance(5000);
  const cold = bench.records.map((of) => [of.target.name, of.cold]);
  assertEquals(cold.slice(0, 3), [["a", true], ["b", true], ["a", false]]);
  assertEquals(cold.filter(([, isCold]) => isCold).length, 2);
});

Deno.test("a slot that comes while a burst is under way waits for its end, then may be skipped", async () => {
  const bench = await probing({ burst: 3, intervalMs: 100 }, () => ({ afterMs: 60 }));
  await bench.clock.advance(535);
  assertEquals(bench.prober.timesOf("db"), [0, 60, 120, 180, 240, 300, 360, 420, 480]);
  const lags = bench.records.map((of) => of.lagUs);
  assertEquals(lags, [0, NONE, NONE, 80_000, NONE, NONE, 60_000, NONE]);
  assertEquals(bench.summaryOf("db").skipped, 3);
  bench.loop.stop();
});

Deno.test("a burst to a silent target ends with its first loss, and makes no later probe late", async () => {
  const options = { burst: 5, intervalMs: 1000, endsSilentBursts: true };
  const bench = new LoopBench(options, ({ target }) => ({
    outcome: target === "dead" ? "timeout" : "established",
    afterMs: target === "dead" ? 3000 : 10,
  }));
  await bench.start(...literals("dead", "well"));
  await bench.clock.advance(9500);
  assertEquals(bench.prober.timesOf("dead"), [0, 3000, 6000, 9000]);
  assertEquals(bench.skipped.get("dead"), 6 * 5);
  assertEquals(bench.prober.timesOf("well").filter((ms) => ms < 9000).length, 9 * 5);
  assertEquals(new Set(bench.records.map(({ lagUs }) => lagUs)), new Set([0, NONE]));
  bench.loop.stop();
});

Deno.test("a burst stops at the end of the duration", async () => {
  const bench = await probing({ burst: 10, durationMs: 100 }, () => ({ afterMs: 40 }));
  await bench.clock.advance(5000);
  assertEquals([bench.prober.timesOf("db"), bench.finishedMs], [[0, 40, 80], 120]);
});

Deno.test("a count cuts the last burst short", async () => {
  const whole = new LoopBench({ burst: 3, count: 3 });
  const cut = new LoopBench({ burst: 3, count: 5 });
  for (const bench of [whole, cut]) {
    await bench.start(...literals("db"));
    await bench.clock.advance(10_000);
    assert(bench.finished);
  }
  assertEquals(whole.prober.timesOf("db"), [0, 1, 2]);
  assertEquals(cut.prober.timesOf("db"), [0, 1, 2, 1000, 1001]);
  assertEquals(cut.summaryOf("db").skipped, 0);
});

Deno.test("stopping ends the run at once, and what is under way stands as waiting", async () => {
  const bench = await probing({ intervalMs: 100 }, () => ({ afterMs: 250 }));
  await bench.clock.advance(420);
  assertEquals([bench.prober.sent.length, bench.records.length], [5, 2]);
  bench.loop.stop();
  bench.loop.stop();
  await bench.clock.advance(0);
  assertEquals([bench.finishedMs, bench.prober.stopped], [420, true]);
  await bench.clock.advance(10_000);
  assertEquals([bench.prober.sent.length, bench.records.length], [5, 2]);
  const { sent, answered, lost, waiting } = bench.summaryOf("db");
  assertEquals([sent, answered, lost, waiting, bench.clock.waiting], [5, 2, 0, 3, 0]);
});

Deno.test("stopping at one result leaves another of the same moment uncounted", async () => {
  const bench = new LoopBench();
  await bench.start(byName("gone"), byName("lost"));
  bench.afterRecord = () => bench.loop.stop();
  bench.clock.stall(600);
  await bench.clock.advance(0);
  assertEquals(bench.records.map((of) => of.target.name), ["gone"]);
});

Deno.test("each record carries the moment it was sent, not that of its answer", async () => {
  const bench = await probing({ count: 2 }, () => ({ afterMs: 300 }));
  await bench.clock.advance(5000);
  const start = Date.UTC(2026, 10, 21, 9) / 1000;
  const stamps = bench.records.map((of) => [of.wallSeconds - start, of.wallNanos]);
  assertEquals(stamps, [[0, 0], [1, 0]]);
});

Deno.test("a record that is used again holds nothing of the probe before", async () => {
  const bench = new LoopBench(
    { intervalMs: 100, count: 2 },
    ({ seq }) => seq === 1 ? { afterMs: 1 } : { afterMs: 1, outcome: "timeout" },
  );
  await bench.start(...literals("db"));
  await bench.clock.advance(1000);
  const [, lost] = bench.records;
  assertEquals(
    [lost.outcome, lost.rttUs, lost.rttSource, lost.connectUs, lost.synRetransmits, lost.cold],
    ["timeout", -1, null, -1, -1, false],
  );
});

Deno.test("what is late is sent in several turns, so that replies are read in between", async () => {
  const names = Array.from({ length: 250 }, (_, i) => `t${i}`);
  let most = 0;
  const bench = new LoopBench({ intervalMs: 1000 }, () => {
    most = Math.max(most, bench.prober.sent.length - bench.records.length);
    return { afterMs: 0 };
  });
  await bench.start(...literals(...names));
  await bench.clock.advance(100);
  bench.clock.stall(800);
  await bench.clock.advance(0);
  assertEquals(bench.records.length, 226);
  assertLessOrEqual(most, 128);
  bench.loop.stop();
});
