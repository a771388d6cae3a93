/** The clock that every loop is given: monotonic time, wall time and timers. */

/** Takes back a wake-up that has not happened yet. */
export type Cancel = () => void;

/** Tells the time, and calls back at a given time. */
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

/** A wait that can be ended before its time; once ended, it waits no more. */
export class Pause {
  #isEnded = false;
  #cancel: Cancel = () => {};
  #woken: () => void = () => {};

  /** Resolves at `atMs` of the clock, or when it is ended; one wait at a time. */
  until(clock: Clock, atMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isEnded) return resolve();
      this.#woken = resolve;
      this.#cancel = clock.wakeAt(atMs, resolve);
    });
  }

  end(): void {
    this.#isEnded = true;
    this.#cancel();
    this.#woken();
  }
}

/** Calls back every `everyMs`, first after one such span, until it is cancelled. */
export function repeat(clock: Clock, everyMs: number, action: () => void): Cancel {
  let cancel: Cancel = () => {};
  const turn = () => {
    action();
    arm();
  };
  const arm = () => {
    cancel = clock.wakeAt(clock.now() + everyMs, turn);
  };
  arm();
  return () => cancel();
}

/** setTimeout's longest wait; a later wake-up is reached in several steps. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The machine's clock: `performance.now()` is CLOCK_MONOTONIC here, and `Date` the wall. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  wakeAt(atMs: number, callback: () => void): Cancel {
    let timer: ReturnType<typeof setTimeout> | undefined;
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
