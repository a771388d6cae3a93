/**
 * Counts by key over the last few slices of time, in one piece of memory that grows with what was
 * counted and not with the keys there could be. A slice that is over is dropped as a whole.
 */

/** Keys are below this. */
export const MAX_KEYS = 2 ** 14;
const COUNT_BITS = 18;
/** What a word can count; a key that is met more often has several words. */
const MAX_COUNT = 2 ** COUNT_BITS - 1;
/** Memory grows in steps of so many words. */
const STEP_WORDS = 16;
/** Memory is given back when it is more than this many times what is used. */
const ROOMY = 4;

export class WindowedCounts {
  /** How many words each slice has, by slice modulo slices; then the words, the oldest slice's first. */
  #words: Uint32Array;
  #slices: number;
  #slice = 0;
  #used = 0;

  /** Keeps the slice under way and those before it: `slices` of them. */
  constructor(slices: number) {
    this.#slices = slices;
    this.#words = new Uint32Array(slices);
  }

  /** Size of the memory, in bytes. */
  get bytes(): number {
    return this.#words.byteLength;
  }

  /** Counts a key of 0 to MAX_KEYS - 1 in a slice; what comes after a later slice's counts there. */
  add(slice: number, key: number, times = 1): void {
    this.advance(slice);
    let left = times;
    const end = this.#slices + this.#used;
    const begin = end - this.#words[this.#slice % this.#slices];
    for (let i = begin; i < end && left > 0; i++) {
      const word = this.#words[i];
      if (word >>> COUNT_BITS === key) left -= this.#raise(i, word & MAX_COUNT, left);
    }
    for (; left > 0; left -= this.#raise(this.#slices + this.#used - 1, 0, left)) this.#append(key);
  }

  /** Begins a slice; those that are too old for it are dropped. */
  advance(slice: number): void {
    if (slice <= this.#slice) return;
    let dropped = 0;
    for (let next = Math.max(this.#slice + 1, slice - this.#slices + 1); next <= slice; next++) {
      const slot = next % this.#slices;
      dropped += this.#words[slot];
      this.#words[slot] = 0;
    }
    this.#slice = slice;
    if (dropped === 0) return;
    const end = this.#slices + this.#used;
    this.#words.copyWithin(this.#slices, this.#slices + dropped, end);
    this.#used -= dropped;
    if (this.#words.length > ROOMY * (end - dropped + STEP_WORDS)) this.#resize();
  }

  /** Calls back with each key and how often it was counted; a key may come several times. */
  each(visit: (key: number, count: number) => void): void {
    const end = this.#slices + this.#used;
    for (let i = this.#slices; i < end; i++) {
      const word = this.#words[i];
      visit(word >>> COUNT_BITS, word & MAX_COUNT);
    }
  }

  /** Adds to a word's count as much as fits, and tells how much that was. */
  #raise(at: number, count: number, by: number): number {
    const fits = Math.min(by, MAX_COUNT - count);
    this.#words[at] += fits;
    return fits;
  }

  #append(key: number): void {
    if (this.#slices + this.#used === this.#words.length) this.#resize();
    this.#words[this.#slices + this.#used] = key << COUNT_BITS;
    this.#used++;
    this.#words[this.#slice % this.#slices]++;
  }

  /** Makes room for a quarter more than is used. */
  #resize(): void {
    const wanted = this.#slices + Math.ceil(this.#used * 1.25) + 1;
    const words = new Uint32Array(Math.ceil(wanted / STEP_WORDS) * STEP_WORDS);
    words.set(this.#words.subarray(0, this.#slices + this.#used));
    this.#words = words;
  }
}
