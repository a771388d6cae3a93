/** What every long-running command does beside its work: stay small. */
import { MemoryReturn } from "../kernel/memory.ts";
import type { Cancel, Clock } from "../time/clock.ts";

/** Start-up leaves most behind, and is over by then. */
const FIRST_MS = 250;
/** While there is much work, and after the last of it. */
const BUSY_MS = 2000;
/** While there is little. */
const CALM_MS = 30_000;
/** So many pieces of work between two turns are much. */
const MUCH = 1000;

/** Gives memory back after start and after work; nothing wakes a process that has none. */
export class Housekeeping {
  #clock: Clock;
  #memory: MemoryReturn | null;
  #collect: boolean;
  #work = 0;
  #cancel: Cancel | null = null;
  /** When the next turn is, while there is one. */
  #turnMs = 0;
  #stopped = false;
  #busy = false;

  /**
   * Open before FFI is revoked. `collect`: with a full collection after much work, which stops the
   * process for some 10 ms; not for those whose timers matter.
   */
  constructor(clock: Clock, collect: boolean) {
    this.#collect = collect;
    this.#clock = clock;
    this.#memory = MemoryReturn.open();
    this.#turnAfter(FIRST_MS);
  }

  /** Counts pieces of work: probes, connections. */
  worked(pieces: number): void {
    const before = this.#work;
    this.#work += pieces;
    if (this.#stopped) return;
    // Little work may become much before its turn comes.
    const muchNow = before < MUCH && this.#work >= MUCH;
    const tooLate = muchNow && this.#clock.now() + BUSY_MS < this.#turnMs;
    if (this.#cancel === null || tooLate) this.#turnAfter(BUSY_MS);
  }

  /** What is left to do after much work, the summary of thousands of targets, is work itself. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    if (this.#busy || this.#work >= MUCH) this.#memory?.giveBack(true);
  }

  #turnAfter(waitMs: number): void {
    this.#cancel?.();
    this.#turnMs = this.#clock.now() + waitMs;
    this.#cancel = this.#clock.wakeAt(this.#turnMs, () => {
      const work = this.#work;
      this.#work = 0;
      this.#cancel = null;
      // The turn after the last of much work leaves things as they were before it.
      this.#memory?.giveBack(this.#collect && (work >= MUCH || this.#busy));
      this.#busy = work >= MUCH;
      if (work > 0) this.#turnAfter(this.#busy ? BUSY_MS : CALM_MS);
    });
  }
}
