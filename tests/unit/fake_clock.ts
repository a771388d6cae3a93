/** A clock that moves only when told: wake-ups fire in order, with microtasks run in between. */
import type { Cancel, Clock } from "../../src/time/clock.ts";

interface Wake {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** More turns of the microtask queue than any chain of promises here is long. */
const MICROTASK_TURNS = 64;

/** Lets promises that can settle now do so, and what follows from them. */
export async function settle(times = 1): Promise<void> {
  for (let turn = 0; turn < times * MICROTASK_TURNS; turn++) await Promise.resolve();
}

export class FakeClock implements Clock {
  #nowMs: number;
  #wallOffsetMs: number;
  #order = 0;
  #wakes = new Set<Wake>();

  constructor(nowMs = 1000, wallMs = Date.UTC(2026, 10, 21, 9)) {
    this.#nowMs = nowMs;
    this.#wallOffsetMs = wallMs - nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** Whole milliseconds, as `Date.now()` gives them. */
  wall(): number {
    return Math.floor(this.#nowMs + this.#wallOffsetMs);
  }

  wakeAt(atMs: number, callback: () => void): Cancel {
    const wake: Wake = { atMs, order: this.#order++, callback };
    this.#wakes.add(wake);
    return () => this.#wakes.delete(wake);
  }

  /** Wake-ups that are still to come. */
  get waiting(): number {
    return this.#wakes.size;
  }

  /** Steps the wall clock, as an administrator or NTP does. */
  stepWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** Time passes and nothing runs: the process was not scheduled. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }

  /** Time passes; each wake-up fires at its own moment, or now when a stall has overtaken it. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (let next = this.#earliest(endMs); next !== null; next = this.#earliest(endMs)) {
      this.#wakes.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      await settle();
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
  }

  #earliest(endMs: number): Wake | null {
    let first: Wake | null = null;
    for (const wake of this.#wakes) {
      if (wake.atMs > endMs) continue;
      const before = first === null || wake.atMs < first.atMs ||
        (wake.atMs === first.atMs && wake.order < first.order);
      if (before) first = wake;
    }
    return first;
  }
}
