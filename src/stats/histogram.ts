/**
 * A bounded histogram of whole microseconds. The first values are kept as they are, so the
 * quantiles of a short run are exact; with more it becomes log-linear in the manner of HdrHistogram.
 */
import type { Bar, Distribution } from "../domain/summary.ts";
import { Counts, MAX_EXACT } from "./counts.ts";

/** The largest value: 35 minutes, longer than any timeout. Larger values count as this one. */
export const MAX_VALUE_US = 2 ** 31 - 1;
/** Buckets an octave, as a power of two: exact below 256 µs, above that off by at most 0.4 %. */
export const FINE_BITS = 7;
/** The coarse resolution takes a quarter of the memory: off by at most 1.6 %. */
export const COARSE_BITS = 5;

/** The largest relative error of a quantile with this resolution: half a bucket of an octave. */
export function relativeError(bits: number): number {
  return 1 / (2 << bits);
}

/** The largest relative error of a histogram of the usual resolution. */
export const RELATIVE_ERROR = relativeError(FINE_BITS);

/** The bucket of a value within 0..MAX_VALUE_US; values below 2^(bits + 1) are their own. */
export function bucketOf(value: number, bits: number): number {
  if (value < 2 << bits) return value;
  const shift = 31 - Math.clz32(value) - bits;
  return (shift << bits) + (value >>> shift);
}

/** The smallest value of a bucket. */
function lowest(bucket: number, bits: number): number {
  if (bucket < 2 << bits) return bucket;
  const shift = (bucket >> bits) - 1;
  return (bucket - (shift << bits)) * 2 ** shift;
}

/** The middle of a bucket. It ends where the next one begins. */
export function valueOf(bucket: number, bits: number): number {
  return (lowest(bucket, bits) + lowest(bucket + 1, bits) - 1) / 2;
}

/** How many buckets there can be with so many bits: the bound on a histogram's memory. */
export function mostBuckets(bits: number): number {
  return bucketOf(MAX_VALUE_US, bits) + 1;
}

/** Rows of a drawn histogram at most: bars, and gaps between them. */
export const MAX_ROWS = 20;

export class Histogram {
  #bits: number;
  /** Whether the values themselves are kept still: while they are few. */
  #isExact = true;
  /** Room grows to the span of buckets in use, and no further. */
  #counts: Counts;
  /** Which of those counts are this one's. */
  #which: number;
  #count = 0;
  #min = MAX_VALUE_US;
  #max = 0;

  /** Counts in memory of its own, unless it is given some to share. */
  constructor(bits = FINE_BITS, counts = new Counts(1), which = 0) {
    this.#bits = bits;
    this.#counts = counts;
    this.#which = which;
  }

  get count(): number {
    return this.#count;
  }

  /** For how many buckets there is memory. */
  get room(): number {
    return this.#counts.length(this.#which);
  }

