/** Flushes a batch some time after its first line: one timer at most, however many batches. */
import type { Cancel, Clock } from "../time/clock.ts";

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
