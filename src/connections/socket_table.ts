/**
 * The last reading of each socket, found by the socket's cookie: rows of numbers in two arrays that
 * grow up to a bound, a hash table over them, and a list of free rows.
 */

/** Rows there may be; sockets beyond are not kept. */
export const MAX_SOCKETS = 262_144;
const FIRST_ROWS = 1024;
const NO_ROW = -1;

/** The u32 columns of a row. */
export const COLUMN = {
  cookieLow: 0,
  cookieHigh: 1,
  /** The row behind this one in its bucket or in the free list, plus 1. */
  next: 2,
  /** The number of the last reading that met the socket. */
  seen: 3,
  /** The group's index. */
  group: 4,
  state: 5,
  delivered: 6,
  segmentsOut: 7,
  segmentsIn: 8,
  dataSegmentsOut: 9,
  dataSegmentsIn: 10,
  retransmits: 11,
  duplicates: 12,
  /** µs; lower halves, so that a difference is right below 71 minutes. */
  busy: 13,
  receiverLimited: 14,
  sendBufferLimited: 15,
} as const;
export const COLUMNS = 16;

/** The columns that are whole numbers beyond 32 bits. */
export const WIDE = { bytesOut: 0, bytesIn: 1 } as const;
export const WIDE_COLUMNS = 2;

export class SocketTable {
  /** Row r begins at r * COLUMNS, and at r * WIDE_COLUMNS. */
  words = new Uint32Array(FIRST_ROWS * COLUMNS);
  wide = new Float64Array(FIRST_ROWS * WIDE_COLUMNS);
  /** The first row of each bucket, plus 1; 0 for none. */
  #heads = new Uint32Array(FIRST_ROWS * 2);
  #rows = FIRST_ROWS;
  /** How many rows were ever used. */
  #used = 0;
  /** The first free row among the used ones, plus 1. */
  #free = 0;
  #size = 0;
  readonly #maxRows: number;

  constructor(maxRows: number = MAX_SOCKETS) {
    this.#maxRows = maxRows;
  }

  get size(): number {
    return this.#size;
  }

  /** The socket's row, or -1. */
  find(low: number, high: number): number {
    const { words } = this;
    for (let link = this.#heads[this.#bucket(low, high)]; link !== 0;) {
      const at = (link - 1) * COLUMNS;
      if (words[at] === low && words[at + 1] === high) return link - 1;
      link = words[at + COLUMN.next];
    }
    return NO_ROW;
  }

  /** A row of zeros for a socket that has none; -1 when there are too many. */
  add(low: number, high: number): number {
    if (this.#free === 0 && this.#used === this.#rows && !this.#grow()) return NO_ROW;
    let row = this.#used;
    if (this.#free === 0) this.#used++;
    else {
      row = this.#free - 1;
      this.#free = this.words[row * COLUMNS + COLUMN.next];
    }
    const at = row * COLUMNS;
    this.words.fill(0, at, at + COLUMNS);
    this.wide.fill(0, row * WIDE_COLUMNS, (row + 1) * WIDE_COLUMNS);
    this.words[at] = low;
    this.words[at + 1] = high;
    this.#link(row);
    this.#size++;
    return row;
  }

  /** Frees the rows that this reading did not meet, and hands each over first. */
  sweep(reading: number, gone: (row: number) => void): void {
    for (let bucket = 0; bucket < this.#heads.length; bucket++) {
      let before = NO_ROW;
      for (let link = this.#heads[bucket]; link !== 0;) {
        const row = link - 1;
        const at = row * COLUMNS;
        link = this.words[at + COLUMN.next];
        if (this.words[at + COLUMN.seen] === reading) {
          before = row;
          continue;
        }
        gone(row);
        if (before === NO_ROW) this.#heads[bucket] = link;
        else this.words[before * COLUMNS + COLUMN.next] = link;
        this.words[at + COLUMN.next] = this.#free;
        this.#free = row + 1;
        this.#size--;
      }
    }
  }

  #link(row: number): void {
    const at = row * COLUMNS;
    const bucket = this.#bucket(this.words[at], this.words[at + 1]);
    this.words[at + COLUMN.next] = this.#heads[bucket];
    this.#heads[bucket] = row + 1;
  }

  /** Cookies count up, so their lower bits differ as they are. */
  #bucket(low: number, high: number): number {
    return (Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)) >>> 7 &
      this.#heads.length - 1;
  }

  #grow(): boolean {
    if (this.#rows >= this.#maxRows) return false;
    this.#rows *= 2;
    const words = new Uint32Array(this.#rows * COLUMNS);
    words.set(this.words);
    const wide = new Float64Array(this.#rows * WIDE_COLUMNS);
    wide.set(this.wide);
    this.words = words;
    this.wide = wide;
    this.#heads = new Uint32Array(this.#rows * 2);
    // No row is free when the table grows: each used one goes to its new bucket.
    for (let row = 0; row < this.#used; row++) this.#link(row);
    return true;
  }
}
