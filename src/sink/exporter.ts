/** What a run's results are handed to beside stdout, and how its troubles are told. */
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import type { Window } from "../domain/summary.ts";

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
  /** Slots in which nothing was sent; for exporters that count them. */
  skipped?(target: Target, slots: number): void;
  /** A target is probed no more. */
  forget?(target: Target): void;
  /** Lines lost so far: not kept, not sent, or refused by the receiver. */
  readonly dropped: number;
  /** Delivers what is left, for so long; what is left then is dropped. */
  close(withinMs: number): Promise<void>;
}

/** Tells the user one thing in one line. */
export type Notice = (text: string) => void;

/** A receiver's trouble, said once when it begins and once when it has passed. */
export class Trouble {
  #where: string;
  #notice: Notice;
  #droppedBefore: number | null = null;

  /** `where` names the receiver in every notice. */
  constructor(where: string, notice: Notice) {
    this.#where = where;
    this.#notice = notice;
  }

  get active(): boolean {
    return this.#droppedBefore !== null;
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

  say(what: string): void {
    this.#notice(`${this.#where}: ${what}`);
  }
}
