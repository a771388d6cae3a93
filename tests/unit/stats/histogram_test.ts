import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import type { Distribution } from "../../../src/domain/summary.ts";
import { Histogram, MAX_VALUE_US, RELATIVE_ERROR } from "../../../src/stats/histogram.ts";
import { property, type Random } from "../random.ts";

const QUANTILES = [0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1];

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram;
}

/** The smallest value at or below which a share q of the values lies. */
function exactQuantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1];
}

function assertQuantiles(values: readonly number[]): void {
  const histogram = histogramOf(values);
  for (const q of QUANTILES) {
    const exact = exactQuantile(values, q);
    const error = Math.abs(histogram.quantile(q) - exact);
    assertLessOrEqual(error, exact * RELATIVE_ERROR, `q ${q} of ${values.length}: ${exact}`);
  }
}

Deno.test("an empty histogram has no distribution and no quantile", () => {
  assertEquals(new Histogram().distribution(), null);
  assert(Number.isNaN(new Histogram().quantile(0.5)));
});

Deno.test("a single value is every figure, without deviation", () => {
  for (const value of [0, 1, 255, 256, 257, 1_000_000, 123_456_789, MAX_VALUE_US]) {
    const figures = histogramOf([value]).distribution();
    const same = { minUs: value, avgUs: value, maxUs: value, p50Us: value, p90Us: value };
    assertEquals(figures, { count: 1, ...same, stddevUs: 0, p99Us: value, p999Us: value });
  }
});

Deno.test("values below 256 µs are kept exactly", () => {
  const values = Array.from({ length: 256 }, (_, i) => i);
  for (const q of QUANTILES) {
    assertEquals(histogramOf(values).quantile(q), exactQuantile(values, q));
  }
});

Deno.test("mean and sample deviation are those of the values", () => {
  const figures = histogramOf([2, 4, 4, 4, 5, 5, 7, 9]).distribution();
  assertEquals(figures?.avgUs, 5);
  assertAlmostEquals(figures?.stddevUs ?? NaN, Math.sqrt(32 / 7), 1e-12);
});

Deno.test("the deviation of large near-equal values does not cancel out", () => {
  const values = Array.from({ length: 10_000 }, (_, i) => 2_000_000_000 + i % 2);
  const figures = histogramOf(values).distribution();
  assertAlmostEquals(figures?.stddevUs ?? NaN, 0.500025, 1e-5);
});

Deno.test("values beyond the ends count as the nearer end", () => {
  const figures = histogramOf([-5, 2 ** 31, 1e15]).distribution();
  assertEquals([figures?.count, figures?.minUs, figures?.maxUs], [3, 0, MAX_VALUE_US]);
});

Deno.test("the error bound holds at every edge of a bucket", () => {
  for (let power = 7; power < 31; power++) {
    for (const step of [-1, 0, 1]) {
      const value = 2 ** power + step;
      // Two more values keep the bucket's middle from being clamped to the value itself.
      assertQuantiles([0, value, value, value, MAX_VALUE_US]);
      assertQuantiles([0, Math.min(value * 1.5 | 0, MAX_VALUE_US), MAX_VALUE_US]);
    }
  }
});

/** Shapes that break histograms: gaps, heavy tails, two far modes, ramps down and up. */
const SHAPES: readonly ((random: Random) => number)[] = [
  (random) => random.int(0, MAX_VALUE_US),
  (random) => Math.floor(2 ** (random.unit() * 31)),
  (random) => random.int(0, 9) === 0 ? 2_000_000_000 : random.int(0, 3),
  (random) => Math.min(MAX_VALUE_US, Math.floor(100 / (1e-9 + random.unit() ** 3))),
  (random) => 2 ** random.int(0, 30) + random.int(-1, 1),
  (random) => 10_000 + random.int(-50, 50),
];

property("quantiles are within the relative error of the exact ones", 120, (random) => {
  const shape = random.pick(SHAPES);
  const values = Array.from({ length: random.int(1, 2000) }, () => Math.max(0, shape(random)));
  if (random.int(0, 3) === 0) values.sort((a, b) => random.pick([-1, 1]) * (a - b));
  assertQuantiles(values);
});

function assertSame(actual: Distribution | null, expected: Distribution | null): void {
  assert(actual !== null && expected !== null);
  const { avgUs, stddevUs, ...exact } = actual;
  const { avgUs: wantedAvg, stddevUs: wantedDeviation, ...wanted } = expected;
  assertEquals(exact, wanted);
  assertAlmostEquals(avgUs, wantedAvg, 1e-9 * (1 + wantedAvg));
  assertAlmostEquals(stddevUs, wantedDeviation, 1e-6 * (1 + wantedDeviation));
}

property("merging two histograms is adding all values to one", 120, (random) => {
  const make = () => {
    const shape = random.pick(SHAPES);
    return Array.from({ length: random.int(0, 300) }, () => Math.max(0, shape(random)));
  };
  const [left, right] = [make(), [...make(), 7]];
  const merged = histogramOf(left);
  merged.merge(histogramOf(right));
  assertSame(merged.distribution(), histogramOf([...left, ...right]).distribution());
});

Deno.test("merging an empty histogram changes nothing", () => {
  const histogram = histogramOf([300, 900]);
  const before = histogram.distribution();
  histogram.merge(new Histogram());
  assertEquals(histogram.distribution(), before);
});
