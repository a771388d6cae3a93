/** When windows begin and end, and that each probe is in exactly one. */
import { assert, assertEquals } from "@std/assert";
import { Windows } from "../../../src/run/windows.ts";
import type { Window } from "../../../src/domain/summary.ts";
import { LASTING } from "../../../src/stats/counts.ts";
import { FakeClock } from "../fake_clock.ts";
import { established, record, target } from "../fixtures.ts";
import { property } from "../random.ts";

const DB = target("db");
const OTHER = target("other");
const START = 1000.25;
const WALL = Date.UTC(2026, 10, 21, 9);

interface Run {
  readonly clock: FakeClock;
  readonly windows: Windows;
  readonly seen: Window[];
  /** When each was reported, in ms after the start. */
  readonly atMs: number[];
  dropped: number;
}

/** Windows of a second, begun. */
function begun(lengthMs = 1000): Run {
  const clock = new FakeClock(START, WALL);
  const run = { clock, seen: [] as Window[], atMs: [] as number[], dropped: 0 };
  const windows = new Windows(lengthMs, {
    clock,
    onWindow: (window) => {
      run.seen.push(window);
      run.atMs.push(clock.now() - START);
    },
    dropped: () => run.dropped,
    pressure: () => null,
    room: () => Promise.resolve(),
  });
  windows.start();
  return Object.assign(run, { windows });
}

/** Sequence numbers and fates: `.` answered, `x` lost. */
function play({ windows }: Run, from: number, word: string, of = DB): void {
  for (const [i, letter] of [...word].entries()) {
    const seq = from + i;
    const lost = record({ seq, outcome: "timeout", target: of });
    windows.record(letter === "x" ? lost : established(seq, 1000 * seq, { target: of }));
  }
}

Deno.test("windows end at whole multiples of their length after the start", async () => {
  const run = begun();
  play(run, 1, "...");
  await run.clock.advance(3999);
  assertEquals(run.atMs, [1000, 2000, 3000]);
  assertEquals(run.seen.map(({ windowMs, sent }) => [windowMs, sent]), [
    [1000, 3],
    [1000, 0],
    [1000, 0],
  ]);
  await run.clock.advance(1);
  assertEquals(run.atMs.at(-1), 4000);
  run.windows.stop();
});

Deno.test("a window bears the wall time of its end", async () => {
  const run = begun();
  play(run, 1, ".");
  await run.clock.advance(1000);
  const [{ wallSeconds, wallNanos }] = run.seen;
  assertEquals([wallSeconds, wallNanos], [WALL / 1000 + 1, 0]);
  run.clock.stepWall(-3_600_000);
  await run.clock.advance(1000);
  assertEquals(run.seen[1].wallSeconds, WALL / 1000 + 2 - 3600);
  run.windows.stop();
});

Deno.test("boundaries do not drift, however late the process is each time", async () => {
  const run = begun();
  play(run, 1, ".");
  for (let i = 0; i < 20; i++) {
    // Later than the boundary by 137 ms.
    run.clock.stall(1137 - (run.clock.now() - START) % 1000);
    await run.clock.advance(0);
  }
  assertEquals(run.atMs, Array.from({ length: 20 }, (_, i) => 1000 * (i + 1) + 137));
  assertEquals(new Set(run.seen.map(({ windowMs }) => windowMs)), new Set([1000]));
  run.windows.stop();
});

Deno.test("windows that went by in a stall are one, as long as they were", async () => {
  const run = begun();
  play(run, 1, "..");
  run.clock.stall(3400);
  await run.clock.advance(0);
  assertEquals([run.seen.length, run.seen[0].windowMs, run.seen[0].sent], [1, 3000, 2]);
  await run.clock.advance(1600);
  assertEquals(run.atMs, [3400, 4000, 5000]);
  assertEquals(run.seen.slice(1).map(({ windowMs }) => windowMs), [1000, 1000]);
  run.windows.stop();
});

Deno.test("a stall that ends on a boundary ends the windows up to it as one", async () => {
  const run = begun();
  play(run, 1, ".");
  run.clock.stall(2000);
  await run.clock.advance(0);
  assertEquals(run.seen.map(({ windowMs }) => windowMs), [2000]);
  await run.clock.advance(1000);
  assertEquals(run.atMs, [2000, 3000]);
  run.windows.stop();
});

Deno.test("the last window is as short as it was, and nothing wakes up after it", async () => {
  const run = begun();
  play(run, 1, "..");
  await run.clock.advance(2000);
  play(run, 3, "...");
  await run.clock.advance(400);
  run.windows.stop();
  assertEquals(run.seen.map(({ windowMs, sent }) => [windowMs, sent]), [
    [1000, 2],
    [1000, 0],
    [400, 3],
  ]);
  assertEquals(run.clock.waiting, 0);
  await run.clock.advance(5000);
  assertEquals(run.seen.length, 3);
});

