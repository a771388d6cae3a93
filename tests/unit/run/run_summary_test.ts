import { NO_THRESHOLDS } from "../../../src/run/verdict.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { type SummaryOptions, sumUp } from "../../../src/run/run_summary.ts";
import type { ProbeRecord } from "../../../src/domain/probe_record.ts";
import type { Distribution, Figures } from "../../../src/domain/summary.ts";
import type { Target } from "../../../src/domain/target.ts";
import { TargetStats } from "../../../src/stats/target_stats.ts";
import { established, record, target } from "../fixtures.ts";
import { property, type Random } from "../random.ts";

const PLAIN: SummaryOptions = {
  thresholds: { ...NO_THRESHOLDS, lossPercent: null, p50Ms: null, p99Ms: null, on: "target" },
  histogram: false,
};

function statsOf(of: Target, ...records: readonly ProbeRecord[]): TargetStats {
  const stats = new TargetStats(of);
  for (const each of records) stats.add({ ...each, target: of });
  return stats;
}

const lostAt = (seq: number) => record({ seq, outcome: "timeout" });

Deno.test("a single target has no total", () => {
  const run = sumUp([statsOf(target("db"), established(1, 500))], 3, PLAIN);
  const targets = [...run.targets];
  assertEquals([targets.length, run.totals, run.shape], [1, [], null]);
  assertEquals([targets[0].answered, targets[0].exportDropped], [1, 3]);
});

Deno.test("several targets have a total, and groups where labels tell them apart", () => {
  const [a, b, c] = ["r1", "r1", "r2"].map((rack, i) =>
    statsOf(target(`n${i}`, { labels: [["rack", rack]] }), established(1, 100 * (i + 1)))
  );
  const { targets, totals } = sumUp([a, b, c], 0, PLAIN);
  assertEquals(Array.from(targets, (of) => of.target.name), ["n0", "n1", "n2"]);
  assertEquals(totals.map(({ group, targets, sent, rtt }) => [group, targets, sent, rtt?.maxUs]), [
    [["rack", "r1"], 2, 2, 200],
    [["rack", "r2"], 1, 1, 300],
    [null, 3, 3, 300],
  ]);
});

Deno.test("a total's loss run is the longest of any target, also of losses that wait", () => {
  const a = statsOf(target("a"), lostAt(1), established(2, 5), lostAt(3));
  const b = statsOf(target("b"), lostAt(2), lostAt(3), lostAt(4));
  const [total] = sumUp([a, b], 0, PLAIN).totals;
  assertEquals([total.lost, total.longestLossRun], [5, 3]);
});

Deno.test("a total's delay variation is of each target's own neighbours", () => {
  const a = statsOf(target("a"), established(1, 100), established(2, 130));
  const b = statsOf(target("b"), established(1, 9000), established(2, 9010));
  const [total] = sumUp([a, b], 0, PLAIN).totals;
  const { count, minUs, maxUs } = total.delayVariation ?? {};
  assertEquals([count, minUs, maxUs], [2, 10, 30]);
});

/** Any probe, its seq given. */
function anyProbe(random: Random, seq: number): ProbeRecord {
  switch (random.int(0, 6)) {
    case 0:
      return lostAt(seq);
    case 1:
      return record({ seq, outcome: "refused", connectUs: random.int(1, 9000) });
    case 2:
      return record({ seq, outcome: "error" });
    default: {
      const more = { cold: random.int(0, 5) === 0, synRetransmits: random.int(0, 1) };
      return established(seq, Math.floor(2 ** (random.unit() * 24)), more);
    }
  }
}

property("a total is what one target would be that all these probes went to", 60, (random) => {
  const size = random.int(2, 6);
  const probes = Array.from(
    { length: size },
    () => Array.from({ length: random.int(0, 150) }, (_, i) => anyProbe(random, i + 1)),
  );
  const all = probes.map((of, i) => statsOf(target(`n${i}`), ...of));
  const one = statsOf(target("one"), ...probes.flat().map((of, i) => ({ ...of, seq: i + 1 })));
  const [total] = sumUp(all, 0, PLAIN).totals;
  const wanted = one.summary(0);
  for (const kind of ["rtt", "cold", "connect", "lag"] as const) {
    assertSame(total[kind], wanted[kind]);
  }
  assertEquals(countsOf(total), countsOf(wanted));
});

function countsOf(of: Figures): number[] {
  const { sent, answered, lost, refused, notSent, synRetransmits, synCounted, synRepeated } = of;
  return [sent, answered, lost, refused, notSent, synRetransmits ?? -1, synCounted, synRepeated];
}

function assertSame(actual: Distribution | null, wanted: Distribution | null): void {
  if (actual === null || wanted === null) return assertEquals(actual, wanted);
  const { avgUs, stddevUs, ...rest } = actual;
  const { avgUs: wantedAvg, stddevUs: wantedDeviation, ...wantedRest } = wanted;
  assertEquals(rest, wantedRest);
  assertAlmostEquals(avgUs, wantedAvg, 1e-9 * (1 + wantedAvg));
  assertAlmostEquals(stddevUs, wantedDeviation, 1e-6 * (1 + wantedDeviation));
}

const LOSSY = { ...PLAIN.thresholds, lossPercent: 40 };

Deno.test("thresholds are held against each target, or against all of them together", () => {
  const good = statsOf(target("good"), established(1, 5), established(2, 5));
  const bad = statsOf(target("bad", { az: "z" }), lostAt(1));
  const crossedOn = (on: "target" | "total", ...all: TargetStats[]) => {
    const run = sumUp(all, 0, { ...PLAIN, thresholds: { ...LOSSY, on } });
    return [[...run.targets], run.totals].map((of) => of.map(({ crossed }) => crossed.join()));
  };
  assertEquals(crossedOn("target", good, bad), [["", "loss"], ["", "", ""]]);
  assertEquals(crossedOn("total", good, bad), [["", ""], ["", "", ""]]);
  assertEquals(crossedOn("total", bad, bad, good), [["", "", ""], ["", "", "loss"]]);
  // One target is its own total.
  assertEquals(crossedOn("total", bad), [["loss"], []]);
});

Deno.test("a histogram is made only when asked for, of all targets' steady round trips", () => {
  const all = ["a", "b"].map((name, i) =>
    statsOf(target(name), established(1, 900, { cold: true }), established(2, 100 + i))
  );
  assertEquals(sumUp(all, 0, PLAIN).shape, null);
  const { shape } = sumUp(all, 0, { ...PLAIN, histogram: true });
  assertEquals(shape?.kind, "rtt");
  assertEquals(shape?.bars.map(({ fromUs, count }) => [fromUs, count]), [[100, 1], [101, 1]]);
});

Deno.test("a histogram shows what stands in for steady round trips, and nothing of nothing", () => {
  const shapeOf = (...records: readonly ProbeRecord[]) =>
    sumUp([statsOf(target("db"), ...records)], 0, { ...PLAIN, histogram: true }).shape;
  const refused = record({ outcome: "refused", connectUs: 40 });
  assertEquals(shapeOf(refused)?.kind, "connect");
  assertEquals(shapeOf(refused, established(2, 70, { cold: true }))?.kind, "cold");
  assertEquals(shapeOf(lostAt(1)), null);
});

Deno.test("labels that make no groups are passed on", () => {
  const all = Array.from({ length: 300 }, (_, i) => {
    return statsOf(target(`n${i}`, { labels: [["id", `${i}`]] }));
  });
  const { totals, ungrouped } = sumUp(all, 0, PLAIN);
  assert(totals.length === 1);
  assertEquals(ungrouped, ["id"]);
});
