/**
 * A bounded histogram of whole microseconds. The first values are kept as they are, so the
 * quantiles of a short run are exact; with more it becomes log-linear in the manner of HdrHistogram.
 */
import type { Distribution } from "../domain/summary.ts";

/** The largest value kept apart: 35 minutes, beyond any timeout and any bearable lag. */
export const MAX_VALUE_US = 2 ** 31 - 1;
/** So many values are kept before they become counts. */
export const MAX_EXACT = 64;
/** Buckets an octave, as a power of two: exact below 256 µs, above that off by at most 0.4 %. */
const FINE_BITS = 7;
/** The same where less will do, in a quarter of the memory: off by at most 1.6 %. */
export const COARSE_BITS = 5;

/** A quantile's largest relative error with so many bits: half a bucket of an octave. */
export function relativeError(bits: number): number {
  return 1 / (2 << bits);
}

/** The same for a histogram made without saying how fine. */
export const RELATIVE_ERROR = relativeError(FINE_BITS);

/** The bucket of a value within 0..MAX_VALUE_US; values below 2^(bits + 1) are their own. */
function bucketOf(value: number, bits: number): number {
  if (value < 2 << bits) return value;
  const shift = 31 - Math.clz32(value) - bits;
  return (shift << bits) + (value >>> shift);
}

/** The middle of a bucket. */
function valueOf(bucket: number, bits: number): number {
  if (bucket < 2 << bits) return bucket;
  const shift = (bucket >> bits) - 1;
  const low = (bucket - (shift << bits)) * 2 ** shift;
  return low + (2 ** shift - 1) / 2;
}

/** Shared by all that have no counts yet. */
const NO_COUNTS = new Uint32Array(0);

export class Histogram {
  #bits: number;
  /** The values themselves while they are few, then null. */
  #exact: number[] | null = [];
  /** Counts of the buckets from #first on; grows to the span in use, and no further. */
  #counts = NO_COUNTS;
  #first = 0;
  #count = 0;
  #min = MAX_VALUE_US;
  #max = 0;
  #mean = 0;
  #squares = 0;

  constructor(bits = FINE_BITS) {
    this.#bits = bits;
  }

  get count(): number {
    return this.#count;
  }

  /** Adds a value in µs; one outside 0..MAX_VALUE_US counts as the nearer end. */
  add(value: number): void {
    const v = value < 0 ? 0 : value > MAX_VALUE_US ? MAX_VALUE_US : value;
    if (this.#exact === null) this.#tally(v);
    else {
      this.#exact.push(v);
      if (this.#exact.length > MAX_EXACT) this.#tallyAll();
    }
    this.#count++;
    if (v < this.#min) this.#min = v;
    if (v > this.#max) this.#max = v;
    // Welford's update: no cancellation, however long the run.
    const delta = v - this.#mean;
    this.#mean += delta / this.#count;
    this.#squares += delta * (v - this.#mean);
  }

  /** Adds all of another histogram's values; it must be as fine as this one. */
  merge(other: Histogram): void {
    if (other.#count === 0) return;
    if (other.#exact !== null) {
      for (const value of other.#exact) this.add(value);
      return;
    }
    if (other.#bits !== this.#bits) throw new RangeError("histograms of different fineness");
    this.#tallyAll();
    const total = this.#count + other.#count;
    const delta = other.#mean - this.#mean;
    this.#squares += other.#squares + delta * delta * this.#count * other.#count / total;
    this.#mean += delta * other.#count / total;
    this.#count = total;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
    this.#cover(other.#first, other.#first + other.#counts.length);
    for (let i = 0; i < other.#counts.length; i++) {
      this.#counts[i + other.#first - this.#first] += other.#counts[i];
    }
  }

  /** The value in µs below or at which a share q (0..1) of the values lies; NaN when empty. */
  quantile(q: number): number {
    if (this.#count === 0) return NaN;
    const rank = Math.max(1, Math.ceil(q * this.#count));
    if (this.#exact !== null) return this.#exact.toSorted((a, b) => a - b)[rank - 1];
    let seen = 0;
    for (let i = 0; i < this.#counts.length; i++) {
      seen += this.#counts[i];
      if (seen >= rank) {
        const value = valueOf(i + this.#first, this.#bits);
        return Math.min(this.#max, Math.max(this.#min, value));
      }
    }
    return this.#max;
  }

  /** The figures, or null when nothing was added. */
  distribution(): Distribution | null {
    if (this.#count === 0) return null;
    return {
      count: this.#count,
      minUs: this.#min,
      avgUs: this.#mean,
      maxUs: this.#max,
      stddevUs: this.#count < 2 ? 0 : Math.sqrt(this.#squares / (this.#count - 1)),
      p50Us: this.quantile(0.5),
      p90Us: this.quantile(0.9),
      p99Us: this.quantile(0.99),
      p999Us: this.quantile(0.999),
    };
  }

  /** From now on there are counts only. */
  #tallyAll(): void {
    const values = this.#exact ?? [];
    this.#exact = null;
    for (const value of values) this.#tally(value);
  }

  #tally(value: number): void {
    const bucket = bucketOf(value, this.#bits);
    const at = bucket - this.#first;
    if (at < 0 || at >= this.#counts.length) this.#cover(bucket, bucket + 1);
    this.#counts[bucket - this.#first]++;
  }

  /** Makes room for the buckets from..to, in steps of 32 so that growth is rare. */
  #cover(from: number, to: number): void {
    const empty = this.#counts.length === 0;
    const low = empty ? from : Math.min(from, this.#first);
    const high = empty ? to : Math.max(to, this.#first + this.#counts.length);
    const first = low & ~31;
    const length = (high - first + 31) & ~31;
    if (!empty && first === this.#first && length === this.#counts.length) return;
    const counts = new Uint32Array(length);
    if (!empty) counts.set(this.#counts, this.#first - first);
    this.#counts = counts;
    this.#first = first;
  }
}
