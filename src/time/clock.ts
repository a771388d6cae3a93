/** The clock that every loop is given: monotonic time, wall time, and being woken. */

/** Takes back a wake-up that has not happened yet. */
export type Cancel = () => void;

export interface Clock {
  /** Monotonic milliseconds with a fraction; their zero is arbitrary. */
  now(): number;
  /** The wall clock in milliseconds since the epoch, with what fraction the system gives. */
  wall(): number;
  /** Calls back once, at `atMs` of `now()` or later, never before the caller returns. */
  wakeAt(atMs: number, callback: () => void): Cancel;
}

/** Waits until `atMs` of the clock. */
export function sleepUntil(clock: Clock, atMs: number): Promise<void> {
  return new Promise((resolve) => clock.wakeAt(atMs, resolve));
}