  /** Adds a value in µs; one outside 0..MAX_VALUE_US counts as the nearer end. */
  add(value: number): void {
    const v = value < 0 ? 0 : value > MAX_VALUE_US ? MAX_VALUE_US : value;
    if (v < this.#min) this.#min = v;
    if (v > this.#max) this.#max = v;
    const counts = this.#counts;
    const which = this.#which;
    if (this.#isExact && this.#count < MAX_EXACT) counts.keep(which, this.#count, v);
    else {
      this.#tallyAll();
      this.#tally(v);
    }
    this.#count++;
    // Welford's update: no cancellation, however long the run.
    const mean = counts.mean(which);
    const delta = v - mean;
    const next = mean + delta / this.#count;
    counts.setMoments(which, next, counts.squares(which) + delta * (v - next));
  }

  /** Adds all of another histogram's values; it must be as fine as this one. */
  merge(other: Histogram): void {
    if (other.#count === 0) return;
    if (other.#bits !== this.#bits) throw new RangeError("histograms of different fineness");
    const before = this.#count;
    const total = before + other.#count;
    this.#mergeMoments(other, total);
    if (other.#min < this.#min) this.#min = other.#min;
    if (other.#max > this.#max) this.#max = other.#max;
    if (!this.#isExact || !other.#isExact || total > MAX_EXACT) this.#tallyAll();
    this.#count = total;
    if (!other.#isExact) {
      this.#counts.addAll(this.#which, other.#counts, other.#which);
      return;
    }
    for (let i = 0; i < other.#count; i++) {
      const value = other.#counts.exact(other.#which, i);
      if (this.#isExact) this.#counts.keep(this.#which, before + i, value);
      else this.#tally(value);
    }
  }

  /** Chan's update: Welford's for many values at once. */
  #mergeMoments(other: Histogram, total: number): void {
    const mean = this.#counts.mean(this.#which);
    const delta = other.#counts.mean(other.#which) - mean;
    const spread = delta * delta * this.#count * other.#count / total;
    const squares = this.#counts.squares(this.#which) + other.#counts.squares(other.#which);
    this.#counts.setMoments(this.#which, mean + delta * other.#count / total, squares + spread);
  }

  /** The value in µs below or at which a share q (0..1) of the values lies; NaN when empty. */
  quantile(q: number): number {
    return this.#quantiles([q])[0];
  }

  /** The figures, or null when nothing was added. */
  distribution(): Distribution | null {
    if (this.#count === 0) return null;
    const [p50Us, p90Us, p99Us, p999Us] = this.#quantiles([0.5, 0.9, 0.99, 0.999]);
    return {
      count: this.#count,
      minUs: this.#min,
      avgUs: this.#counts.mean(this.#which),
      maxUs: this.#max,
      stddevUs: this.#count < 2
        ? 0
        : Math.sqrt(this.#counts.squares(this.#which) / (this.#count - 1)),
      p50Us,
      p90Us,
      p99Us,
      p999Us,
    };
  }

  /**
   * The values as bars. All bars of an octave have the same width. Octaves are cut as finely as gives
   * at most MAX_ROWS rows, each gap being a row; the widest bar is an octave.
   */
  bars(): Bar[] {
    for (let bits = this.#bits;; bits--) {
      const bars = this.#barsOf(bits);
      if (bits === 0 || rowsOf(bars) <= MAX_ROWS) return bars;
    }
  }

  /** For shares in ascending order, in one pass. */
  #quantiles(shares: readonly number[]): number[] {
    if (this.#count === 0) return shares.map(() => NaN);
    const ranks = shares.map((q) => Math.max(1, Math.ceil(q * this.#count)));
    if (this.#isExact) {
      const sorted = this.#sorted();
      return ranks.map((rank) => sorted[rank - 1]);
    }
    let seen = 0;
    let bucket = this.#span.first - 1;
    return ranks.map((rank) => {
      while (seen < rank) seen += this.#counts.count(this.#which, ++bucket);
      const value = valueOf(bucket, this.#bits);
      return Math.min(this.#max, Math.max(this.#min, value));
    });
  }

  /** The buckets that are not empty, as those of a histogram of so many bits. */
  #barsOf(bits: number): Bar[] {
    const counts = new Map<number, number>();
    const add = (value: number, count: number) => {
      const bucket = bucketOf(value, bits);
      counts.set(bucket, (counts.get(bucket) ?? 0) + count);
    };
    if (this.#isExact) { for (const value of this.#sorted()) add(value, 1); }
    const { first, end } = this.#span;
    for (let bucket = first; bucket < end; bucket++) {
      const count = this.#counts.count(this.#which, bucket);
      if (count > 0) add(lowest(bucket, this.#bits), count);
    }
    return [...counts].map(([bucket, count]) => {
      return { fromUs: lowest(bucket, bits), toUs: lowest(bucket + 1, bits) - 1, count };
    });
  }

  /** The values that are kept. A typed array sorts numbers without a comparison function. */
  #sorted(): Float64Array {
    const values = new Float64Array(this.#count);
    for (let i = 0; i < this.#count; i++) values[i] = this.#counts.exact(this.#which, i);
    return values.sort();
  }

  /** Turns the values that are kept into counts; `#min` and `#max` are up to date. */
  #tallyAll(): void {
    if (!this.#isExact) return;
    this.#isExact = false;
    if (this.#count === 0) return;
    const lowest = bucketOf(this.#min, this.#bits);
    const end = bucketOf(this.#max, this.#bits) + 1;
    this.#counts.cover(this.#which, lowest, end);
    for (let i = 0; i < this.#count; i++) this.#tally(this.#counts.exact(this.#which, i));
  }

  #tally(value: number): void {
    this.#counts.add(this.#which, bucketOf(value, this.#bits), 1);
  }

  /** The buckets that are counted, up to and without `end`. */
  get #span(): { readonly first: number; readonly end: number } {
    const first = this.#counts.first(this.#which);
    return { first, end: first + this.#counts.length(this.#which) };
  }
}

/** Bars, and the gaps between those that are not neighbours. */
function rowsOf(bars: readonly Bar[]): number {
  const gaps = bars.filter(({ fromUs }, i) => i > 0 && bars[i - 1].toUs + 1 < fromUs);
  return bars.length + gaps.length;
}
