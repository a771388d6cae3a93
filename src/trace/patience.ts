/** How long a hop's answer is waited for: by what nearer hops took, and less once farther ones have answered. */

/** A router answers within a few times what a farther hop took, its own slowness beside it. */
const FARTHER_FACTOR = 3;
const FARTHER_SLACK_MS = 250;
/** The next link may be much longer than all before it: across an ocean, or by a satellite. */
const NEARER_FACTOR = 10;
const NEARER_SLACK_MS = 700;

export class Patience {
  #maxMs: number;
  /** The slowest answer of each hop so far, in ms; sparse. */
  #slowestMs: number[] = [];

  constructor(maxMs: number) {
    this.#maxMs = maxMs;
  }

  /** A hop has answered after this long. */
  answered(hops: number, rttMs: number): void {
    this.#slowestMs[hops] = Math.max(this.#slowestMs[hops] ?? 0, rttMs);
  }

  /** How long a probe that may go so many hops is waited for, as far as is known now. */
  waitMs(hops: number): number {
    let nearer = -1;
    let farther = -1;
    for (const [at, rttMs] of this.#slowestMs.entries()) {
      if (rttMs === undefined) continue;
      if (at < hops) nearer = Math.max(nearer, rttMs);
      else farther = Math.max(farther, rttMs);
    }
    if (farther >= 0) {
      // A near hop that is slow to answer is no reason to hurry a farther one.
      const longest = Math.max(nearer, farther);
      return Math.min(this.#maxMs, FARTHER_FACTOR * longest + FARTHER_SLACK_MS);
    }
    if (nearer < 0) return this.#maxMs;
    return Math.min(this.#maxMs, NEARER_FACTOR * nearer + NEARER_SLACK_MS);
  }
}
