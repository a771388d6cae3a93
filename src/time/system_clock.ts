/** The machine's clock: `performance.now()` is CLOCK_MONOTONIC here, and `Date` the wall. */
import type { Cancel, Clock } from "./clock.ts";

/** setTimeout's longest wait; a later wake-up is reached in several steps. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  wakeAt(atMs: number, callback: () => void): Cancel {
    let timer = 0;
    const arm = () => {
      const wait = atMs - performance.now();
      // Timers truncate fractions and would fire early; the ceiling keeps "at or after" true.
      timer = setTimeout(wait > MAX_TIMEOUT_MS ? arm : fire, Math.min(ceil(wait), MAX_TIMEOUT_MS));
    };
    const fire = () => {
      if (performance.now() < atMs) arm();
      else callback();
    };
    arm();
    return () => clearTimeout(timer);
  },
};

function ceil(waitMs: number): number {
  return waitMs <= 0 ? 0 : Math.ceil(waitMs);
}
