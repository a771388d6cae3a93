/** Which targets the live table shows, in which order, and what it says of the run. */
import { assertEquals, assertMatch } from "@std/assert";
import { HISTORY, markOf } from "../../../src/run/live_targets.ts";
import { LiveTargets } from "../../../src/run/live_targets.ts";
import type { ProbeRecord } from "../../../src/domain/probe_record.ts";
import { livePlain } from "../../../src/format/paint.ts";
import { MARK } from "../../../src/format/sparkline.ts";
import { TargetStats } from "../../../src/stats/target_stats.ts";
import { FakeClock } from "../fake_clock.ts";
import { established, record, target } from "../fixtures.ts";

class ScheduledTarget {
  readonly target;
  readonly stats;
  sent = 0;

  constructor(name: string) {
    this.target = target(name);
    this.stats = new TargetStats(this.target);
  }
}

interface End {
  readonly count?: number;
  readonly durationMs?: number;
}

class Run {
  readonly clock = new FakeClock();
  readonly entries: ScheduledTarget[];
  readonly table: LiveTargets;
  said: string | null = null;

  constructor(names: readonly string[], { count, durationMs }: End = {}) {
    this.entries = names.map((name) => new ScheduledTarget(name));
    this.table = new LiveTargets({
      entries: this.entries,
      title: (targets) => `probing ${targets.length}`,
      count: count ?? null,
      durationMs: durationMs ?? null,
      paint: livePlain,
      clock: this.clock,
      keys: true,
      pressure: () => null,
      notice: () => this.said,
    });
  }

  /** Times in µs, or "lost". */
  probe(name: string, ...fates: (number | "lost")[]): void {
    const entry = this.entries.find((one) => one.target.name === name);
    if (entry === undefined) throw new Error(`there is no ${name}`);
    for (const fate of fates) {
      const more = { target: entry.target };
      const seq = ++entry.sent;
      const one: ProbeRecord = fate === "lost"
        ? record({ seq, outcome: "timeout", ...more })
        : established(seq, fate, more);
      entry.stats.add(one);
      this.table.record(one);
    }
  }

  lines(rows = 20): readonly string[] {
    return this.table.lines(100, rows);
  }

  /** The names shown; none is longer than a word. */
  names(rows = 20): string[] {
    const lines = this.lines(rows);
    const from = lines.findIndex((line) => line.startsWith("target")) + 1;
    return lines.slice(from, -1).filter((line) => line !== "").map((line) => line.split(" ")[0]);
  }
}

Deno.test("the worst come first: by loss, then by p99, then as given", async () => {
  const run = new Run(["quick", "slow", "lossy", "dead", "same"]);
  run.probe("quick", 100, 100);
  run.probe("slow", 100, 9000);
  run.probe("lossy", 100, "lost");
  run.probe("dead", "lost", "lost");
  run.probe("same", 100, 100);
  await run.clock.advance(1000);
  assertEquals(run.names(), ["dead", "lossy", "slow", "quick", "same"]);
});

Deno.test("a target that could not be probed at all is among the worst", async () => {
  const run = new Run(["lossy", "nameless"]);
  run.probe("lossy", 100, "lost");
  const [, { target, stats }] = run.entries;
  stats.add(record({ target, outcome: "unresolved" }));
  run.table.record(record({ target, outcome: "unresolved" }));
  await run.clock.advance(1000);
  assertEquals(run.names(), ["nameless", "lossy"]);
});

Deno.test("rows change places once a second at most, their figures with every frame", async () => {
  const run = new Run(["a", "b"]);
  assertEquals(run.names(), ["a", "b"]);
  run.probe("b", 5000);
  await run.clock.advance(999);
  assertEquals(run.names(), ["a", "b"]);
  assertMatch(run.lines().join("\n"), /^b +1 +5\.000 +5\.000 +5\.000/m);
  await run.clock.advance(1);
  assertEquals(run.names(), ["b", "a"]);
});

Deno.test("names are ordered as people count, and the given order can be had again", () => {
  const run = new Run(["db-10", "db-9", "a", "db-100"]);
  run.table.key("n");
  assertEquals(run.names(), ["a", "db-9", "db-10", "db-100"]);
  run.table.key("o");
  assertEquals(run.names(), ["db-10", "db-9", "a", "db-100"]);
});

Deno.test("a key for an order puts the rows in it at once", () => {
  const run = new Run(["a", "b"]);
  run.lines();
  run.probe("b", "lost");
  run.table.key("w");
  assertEquals(run.names(), ["b", "a"]);
});

