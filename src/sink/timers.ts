/** The waits of exporters: between attempts, and before a batch that is not full is sent. */
import type { Cancel, Clock } from "../time/clock.ts";

export interface BackoffBounds {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** Waits between attempts: each twice as long as the one before, up to a limit. */
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

  /** Waits for at least so long. One caller at a time. */
  wait(leastMs = 0): Promise<void> {
    const atMs = this.#clock.now() + Math.max(leastMs, this.#nextMs);
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

/** Flushes a batch some time after its first line: one timer at most, however many batches. */
export class FlushTimer {
  #clock: Clock;
  #spanMs: number;
  #flush: () => void;
  #timer: Cancel | null = null;
  /** When the batch in hand is due; Infinity when there is none. */
  #dueMs = Infinity;

  constructor(clock: Clock, spanMs: number, flush: () => void) {
    this.#clock = clock;
    this.#spanMs = spanMs;
    this.#flush = flush;
  }

  /** A batch has got its first line; harmless when it had one. */
  started(): void {
    if (this.#dueMs !== Infinity) return;
    this.#dueMs = this.#clock.now() + this.#spanMs;
    // A timer for a batch that was full before its time is left running: it finds this one.
    if (this.#timer === null) this.#arm();
  }

  /** The batch has left by other means. */
  emptied(): void {
    this.#dueMs = Infinity;
  }

  stop(): void {
    this.#timer?.();
    this.#timer = null;
    this.#dueMs = Infinity;
  }

  #arm(): void {
    this.#timer = this.#clock.wakeAt(this.#dueMs, this.#wake);
  }

  #wake = (): void => {
    this.#timer = null;
    if (this.#dueMs === Infinity) return;
    if (this.#dueMs > this.#clock.now()) return this.#arm();
    this.#dueMs = Infinity;
    this.#flush();
  };
}
