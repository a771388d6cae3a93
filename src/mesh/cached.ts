/** A value that is made on demand and kept for a span: all who ask within it get the same one. */
import type { Clock } from "../time/clock.ts";

export class Cached<T> {
  #clock: Clock;
  #freshMs: () => number;
  #make: () => Promise<T>;
  #made: Promise<T> | null = null;
  #madeMs = -Infinity;

  /** What is older than `freshMs` is made anew. */
  constructor(clock: Clock, freshMs: number | (() => number), make: () => Promise<T>) {
    this.#clock = clock;
    this.#freshMs = typeof freshMs === "number" ? () => freshMs : freshMs;
    this.#make = make;
  }

  /** Forgets the value. */
  forget(): void {
    this.#made = null;
    this.#madeMs = -Infinity;
  }

  /** How long the one that is kept stays fresh, in ms; negative or 0 where the next one is made anew. */
  get freshMs(): number {
    return this.#made === null ? 0 : this.#madeMs + this.#freshMs() - this.#clock.now();
  }

  get(): Promise<T> {
    if (this.#made === null || this.freshMs <= 0) {
      this.#madeMs = this.#clock.now();
      this.#made = this.#make();
    }
    return this.#made;
  }
}
