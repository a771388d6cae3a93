/**
 * Counts by key over the last few turns of time, in one piece of memory that grows with what was
 * counted and not with the keys there could be. A turn that is over is dropped as a whole.
 */

/** Keys are below this. */
export const MAX_KEYS = 2 ** 14;
const COUNT_BITS = 18;
/** What a word can count; a key that is met more often has several words. */
const MAX_COUNT = 2 ** COUNT_BITS - 1;
/** Memory grows in steps of so many words. */
const STEP_WORDS = 16;
/** With more room than this many times what is used, memory is given back. */
const ROOMY = 4;

export class WindowedCounts {
  /** How many words each turn has, by turn modulo turns; then the words, the oldest turn's first. */
  #words: Uint32Array;
  #turns: number;
  #turn = 0;
  #used = 0;

  /** Keeps the turn under way and those before it: `turns` of them. */
  constructor(turns: number) {
    this.#turns = turns;
    this.#words = new Uint32Array(turns);
  }

  /** For how much there is memory, in bytes. */
  get bytes(): number {
    return this.#words.byteLength;
  }

  /** Counts a key of 0 to MAX_KEYS - 1 in a turn; what comes after a later turn's counts there. */
  add(turn: number, key: number, times = 1): void {
    this.advance(turn);
    let left = times;
    const end = this.#turns + this.#used;
    const begin = end - this.#words[this.#turn % this.#turns];
    for (let i = begin; i < end && left > 0; i++) {
      const word = this.#words[i];
      if (word >>> COUNT_BITS === key) left -= this.#raise(i, word & MAX_COUNT, left);
    }
    for (; left > 0; left -= this.#raise(this.#turns + this.#used - 1, 0, left)) this.#append(key);
  }

  /** Begins a turn; those that are too old for it are dropped. */
  advance(turn: number): void {
    if (turn <= this.#turn) return;
    let dropped = 0;
    for (let next = Math.max(this.#turn + 1, turn - this.#turns + 1); next <= turn; next++) {
      const slot = next % this.#turns;
      dropped += this.#words[slot];
      this.#words[slot] = 0;
    }
    this.#turn = turn;
    if (dropped === 0) return;
    const end = this.#turns + this.#used;
    this.#words.copyWithin(this.#turns, this.#turns + dropped, end);
    this.#used -= dropped;
    if (this.#words.length > ROOMY * (end - dropped + STEP_WORDS)) this.#resize();
  }

  /** Calls back with each key and how often it was counted; a key may come several times. */
  each(visit: (key: number, count: number) => void): void {
    const end = this.#turns + this.#used;
    for (let i = this.#turns; i < end; i++) {
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
    if (this.#turns + this.#used === this.#words.length) this.#resize();
    this.#words[this.#turns + this.#used] = key << COUNT_BITS;
    this.#used++;
    this.#words[this.#turn % this.#turns]++;
  }

  /** Makes room for a quarter more than is used. */
  #resize(): void {
    const wanted = this.#turns + Math.ceil(this.#used * 1.25) + 1;
    const words = new Uint32Array(Math.ceil(wanted / STEP_WORDS) * STEP_WORDS);
    words.set(this.#words.subarray(0, this.#turns + this.#used));
    this.#words = words;
  }
}
