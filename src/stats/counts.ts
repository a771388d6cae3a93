/**
 * The numbers behind several histograms: their first values, their moments, and their counts by bucket in
 * one row as wide as the largest count needs. All of it is cut from pieces that many share.
 */
import { type Piece, Pieces } from "./pieces.ts";

/** Values of a histogram that are kept exactly before they become counts. */
export const MAX_EXACT = 16;
/** The room for a histogram's counts grows in steps of so many buckets. */
export const ROOM = 32;
/** The row of all histograms' counts grows in steps of so many cells. */
const STEP_CELLS = 256;

/** A count that is too large for one kind of cell moves all of them to the next larger kind. */
type Cells = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** The cells of every object that has counted nothing yet. */
const NO_CELLS: Cells = new Uint8Array(0);

/** Memory for what lasts as long as the run. */
export const LASTING = new Pieces();
/**
 * And for what is soon over, as a window is. In common pieces, each row that lasts would keep the memory of
 * all the others beside it.
 */
export const PASSING = new Pieces();
/** A histogram's moments: its mean, and the sum of squares about it. */
const MOMENTS = 2;
const EXACT_BYTES = MOMENTS * Float64Array.BYTES_PER_ELEMENT +
  MAX_EXACT * Uint32Array.BYTES_PER_ELEMENT;

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
  /** Holds the moments of all histograms, and behind them their first values. */
  #piece: Piece;
  /** Where they begin, as an index of doubles and of longs. */
  #momentsAt: number;
  #exactAt: number;
  /** The row of counts begins at a cell of these, and has room for so many. */
  #cells: Cells = NO_CELLS;
  #at = 0;
  #room = 0;
  /** How many of the row's cells belong to histograms; those behind are spare. */
  #used = 0;
  #largest = LARGEST[1];
  /** SPAN numbers a histogram, in the order of the cells: objects of their own would cost more. */
  #spans: number[];
  #pieces: Pieces;

  /** For so many histograms; all numbers are 0. */
  constructor(histograms: number, pieces = LASTING) {
    const at = pieces.cut(histograms * EXACT_BYTES);
    this.#pieces = pieces;
    this.#piece = pieces.piece;
    this.#momentsAt = at / Float64Array.BYTES_PER_ELEMENT;
    this.#exactAt = 2 * (this.#momentsAt + histograms * MOMENTS);
    this.#spans = new Array(histograms * SPAN).fill(0);
  }

  /** Cuts the first row of counts now, not when the first values become counts. */
  reserve(): void {
    if (this.#room === 0) this.#grow(0);
  }

  /** One of a histogram's first values, of MAX_EXACT. */
  exact(histogram: number, index: number): number {
    return this.#piece.longs[this.#exactAt + histogram * MAX_EXACT + index];
  }

  /** Keeps a value from 0 to 2^32 - 1. */
  keep(histogram: number, index: number, value: number): void {
    this.#piece.longs[this.#exactAt + histogram * MAX_EXACT + index] = value;
  }

  mean(histogram: number): number {
    return this.#piece.doubles[this.#momentsAt + histogram * MOMENTS];
  }

  /** The sum of the squares of all values' distances from the mean. */
  squares(histogram: number): number {
    return this.#piece.doubles[this.#momentsAt + histogram * MOMENTS + 1];
  }

  /** Replaces the mean and the sum of squares: numbers in memory of their own would be objects. */
  setMoments(histogram: number, mean: number, squares: number): void {
    const at = this.#momentsAt + histogram * MOMENTS;
    this.#piece.doubles[at] = mean;
    this.#piece.doubles[at + 1] = squares;
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
    const count = this.#cells[this.#cellOf(histogram, bucket)] + times;
    while (count > this.#largest) this.#widen();
    this.#cells[this.#cellOf(histogram, bucket)] = count;
  }

  /** Adds all counts of a histogram elsewhere. */
  addAll(histogram: number, other: Counts, which: number): void {
    const first = other.first(which);
    const length = other.length(which);
    if (length === 0) return;
    this.cover(histogram, first, first + length);
    const from = other.#cellOf(which, first);
    for (let i = 0; i < length; i++) {
      const times = other.#cells[from + i];
      if (times !== 0) this.add(histogram, first + i, times);
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
    const used = this.#used;
    this.#used += length - room;
    // Moved within the row and without views: a view is an object as large as most rows.
    if (this.#used > this.#room) this.#grow(used);
    const cells = this.#cells;
    const at = this.#at + this.#spans[histogram * SPAN + AT];
    const end = this.#at + used;
    cells.copyWithin(at + length, at + room, end);
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
    return this.#at + this.#spans[span + AT] + bucket - this.#spans[span + FIRST];
  }

  /**
   * A row for what is used now; the first `kept` cells stay as they are. It is at least half as large again:
   * the rows that were left behind may stay in memory, and are together not much larger then.
   */
  #grow(kept: number): void {
    const least = Math.max(1, this.#used, 1.5 * this.#room);
    this.#room = Math.ceil(least / STEP_CELLS) * STEP_CELLS;
    this.#move(this.#cells.BYTES_PER_ELEMENT, kept);
  }

  #widen(): void {
    this.#move(2 * this.#cells.BYTES_PER_ELEMENT, this.#used);
  }

  /** Moves the first `kept` cells to a new row of cells of so many bytes. */
  #move(bytes: number, kept: number): void {
    const [from, begin] = [this.#cells, this.#at];
    this.#at = this.#pieces.cut(this.#room * bytes) / bytes;
    this.#cells = cellsOf(this.#pieces.piece, bytes);
    this.#largest = LARGEST[bytes];
    for (let i = 0; i < kept; i++) this.#cells[this.#at + i] = from[begin + i];
  }
}

/** A piece as cells of so many bytes; those of 8 bytes hold whole numbers up to 2^53. */
function cellsOf(piece: Piece, bytes: number): Cells {
  switch (bytes) {
    case 1:
      return piece.bytes;
    case 2:
      return piece.words;
    case 4:
      return piece.longs;
    default:
      return piece.doubles;
  }
}
