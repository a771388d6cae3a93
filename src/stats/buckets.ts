/** A histogram of fixed buckets, as monitoring wants it: counts up to each bound, and the sum. */

/**
 * The buckets' upper bounds in µs, inclusive; the last bucket has none. Close together where round
 * trips within a region lie, then about 1–2.5–5, and up to the longest wait for SYN retransmits.
 */
export const BUCKET_BOUNDS_US: readonly number[] = [
  50,
  100,
  150,
  200,
  300,
  500,
  750,
  1000,
  1500,
  2500,
  5000,
  10_000,
  25_000,
  50_000,
  100_000,
  250_000,
  500_000,
  1_000_000,
  2_500_000,
  5_000_000,
  10_000_000,
];

const BUCKETS = BUCKET_BOUNDS_US.length + 1;

export class Buckets {
  /**
   * The buckets' counts and the sum behind them: doubles, since 2^32 is a few weeks of probes, and
   * in an array, where adding makes no new number objects.
   */
  #cells: Float64Array;
  #at: number;

  private constructor(cells: Float64Array, at: number) {
    this.#cells = cells;
    this.#at = at;
  }

  /** Empty histograms that share one array: many small arrays would take more memory. */
  static several(count: number): Buckets[] {
    const cells = new Float64Array(count * (BUCKETS + 1));
    return Array.from({ length: count }, (_, i) => new Buckets(cells, i * (BUCKETS + 1)));
  }

  /** The sum of all values in µs. */
  get sumUs(): number {
    return this.#cells[this.#at + BUCKETS];
  }

  /** How many values fell between a bound (inclusive) and the one before; the last has no bound. */
  count(bucket: number): number {
    return this.#cells[this.#at + bucket];
  }

  /** Adds a value in whole µs, without allocating. */
  add(us: number): void {
    let low = 0;
    let high = BUCKET_BOUNDS_US.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (us <= BUCKET_BOUNDS_US[middle]) high = middle;
      else low = middle + 1;
    }
    this.#cells[this.#at + low]++;
    this.#cells[this.#at + BUCKETS] += us;
  }
}
