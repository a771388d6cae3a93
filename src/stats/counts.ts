/**
 * Counts by bucket of several histograms, in one piece of memory as wide as the largest count needs:
 * with ten thousand targets, arrays of their own would cost more than what is in them.
 */

/** The room for a histogram's counts grows in steps of so many buckets. */
export const ROOM = 32;

/** Counts that outgrow one kind go on in the next; a double counts for longer than anything runs. */
type Cells = Uint16Array | Uint32Array | Float64Array;

/** Shared by all that count nothing yet. */
const NO_CELLS: Cells = new Uint16Array(0);

/** The largest count of narrow cells. */
const LARGEST = { 2: 2 ** 16 - 1, 4: 2 ** 32 - 1, 8: Number.MAX_SAFE_INTEGER } as const;

/** Where one histogram's counts lie in the cells, and of which buckets they are. */
interface Span {
  at: number;
  first: number;
  length: number;
}

export class Counts {
  #cells: Cells = NO_CELLS;
  #largest: number = LARGEST[2];
  #spans: Span[];

  /** For so many histograms; all buckets' counts are 0. */
  constructor(histograms: number) {
    this.#spans = Array.from({ length: histograms }, () => ({ at: 0, first: 0, length: 0 }));
  }

  /** The first bucket of a histogram for which there is memory; any other than `length` from it counts 0. */
  first(histogram: number): number {
    return this.#spans[histogram].first;
  }

  /** For how many buckets there is memory. */
  length(histogram: number): number {
    return this.#spans[histogram].length;
  }

  /** The count of a bucket within `first` and `length`. */
  count(histogram: number, bucket: number): number {
    const span = this.#spans[histogram];
    return this.#cells[span.at + bucket - span.first];
  }

  /** Adds to the count of any bucket from 0 on. */
  add(histogram: number, bucket: number, times: number): void {
    const span = this.#spans[histogram];
    const offset = bucket - span.first;
    if (offset < 0 || offset >= span.length) this.cover(histogram, bucket, bucket + 1);
    const at = span.at + bucket - span.first;
    const count = this.#cells[at] + times;
    while (count > this.#largest) this.#widen();
    this.#cells[at] = count;
  }

  /** Makes room for the buckets from..to, in steps so that growth is rare. */
  cover(histogram: number, from: number, to: number): void {
    const span = this.#spans[histogram];
    const low = span.length === 0 ? from : Math.min(from, span.first);
    const high = span.length === 0 ? to : Math.max(to, span.first + span.length);
    const first = low - low % ROOM;
    const length = Math.ceil((high - first) / ROOM) * ROOM;
    if (first === span.first && length === span.length) return;
    this.#lay(this.#blank(this.#cells.length - span.length + length), span, first, length);
  }

  /** Moves all counts to new cells; one histogram's become those of a larger span. */
  #lay(cells: Cells, grown: Span, first: number, length: number): void {
    let end = 0;
    for (const span of this.#spans) {
      if (span.length > 0) {
        const moved = span === grown ? span.first - first : 0;
        cells.set(this.#cells.subarray(span.at, span.at + span.length), end + moved);
      }
      span.at = end;
      if (span === grown) {
        span.first = first;
        span.length = length;
      }
      end += span.length;
    }
    this.#cells = cells;
  }

  #blank(length: number): Cells {
    switch (this.#cells.BYTES_PER_ELEMENT) {
      case 2:
        return new Uint16Array(length);
      case 4:
        return new Uint32Array(length);
      default:
        return new Float64Array(length);
    }
  }

  #widen(): void {
    const narrow = this.#cells.BYTES_PER_ELEMENT === 2;
    this.#cells = narrow ? Uint32Array.from(this.#cells) : Float64Array.from(this.#cells);
    this.#largest = narrow ? LARGEST[4] : LARGEST[8];
  }
}
