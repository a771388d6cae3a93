/** A value that is made on demand and kept for a span: all who ask within it get the same one. */
import type { Clock } from "../time/clock.ts";

export class Cached<T> {
  #clock: Clock;
  #freshMs: () => number;
  #make: () => Promise<T>;
  #made: Promise<T> | null = null;
  /** When it was there; null while it is being made. */
  #madeMs: number | null = -Infinity;

  /** What has been there for `freshMs` is made anew. */
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
    return this.#freshMs() + (this.#madeMs ?? this.#clock.now()) - this.#clock.now();
  }

  get(): Promise<T> {
    return this.#made === null || this.freshMs <= 0 ? this.#makeNow() : this.#made;
  }

  /**
   * The span begins when the value is there: else one who asks at intervals and many who ask at any
   * time would have it made at different rates.
   */
  #makeNow(): Promise<T> {
    this.#madeMs = null;
    const made = this.#make();
    this.#made = made;
    const ended = () => {
      if (this.#made === made) this.#madeMs = this.#clock.now();
    };
    made.then(ended, ended);
    return made;
  }
}