Deno.test("pages and lines scroll, and stop at both ends", () => {
  const run = new Run(Array.from({ length: 25 }, (_, i) => `n${i}`));
  run.table.key("o");
  const rows = 14;
  const shown = (...keys: string[]) => {
    for (const key of keys) run.table.key(key);
    const names = run.names(rows);
    return `${names[0]}-${names.at(-1)}`;
  };
  assertEquals(shown(), "n0-n9");
  assertEquals(shown("up"), "n0-n9");
  assertEquals(shown("down", "down"), "n2-n11");
  assertEquals(shown("page-down"), "n12-n21");
  assertEquals(shown(" "), "n15-n24");
  assertEquals(shown("up"), "n14-n23");
  assertEquals(shown("page-up", "page-up"), "n0-n9");
  assertEquals(shown("end", "up"), "n14-n23");
  assertEquals(shown("end", "home"), "n0-n9");
});

Deno.test("a reload keeps the history of those that stay, and new ones count from their first probe", () => {
  const run = new Run(["a", "b"]);
  run.probe("a", 100, "lost");
  run.lines();
  run.entries.splice(1, 1, new ScheduledTarget("c"));
  run.probe("c", 200);
  const lines = run.lines().join("\n");
  assertEquals(run.names(), ["a", "c"]);
  assertMatch(lines, /^a .*▁×$/m);
  assertMatch(lines, /^c .*▁$/m);
});

Deno.test("totals are of all targets, shown or not, and lag is that of the probes sent", () => {
  const run = new Run(["a", "b", "c"]);
  run.probe("a", 100, 100);
  run.probe("b", 100, "lost");
  run.table.skip(run.entries[2].target, 5);
  run.entries[2].stats.skip(5);
  const [, totals] = run.lines(5);
  assertEquals(totals, "3 targets  3 answered  1 lost (25.0%)  5 skipped  lag p99 0.000 ms");
});

Deno.test("a run without an end tells its time, others how near the end is", async () => {
  const header = async (end: End, sent = 0) => {
    const run = new Run(["a", "b"], end);
    for (const entry of run.entries) entry.sent = sent;
    await run.clock.advance(15_000);
    return run.lines()[0].split(/ {2,}/).at(-1);
  };
  assertEquals(await header({}), "15s");
  assertEquals(await header({ durationMs: 60_000 }), "15s of 1m, 25%");
  assertEquals(await header({ count: 30 }, 15), "15s, 50%");
  assertEquals(await header({ count: 30, durationMs: 60_000 }, 15), "15s of 1m, 50%");
  assertEquals(await header({ durationMs: 10_000 }), "15s of 10s, 100%");
});

Deno.test("every target's figures come up to date in the end, however many there are", async () => {
  const run = new Run(Array.from({ length: 1200 }, (_, i) => `n${i}`));
  for (const [i, entry] of run.entries.entries()) run.probe(entry.target.name, 1000 + i);
  for (let frame = 0; frame < 4; frame++) {
    await run.clock.advance(1000);
    run.lines();
  }
  assertEquals(run.names(9), ["n1199", "n1198", "n1197", "n1196", "n1195"]);
});

Deno.test("a notice has its line above the foot", () => {
  const run = new Run(["a"]);
  run.said = "a: resolved again";
  assertEquals(run.lines().at(-2), "a: resolved again");
});

Deno.test("the sparkline holds the last probes in order, and no more than it has room for", () => {
  const run = new Run(["a"]);
  run.probe("a", ...Array.from({ length: HISTORY + 10 }, () => 100), "lost", 200);
  assertMatch(run.table.lines(60, 10)[3], / ▁{7}×▂$/);
  run.table.skip(run.entries[0].target, 1_000_000);
  assertMatch(run.table.lines(400, 10)[3], / ·{128}$/);
});

Deno.test("an answer is its time, and what would not tell by it is a mark", () => {
  assertEquals(markOf(established(1, 300)), 300);
  assertEquals(markOf(established(1, -1, { connectUs: 450 })), 450);
  assertEquals(markOf(established(1, 1_000_000, { synRetransmits: 1 })), MARK.retransmitted);
  assertEquals(markOf(record({ outcome: "refused", connectUs: 80 })), MARK.refused);
  assertEquals(markOf(record({ outcome: "timeout" })), MARK.lost);
  assertEquals(markOf(record({ outcome: "unreachable" })), MARK.lost);
  assertEquals(markOf(record({ outcome: "unresolved" })), MARK.unsent);
  assertEquals(markOf(record({ outcome: "error" })), MARK.unsent);
});
