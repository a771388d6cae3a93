/** Wall time to the microsecond of monotonic times; follows steps of the wall clock. */
import type { Clock } from "./clock.ts";

/** The wall clock reads whole milliseconds; a larger deviation than this is a step. */
const STEP_MS = 2;
/** The wall clock is read for moments that lie this far apart: many probes are sent in one. */
const READ_EVERY_MS = 1;

/** A wall time as two integers, since nanoseconds since the epoch exceed 2^53. */
export interface WallTime {
  wallSeconds: number;
  wallNanos: number;
}

/**
 * The wall time now, in whole milliseconds: for single events that are compared with no other time.
 */
export function wallTime(clock: Clock): WallTime {
  const ms = Math.floor(clock.wall());
  return { wallSeconds: Math.floor(ms / 1000), wallNanos: ms % 1000 * 1_000_000 };
}

export class WallAnchor {
  #clock: Clock;
  #offsetMs: number;
  /** The last moment for which the wall clock was read. */
  #readForMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offsetMs = clock.wall() - clock.now();
  }

  /**
   * Writes the wall time of the monotonic moment `atMs` (a recent one) into `out`, with
   * microsecond precision. Follows a step of the wall clock forwards or backwards within a millisecond.
   */
  stamp(atMs: number, out: WallTime): void {
    if (Math.abs(atMs - this.#readForMs) >= READ_EVERY_MS) this.#read(atMs);
    const micros = Math.round((this.#offsetMs + atMs) * 1000);
    const seconds = Math.floor(micros / 1_000_000);
    out.wallSeconds = seconds;
    out.wallNanos = (micros - seconds * 1_000_000) * 1000;
  }

  #read(forMs: number): void {
    this.#readForMs = forMs;
    const offset = this.#clock.wall() - this.#clock.now();
    // Reading truncated milliseconds, the true offset is `offset` plus up to one: keep the anchor
    // while it lies there, so that stamps within a run differ by the monotonic clock exactly.
    if (Math.abs(offset - this.#offsetMs) > STEP_MS) this.#offsetMs = offset;
  }
}
