/** Takes a run's results beside stdout; and tells a receiver's troubles. */
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import type { Window } from "../domain/summary.ts";
import type { DropReason, ReceiverState } from "../domain/receiver.ts";
import type { Step } from "../format/record_format.ts";

/**
 * Takes results and sees to their delivery without ever making the caller wait: what cannot be
 * kept within its bounds is dropped and counted.
 */
export interface Exporter {
  /** Throws UsageError when this target cannot be represented; asked before a target's first record. */
  check(target: Target): void;
  /** A target is probed from now on. */
  watch?(target: Target): void;
  /** A single probe; not for exporters of windows alone. The record is reused by the caller afterwards. */
  record(record: ProbeRecord): void;
  /** Absent where windows have no place. */
  window?(window: Window): void;
  /** Lines that somebody else's format makes, a record a step; absent where lines have no place. */
  write?(steps: Iterable<Step>): void;
  /** Slots in which nothing was sent; for exporters that count them. */
  skipped?(target: Target, slots: number): void;
  /** A target is probed no more. */
  forget?(target: Target): void;
  /** Lines lost so far: not kept, not sent, or refused by the receiver. */
  readonly dropped: number;
  /** The same by reason. */
  readonly drops: Drops;
  /** How its receiver fares; absent for exporters that are asked for their figures. */
  readonly receiver?: ReceiverState | undefined;
  /** Resolves when it can take some more windows without dropping any; absent where it always can. */
  room?(): Promise<void>;
  /** Delivers what is left, for so long; what is left then is dropped. */
  close(withinMs: number): Promise<void>;
}

/** Lines dropped, by reason. */
export class Drops {
  #counts = new Map<DropReason, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(lines: number, reason: DropReason): void {
    if (lines <= 0) return;
    this.#total += lines;
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + lines);
  }

  /** Each reason that occurred, with its count. */
  entries(): readonly (readonly [DropReason, number])[] {
    return [...this.#counts];
  }
}

/** Tells the user one thing in one line. */
export type Notice = (text: string) => void;

/** A receiver's trouble, said once when it begins and once when it has passed. */
export class Trouble {
  #where: string;
  #notice: Notice;
  #detail: Notice;
  #droppedBefore: number | null = null;

  /**
   * `where` names the receiver in every notice; `detail` takes further lines for a user who asks
   * why.
   */
  constructor(where: string, notice: Notice, detail: Notice = () => {}) {
    this.#where = where;
    this.#notice = notice;
    this.#detail = detail;
  }

  get active(): boolean {
    return this.#droppedBefore !== null;
  }

  /** The receiver's state, given how many lines wait and which were dropped. */
  state(waiting: number, drops: Drops): ReceiverState {
    return { where: this.#where, delivering: !this.active, waiting, drops: drops.entries() };
  }

  /** Call before the first line lost by it is counted; `dropped` is the count so far. */
  begins(what: string, dropped: number): void {
    if (this.#droppedBefore !== null) return;
    this.#droppedBefore = dropped;
    this.say(what);
  }

  /** Lines arrive; cheap when they did before. */
  ends(dropped: number): void {
    if (this.#droppedBefore === null) return;
    const lost = dropped - this.#droppedBefore;
    this.#droppedBefore = null;
    this.say(`delivering again after ${lost} dropped`);
  }

  /** A detail that helps to find the cause: a retry, another address. */
  detail(what: string): void {
    this.#detail(`${this.#where}: ${what}`);
  }

  say(what: string): void {
    this.#notice(`${this.#where}: ${what}`);
  }
}
