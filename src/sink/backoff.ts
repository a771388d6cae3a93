/** Waits between attempts: each twice as long as the one before, up to a limit. */
import type { Cancel, Clock } from "../time/clock.ts";

export interface BackoffBounds {
  readonly firstMs: number;
  readonly mostMs: number;
}

export class Backoff {
  #clock: Clock;
  #bounds: BackoffBounds;
  #nextMs: number;
  #timer: Cancel | null = null;
  #resume: (() => void) | null = null;

  constructor(clock: Clock, bounds: BackoffBounds) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#nextMs = bounds.firstMs;
  }

  /** An attempt went well: the next wait is the shortest again. */
  reset(): void {
    this.#nextMs = this.#bounds.firstMs;
  }

  /** One caller at a time. */
  wait(): Promise<void> {
    const atMs = this.#clock.now() + this.#nextMs;
    this.#nextMs = Math.min(2 * this.#nextMs, this.#bounds.mostMs);
    return new Promise((resolve) => {
      this.#resume = resolve;
      this.#timer = this.#clock.wakeAt(atMs, () => this.cut());
    });
  }

  /** Ends the wait in hand, if there is one. */
  cut(): void {
    this.#timer?.();
    this.#timer = null;
    this.#resume?.();
    this.#resume = null;
  }
}