Deno.test("stopped at a boundary, no window of no length is left", async () => {
  const run = begun();
  play(run, 1, ".");
  await run.clock.advance(1000);
  run.windows.stop();
  assertEquals(run.seen.map(({ windowMs }) => windowMs), [1000]);
});

Deno.test("what came just after the last boundary is in a window all the same", async () => {
  const run = begun();
  play(run, 1, "..");
  await run.clock.advance(1000);
  play(run, 3, ".");
  await run.clock.advance(0.3);
  run.windows.stop();
  assertEquals(run.seen.reduce((sum, { sent }) => sum + sent, 0), 3);
});

Deno.test("stopped in a stall, the last window is as long as the stall", () => {
  const run = begun();
  play(run, 1, ".");
  run.clock.stall(2500);
  run.windows.stop();
  assertEquals(run.seen.map(({ windowMs, sent }) => [windowMs, sent]), [[2500, 1]]);
});

Deno.test("a window has its own figures and nobody else's", async () => {
  const run = begun();
  const cold = established(1, 9000, { target: DB, cold: true });
  run.windows.record(cold);
  run.windows.record(established(2, 400, { target: DB, rttSource: "clock" }));
  run.windows.record(record({ seq: 3, outcome: "refused", rttUs: 7, connectUs: 7, target: DB }));
  play(run, 1, "xx", OTHER);
  await run.clock.advance(1000);
  const [db, other] = run.seen;
  assertEquals([db.target, db.sent, db.answered, db.refused, db.lost], [DB, 3, 3, 1, 0]);
  assertEquals([db.rtt, db.cold?.count, db.connect?.count], [null, 1, 3]);
  // Cold handshakes and the clock's are handshakes; a refusal is none.
  const { count, minUs, maxUs, avgUs } = db.handshakes ?? {};
  assertEquals([count, minUs, maxUs, avgUs], [2, 400, 9000, 4700]);
  assertEquals([other.target, other.sent, other.lost, other.handshakes], [OTHER, 2, 2, null]);
  await run.clock.advance(1000);
  assertEquals(
    run.seen.slice(2).map(({ sent, handshakes, address }) => [sent, handshakes, address]),
    [
      [0, null, "192.0.2.1"],
      [0, null, "192.0.2.1"],
    ],
  );
  run.windows.stop();
});

Deno.test("skipped probes are of the window they were skipped in", async () => {
  const run = begun();
  run.windows.skip(DB, 3);
  run.windows.skip(DB, 4);
  await run.clock.advance(1000);
  run.windows.skip(DB, 1);
  await run.clock.advance(1000);
  assertEquals(run.seen.map(({ skipped, sent }) => [skipped, sent]), [[7, 0], [1, 0]]);
  run.windows.stop();
});

Deno.test("a loss run goes on across a boundary, and counts where it was known", async () => {
  const run = begun();
  play(run, 1, ".xx");
  await run.clock.advance(1000);
  play(run, 4, "x.");
  await run.clock.advance(1000);
  play(run, 6, ".x");
  await run.clock.advance(1000);
  assertEquals(run.seen.map(({ longestLossRun, lost }) => [longestLossRun, lost]), [
    [2, 2],
    [3, 1],
    [1, 1],
  ]);
  run.windows.stop();
});

Deno.test("delay variation pairs neighbours on both sides of a boundary", async () => {
  const run = begun();
  play(run, 1, "..");
  await run.clock.advance(1000);
  run.windows.record(established(3, 2030, { target: DB }));
  await run.clock.advance(1000);
  const pairs = run.seen.map((
    { delayVariation },
  ) => [delayVariation?.count, delayVariation?.maxUs]);
  assertEquals(pairs, [[1, 1000], [1, 30]]);
  run.windows.stop();
});

Deno.test("windows state the lines lost so far", async () => {
  const run = begun();
  play(run, 1, ".");
  run.dropped = 5;
  await run.clock.advance(1000);
  run.dropped = 7;
  await run.clock.advance(1000);
  assertEquals(run.seen.map(({ exportDropped }) => exportDropped), [5, 7]);
  run.windows.stop();
});

Deno.test("a target not heard of has no window", async () => {
  const run = begun();
  await run.clock.advance(3000);
  run.windows.forget(DB);
  run.windows.stop();
  assertEquals(run.seen, []);
});

