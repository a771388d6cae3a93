import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import type { Distribution } from "../../../src/domain/summary.ts";
import { MAX_EXACT, ROOM } from "../../../src/stats/counts.ts";
import {
  COARSE_BITS,
  Histogram,
  MAX_ROWS,
  MAX_VALUE_US,
  mostBuckets,
  RELATIVE_ERROR,
  relativeError,
} from "../../../src/stats/histogram.ts";
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

/** The distributions that break histograms, each as all of its values. */
const ADVERSARIES: Readonly<Record<string, (random: Random) => number[]>> = {
  "a constant": (random) => many(random, () => 0).fill(random.int(0, MAX_VALUE_US)),
  "zeros": (random) => many(random, () => 0),
  "the largest value": (random) => many(random, () => MAX_VALUE_US),
  "two points far apart": (random) => {
    const rare = random.pick([2, 11, 101, 1001]);
    return many(random, () => random.int(1, rare) === 1 ? MAX_VALUE_US - 7 : 3);
  },
  "a heavy tail": (random) => {
    const alpha = 0.3 + random.unit() * 2;
    return many(random, () => Math.min(MAX_VALUE_US, 100 * (1 - random.unit()) ** (-1 / alpha)));
  },
  "the edges of buckets": (random) => {
    const edge = () => (128 + random.int(0, 127)) * 2 ** random.int(0, 23);
    return many(random, () => edge() + random.int(-1, 1));
  },
  "powers of two and their neighbours": (random) =>
    many(random, () => 2 ** random.int(0, 30) + random.int(-1, 1)),
  "ascending": (random) => many(random, (i) => i * 37),
  "descending": (random) => many(random, (i) => i * 37).reverse(),
  "two modes": (random) =>
    many(random, () => (random.int(0, 1) === 0 ? 250 : 1_030_000) + random.int(0, 40)),
};

function many(random: Random, value: (i: number) => number): number[] {
  const size = random.pick([1, MAX_EXACT, MAX_EXACT + 1, 999, 1000, 1001, 4000]);
  return Array.from({ length: size }, (_, i) => Math.floor(value(i)));
}

/** Where people look at tails. */
const TAILS = [0.5, 0.9, 0.99, 0.999];

function assertTails(histogram: Histogram, values: readonly number[], bits: number): void {
  const sorted = Float64Array.from(values).sort();
  for (const q of TAILS) {
    const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1];
    const error = Math.abs(histogram.quantile(q) - exact);
    assertLessOrEqual(error, exact * relativeError(bits), `q ${q} of ${values.length}: ${exact}`);
  }
}

const FINE_BITS = Math.log2(1 / RELATIVE_ERROR) - 1;

for (const [name, make] of Object.entries(ADVERSARIES)) {
  property(`quantiles are within the stated error over ${name}, merged ones too`, 20, (random) => {
    for (const bits of [FINE_BITS, COARSE_BITS]) {
      const values = make(random);
      const whole = new Histogram(bits);
      const parts = Array.from({ length: random.int(2, 5) }, () => new Histogram(bits));
      for (const value of values) {
        whole.add(value);
        random.pick(parts).add(value);
      }
      assertTails(whole, values, bits);
      const merged = new Histogram(bits);
      for (const part of parts) merged.merge(part);
      assertTails(merged, values, bits);
    }
  });
}

Deno.test("the stated errors are 0.4 % and 1.6 %", () => {
  assertEquals([RELATIVE_ERROR, relativeError(COARSE_BITS)], [1 / 256, 1 / 64]);
});

property("memory is bounded by the buckets there can be, whatever is added", 20, (random) => {
  for (const bits of [FINE_BITS, COARSE_BITS]) {
    const histogram = new Histogram(bits);
    for (let i = 0; i < 5000; i++) histogram.add(Math.floor(2 ** (random.unit() * 32)));
    for (const end of [0, MAX_VALUE_US]) histogram.add(end);
    assertLessOrEqual(histogram.room, mostBuckets(bits) + 2 * ROOM);
    const narrow = new Histogram(bits);
    for (let i = 0; i < 5000; i++) narrow.add(10_000 + random.int(0, 50));
    assertLessOrEqual(narrow.room, 2 * ROOM);
  }
});

Deno.test("there are fewer buckets than a kilobyte could count for each octave", () => {
  assertEquals([mostBuckets(FINE_BITS), mostBuckets(COARSE_BITS)], [25 * 128, 27 * 32]);
});

Deno.test("more values than 32 bits can count are counted", () => {
  let histogram = histogramOf(Array.from({ length: 100 }, (_, i) => i < 98 ? 300 : 9000));
  for (let doublings = 0; doublings < 40; doublings++) {
    const twice = new Histogram();
    twice.merge(histogram);
    twice.merge(histogram);
    histogram = twice;
  }
  histogram.add(300);
  assertEquals(histogram.count, 100 * 2 ** 40 + 1);
  const [low, high] = [0.97, 0.99].map((q) => histogram.quantile(q));
  assertAlmostEquals(low, 300, 300 * RELATIVE_ERROR);
  assertAlmostEquals(high, 9000, 9000 * RELATIVE_ERROR);
  assertEquals(histogram.bars().reduce((sum, { count }) => sum + count, 0), histogram.count);
});

property("bars hold each value once, within their bounds, in few rows", 200, (random) => {
  const values = random.pick(Object.values(ADVERSARIES))(random);
  const bars = histogramOf(values).bars();
  let rows = bars.length;
  for (const [i, { fromUs, toUs, count }] of bars.entries()) {
    assert(count > 0 && fromUs <= toUs && (i === 0 || bars[i - 1].toUs < fromUs));
    if (i > 0 && bars[i - 1].toUs + 1 < fromUs) rows++;
    assertEquals(values.filter((value) => value >= fromUs && value <= toUs).length, count);
  }
  assertEquals(bars.reduce((sum, { count }) => sum + count, 0), values.length);
  // Only values all over 32 octaves need more: a bar is never wider than an octave.
  assert(
    rows <= MAX_ROWS || bars.every(({ fromUs, toUs }) => toUs + 1 === Math.max(1, 2 * fromUs)),
  );
});

Deno.test("bars are as fine as rows allow, and an outlier does not coarsen them", () => {
  const body = Array.from({ length: 15 }, (_, i) => 100 + i);
  assertEquals(histogramOf(body).bars().length, 15);
  const bars = histogramOf([...body, 2_000_000]).bars();
  assertEquals(bars.slice(0, 15), body.map((us) => ({ fromUs: us, toUs: us, count: 1 })));
  assertEquals(bars.length, 16);
  assertEquals(new Histogram().bars(), []);
});
