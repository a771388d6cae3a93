/**
 * Counts by bucket of several histograms, in one piece of memory as wide as the largest count needs:
 * with ten thousand targets, arrays of their own would cost more than what is in them.
 */

/** The room for a histogram's counts grows in steps of so many buckets. */
export const ROOM = 32;
/** The memory of all histograms grows in steps of so many cells: each makes objects as large as itself. */
const STEP_CELLS = 256;

/** A count that is too large for one kind of cell moves all of them to the next larger kind. */
type Cells = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** The cells of every object that has counted nothing yet. */
const NO_CELLS: Cells = new Uint8Array(0);

/** The largest count of cells of so many bytes. */
const LARGEST: Readonly<Record<number, number>> = {
  1: 2 ** 8 - 1,
  2: 2 ** 16 - 1,
  4: 2 ** 32 - 1,
  8: Number.MAX_SAFE_INTEGER,
};

/** Where a histogram's counts lie: the first cell, the bucket of that cell, the number of cells. */
const [AT, FIRST, LENGTH, SPAN] = [0, 1, 2, 3] as const;

export class Counts {
  #cells: Cells = NO_CELLS;
  /** How many of the cells belong to histograms; those behind are spare. */
  #used = 0;
  #largest = LARGEST[1];
  /** SPAN numbers a histogram, in the order of the cells: objects of their own would cost more. */
  #spans: number[];

  /** For so many histograms; all buckets' counts are 0. */
  constructor(histograms: number) {
    this.#spans = new Array(histograms * SPAN).fill(0);
  }

  /** The first bucket of a histogram that has a cell. Buckets without a cell count 0. */
  first(histogram: number): number {
    return this.#spans[histogram * SPAN + FIRST];
  }

  /** How many buckets have a cell. */
  length(histogram: number): number {
    return this.#spans[histogram * SPAN + LENGTH];
  }

  /** The count of a bucket within `first` and `length`. */
  count(histogram: number, bucket: number): number {
    return this.#cells[this.#cellOf(histogram, bucket)];
  }

  /** Adds to the count of any bucket from 0 on. */
  add(histogram: number, bucket: number, times: number): void {
    const offset = bucket - this.first(histogram);
    if (offset < 0 || offset >= this.length(histogram)) this.cover(histogram, bucket, bucket + 1);
    const at = this.#cellOf(histogram, bucket);
    const count = this.#cells[at] + times;
    while (count > this.#largest) this.#widen();
    this.#cells[at] = count;
  }

  /** Adds all counts of a histogram elsewhere. */
  addAll(histogram: number, other: Counts, which: number): void {
    const first = other.first(which);
    const length = other.length(which);
    if (length === 0) return;
    this.cover(histogram, first, first + length);
    const from = other.#cellOf(which, first);
    const to = this.#cellOf(histogram, first);
    for (let i = 0; i < length; i++) {
      const times = other.#cells[from + i];
      if (times === 0) continue;
      const count = this.#cells[to + i] + times;
      while (count > this.#largest) this.#widen();
      this.#cells[to + i] = count;
    }
  }

  /** Makes room for the buckets from..to, in steps so that growth is rare. */
  cover(histogram: number, from: number, to: number): void {
    const before = this.first(histogram);
    const room = this.length(histogram);
    const low = room === 0 ? from : Math.min(from, before);
    const high = room === 0 ? to : Math.max(to, before + room);
    const first = low - low % ROOM;
    const length = Math.ceil((high - first) / ROOM) * ROOM;
    if (first === before && length === room) return;
    const at = this.#spans[histogram * SPAN + AT];
    const used = this.#used;
    this.#used += length - room;
    // Moved within the memory and without views: a view is an object as large as most of the memory.
    if (this.#used > this.#cells.length) this.#grow();
    const cells = this.#cells;
    cells.copyWithin(at + length, at + room, used);
    const moved = room === 0 ? at : at + before - first;
    cells.copyWithin(moved, at, at + room);
    cells.fill(0, at, moved);
    cells.fill(0, moved + room, at + length);
    this.#spans[histogram * SPAN + FIRST] = first;
    this.#spans[histogram * SPAN + LENGTH] = length;
    // The histograms behind this one have moved.
    for (let i = (histogram + 1) * SPAN; i < this.#spans.length; i += SPAN) {
      this.#spans[i + AT] += length - room;
    }
  }

  #cellOf(histogram: number, bucket: number): number {
    const span = histogram * SPAN;
    return this.#spans[span + AT] + bucket - this.#spans[span + FIRST];
  }

  #grow(): void {
    const cells = this.#blank(Math.ceil(this.#used / STEP_CELLS) * STEP_CELLS);
    cells.set(this.#cells);
    this.#cells = cells;
  }

  /** Empty cells as wide as those there are. */
  #blank(length: number): Cells {
    switch (this.#cells.BYTES_PER_ELEMENT) {
      case 1:
        return new Uint8Array(length);
      case 2:
        return new Uint16Array(length);
      case 4:
        return new Uint32Array(length);
      default:
        return new Float64Array(length);
    }
  }

  #widen(): void {
    this.#cells = wider(this.#cells);
    this.#largest = LARGEST[this.#cells.BYTES_PER_ELEMENT];
  }
}

function wider(cells: Cells): Cells {
  switch (cells.BYTES_PER_ELEMENT) {
    case 1:
      return new Uint16Array(cells);
    case 2:
      return new Uint32Array(cells);
    default:
      return new Float64Array(cells);
  }
}
