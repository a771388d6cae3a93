/** The last of something that is made when it is asked for, for all who ask within a span. */
import type { Clock } from "../time/clock.ts";

export class Cached<T> {
  #clock: Clock;
  #freshMs: number;
  #make: () => Promise<T>;
  #made: Promise<T> | null = null;
  #madeMs = -Infinity;

  /** What is older than `freshMs` is made anew. */
  constructor(clock: Clock, freshMs: number, make: () => Promise<T>) {
    this.#clock = clock;
    this.#freshMs = freshMs;
    this.#make = make;
  }

  get(): Promise<T> {
    const now = this.#clock.now();
    if (this.#made === null || now - this.#madeMs >= this.#freshMs) {
      this.#madeMs = now;
      this.#made = this.#make();
    }
    return this.#made;
  }
}
