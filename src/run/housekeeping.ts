/** Gives memory back to the system while a command runs. */
import { MemoryReturn } from "../kernel/memory.ts";
import type { Cancel, Clock } from "../time/clock.ts";

/** The first turn, in ms after the start: start-up leaves the most garbage. */
const FIRST_MS = 250;
/** Between two turns while the command is busy. */
const BUSY_MS = 2000;
/**
 * Between two turns while the command has little work: at first this, then twice as long each time,
 * up to a limit. A turn takes as much CPU as some twenty probes, most of it afterwards, when the
 * pages in use are mapped in again. At one probe a second there is little to give back: a turn
 * every 30 s would cost more than the probes.
 */
const CALM_MS = 30_000;
const MOST_CALM_MS = 16 * CALM_MS;
/** How many pieces of work between two turns make the command count as busy. */
const BUSY_PIECES = 1000;

/** What can give memory back; see MemoryReturn. */
type Memory = Pick<MemoryReturn, "giveBack">;

/** Gives memory back after the start and after work. An idle process is never woken. */
export class Housekeeping {
  #clock: Clock;
  #memory: Memory | null;
  #collect: boolean;
  #work = 0;
  #cancel: Cancel | null = null;
  /** When the timer fires, while it is set. */
  #turnMs = 0;
  #stopped = false;
  #busy = false;
  /** The next calm span. */
  #calmMs = CALM_MS;

  /**
   * Open before FFI is revoked. `collect`: make a full garbage collection after much work. It stops the
   * process for some 10 ms, so a prober does not ask for it. `memory`: null where nothing can be given back.
   */
  constructor(
    clock: Clock,
    collect: boolean,
    memory: Memory | null = MemoryReturn.open(),
  ) {
    this.#collect = collect;
    this.#clock = clock;
    this.#memory = memory;
    this.#turnAfter(FIRST_MS);
  }

  /** Counts pieces of work: probes, connections. */
  worked(pieces: number): void {
    const before = this.#work;
    this.#work += pieces;
    if (this.#stopped) return;
    // The timer of an idle process is set far ahead: bring it forward.
    const muchNow = before < BUSY_PIECES && this.#work >= BUSY_PIECES;
    const tooLate = muchNow && this.#clock.now() + BUSY_MS < this.#turnMs;
    if (this.#cancel === null || tooLate) this.#turnAfter(BUSY_MS);
  }

  /**
   * Before many targets are made ready: gives back at once what the start left behind, so that both do not
   * stand in memory together. The turn after the start would hold the first probes up; the next one is later.
   */
  before(targets: number): void {
    if (targets < BUSY_PIECES) return;
    this.#memory?.giveBack(false);
    this.#turnAfter(BUSY_MS);
  }

  /** Stops the timer. After much work, memory is given back once more: the summary needs some. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    if (this.#busy || this.#work >= BUSY_PIECES) this.#memory?.giveBack(true);
  }

  #turnAfter(waitMs: number): void {
    this.#cancel?.();
    this.#turnMs = this.#clock.now() + waitMs;
    this.#cancel = this.#clock.wakeAt(this.#turnMs, () => {
      const work = this.#work;
      this.#work = 0;
      this.#cancel = null;
      // Also collect once after the busy time has ended.
      this.#memory?.giveBack(this.#collect && (work >= BUSY_PIECES || this.#busy));
      this.#busy = work >= BUSY_PIECES;
      if (work > 0) this.#turnAfter(this.#busy ? BUSY_MS : this.#calmMs);
      this.#calmMs = this.#busy ? CALM_MS : Math.min(2 * this.#calmMs, MOST_CALM_MS);
    });
  }
}
