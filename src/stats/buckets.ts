/** A histogram of fixed buckets, as monitoring wants it: counts up to each bound, and the sum. */

/**
 * Upper bounds in µs, inclusive; the last bucket has none. Close together where round trips within a
 * region lie, then about 1–2.5–5, and up to the longest wait for SYN retransmits.
 */
export const MANY_BOUNDS_US: readonly number[] = [
  ...[50, 100, 150, 200, 300, 500, 750, 1000, 1500, 2500, 5000, 10_000, 25_000, 50_000],
  ...[100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000],
];

/** Fewer bounds for many targets: one or two a decade, and one behind the first SYN retransmit. */
export const FEW_BOUNDS_US: readonly number[] = [
  ...[250, 500, 1000, 2500, 10_000, 50_000, 250_000, 1_000_000, 5_000_000],
];

/** Bounds of one histogram at most. */
export const MAX_BOUNDS = 24;

export class Buckets {
  /** Upper bounds in µs, ascending. There is one bucket more than bounds. */
  readonly boundsUs: readonly number[];
  /**
   * The buckets' counts and the sum behind them: doubles, since 2^32 is a few weeks of probes, and
   * in an array, where adding makes no new number objects.
   */
  #cells: Float64Array;
  #at: number;

  private constructor(boundsUs: readonly number[], cells: Float64Array, at: number) {
    this.boundsUs = boundsUs;
    this.#cells = cells;
    this.#at = at;
  }

  /** Empty histograms that share one array: many small arrays would take more memory. */
  static several(count: number, boundsUs: readonly number[] = MANY_BOUNDS_US): Buckets[] {
    const size = boundsUs.length + 2;
    const cells = new Float64Array(count * size);
    return Array.from({ length: count }, (_, i) => new Buckets(boundsUs, cells, i * size));
  }

  /** The sum of all values in µs. */
  get sumUs(): number {
    return this.#cells[this.#at + this.boundsUs.length + 1];
  }

  /** How many values fell between a bound (inclusive) and the one before; the last has no bound. */
  count(bucket: number): number {
    return this.#cells[this.#at + bucket];
  }

  /** How many values there are. */
  get total(): number {
    let sum = 0;
    for (let i = 0; i <= this.boundsUs.length; i++) sum += this.count(i);
    return sum;
  }

  /** Adds a value in whole µs, without allocating. */
  add(us: number): void {
    const bounds = this.boundsUs;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (us <= bounds[middle]) high = middle;
      else low = middle + 1;
    }
    this.#cells[this.#at + low]++;
    this.#cells[this.#at + bounds.length + 1] += us;
  }
}