Deno.test("a target that is forgotten has one last window, as long as it was", async () => {
  const run = begun();
  play(run, 1, "..");
  await run.clock.advance(1000);
  play(run, 3, "...");
  await run.clock.advance(400);
  run.windows.forget(DB);
  play(run, 1, ".", OTHER);
  await run.clock.advance(1600);
  run.windows.stop();
  const mine = run.seen.filter((window) => window.target === DB);
  assertEquals(mine.map(({ sent }) => sent), [2, 3]);
  const endMs = run.atMs[run.seen.indexOf(mine[1])];
  assertEquals(mine[1].windowMs, endMs - 1000);
});

Deno.test("a forgotten target's late result is in one window, the last of all", async () => {
  const run = begun();
  play(run, 1, "..");
  await run.clock.advance(400);
  run.windows.forget(DB);
  await run.clock.advance(1000);
  const before = run.seen.length;
  // Still in flight when the target left.
  play(run, 3, "x");
  await run.clock.advance(5000);
  run.windows.stop();
  assertEquals(run.seen.slice(before).map(({ sent, lost }) => [sent, lost]), [[1, 1]]);
});

property(
  "600 targets, 100 windows: each target is in each, once, with its own, over the interval",
  1,
  async (random) => {
    const run = begun();
    const targets = Array.from({ length: 600 }, (_, i) => target(`t${i}`));
    const sent: number[][] = [];
    const late: boolean[] = [];
    // Only from its first probe on is a target known.
    targets.forEach((of) => run.windows.skip(of, 1));
    for (let window = 0; window < 100; window++) {
      const probes = targets.map(() => random.int(0, 3));
      probes.forEach((count, i) => play(run, 4 * window + 1, ".x.".slice(0, count), targets[i]));
      sent.push(probes);
      // Sometimes the process is late by a part of the interval in which windows are handed out.
      late.push(random.int(0, 3) === 0);
      if (late[window]) {
        await run.clock.advance(random.int(0, 400));
        run.clock.stall(random.int(1, 150));
      }
      await run.clock.advance(1000 - (run.clock.now() - START) % 1000);
    }
    await run.clock.advance(999);
    await run.windows.stop();
    assertEquals(run.seen.length, 101 * 600);
    for (let window = 0; window < 100; window++) {
      const from = 600 * window;
      const seen = run.seen.slice(from, from + 600);
      assertEquals(seen.map((one) => one.target), targets);
      assertEquals(seen.map((one) => one.sent), sent[window]);
      assertEquals(new Set(seen.map((one) => one.windowMs)), new Set([1000]));
      const at = run.atMs.slice(from, from + 600).map((ms) => ms - 1000 * (window + 1));
      assertEquals(at[0], 0);
      // Eight at a time; what a late process has missed follows at once.
      const turns = [...Map.groupBy(at, (ms) => Math.round(ms * 1000)).values()];
      if (late[window + 1] !== true) {
        assertEquals(new Set(turns.map(({ length }) => length)), new Set([8]));
      }
      assert(at.every((ms, i) => i === 0 || ms >= at[i - 1]));
      // Four fifths of the interval, and no more.
      const lastMs = at.at(-1) ?? NaN;
      assert(lastMs > 780 && lastMs <= 800, String(lastMs));
    }
  },
);

Deno.test("a process that is late through whole windows hands all out, some at a time", async () => {
  const run = begun();
  const targets = Array.from({ length: 5000 }, (_, i) => target(`t${i}`));
  targets.forEach((of) => run.windows.skip(of, 1));
  await run.clock.advance(1000);
  const turns: number[] = [];
  const wakeAt = run.clock.wakeAt.bind(run.clock);
  run.clock.wakeAt = (atMs, callback) =>
    wakeAt(atMs, () => {
      const before = run.seen.length;
      callback();
      turns.push(run.seen.length - before);
    });
  for (let i = 0; i < 4; i++) {
    await run.clock.advance(300);
    run.clock.stall(1500);
    await run.clock.advance(200);
  }
  await run.clock.advance(2000);
  await run.windows.stop();
  assert(Math.max(...turns) <= 16, String(Math.max(...turns)));
  // Nothing is left out: the lengths of each target's windows are the whole time.
  for (const windows of Map.groupBy(run.seen, ({ target }) => target).values()) {
    assertEquals(windows.reduce((sum, { windowMs }) => sum + windowMs, 0), 11_000);
  }
});

Deno.test("windows take no memory from the pieces of what lasts, where each row would keep a whole piece", async () => {
  const place = () => [LASTING.piece, LASTING.cut(0)] as const;
  const before = place();
  const run = begun();
  for (let second = 0; second < 50; second++) {
    play(run, 1 + 40 * second, ".".repeat(40));
    await run.clock.advance(1000);
  }
  assertEquals(run.seen.length, 50);
  const after = place();
  assert(after[0] === before[0] && after[1] === before[1]);
});
