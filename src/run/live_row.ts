/** One target in the live table: its last probes, and its figures as of the last look at them. */
import { fateOf } from "../domain/outcome.ts";
import { NONE, type ProbeRecord } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import { columnsOf, showable } from "../text/columns.ts";
import type { LiveRow } from "../format/live_table.ts";
import { MARK } from "../format/sparkline.ts";
import type { TargetStats } from "../stats/target_stats.ts";

/** Probes kept for the sparkline; a wider screen shows no more. */
export const HISTORY = 128;
/** Numbers in names are compared as numbers up to this many digits. */
const DIGITS = 10;

/** What a probe adds to the sparkline: its time in µs, or a MARK. */
export function markOf({ outcome, synRetransmits, rttUs, connectUs }: ProbeRecord): number {
  if (outcome === "refused") return MARK.refused;
  const fate = fateOf(outcome);
  if (fate === "lost") return MARK.lost;
  if (fate === "unsent") return MARK.unsent;
  if (synRetransmits > 0) return MARK.retransmitted;
  return rttUs === NONE ? connectUs : rttUs;
}

export class TargetRow implements LiveRow {
  readonly target: Target;
  readonly name: string;
  readonly nameColumns: number;
  /** Names by it are in an order that counts: db-9 before db-10. */
  readonly sortKey: string;
  leastUs = Infinity;
  p50Us: number | null = null;
  p99Us: number | null = null;
  maxUs: number | null = null;
  standIn = false;
  #stats: TargetStats;
  #history = new Int32Array(HISTORY);
  #added = 0;
  /** How many probes the figures are of. */
  #figured = 0;

  constructor(stats: TargetStats) {
    this.#stats = stats;
    this.target = stats.target;
    this.name = showable(stats.target.name);
    this.nameColumns = columnsOf(this.name);
    this.sortKey = this.name.replaceAll(/[0-9]+/g, (digits) => digits.padStart(DIGITS, "0"));
  }

  get sent(): number {
    return this.#stats.sent;
  }

  get answered(): number {
    return this.#stats.answered;
  }

  get lost(): number {
    return this.#stats.tally.lost;
  }

  get skipped(): number {
    return this.#stats.tally.skipped;
  }

  get errors(): number {
    return this.#stats.tally.errors;
  }

  get synRetransmits(): number | null {
    return this.#stats.tally.synRetransmits;
  }

  get last(): number | null {
    return this.#added === 0 ? null : this.#history[(this.#added - 1) % HISTORY];
  }

  add(mark: number): void {
    this.#history[this.#added++ % HISTORY] = mark;
    if (mark >= 0 && mark < this.leastUs) this.leastUs = mark;
  }

  skip(probes: number): void {
    for (let i = Math.min(probes, HISTORY); i > 0; i--) this.add(MARK.skipped);
  }

  *history(count: number): Iterable<number> {
    const from = Math.max(0, this.#added - Math.min(count, HISTORY));
    for (let i = from; i < this.#added; i++) yield this.#history[i % HISTORY];
  }

  /** Brings the figures up to date; true when there was something to do. */
  figure(): boolean {
    const { sent } = this;
    if (sent === this.#figured) return false;
    this.#figured = sent;
    const { shown } = this.#stats.tally;
    if (shown === null) return true;
    this.standIn = shown.kind !== "rtt";
    this.p50Us = shown.delays.quantile(0.5);
    this.p99Us = shown.delays.quantile(0.99);
    this.maxUs = shown.delays.quantile(1);
    return true;
  }

  /** From 0, all answered, to 1, nothing was; what was never sent is no better than lost. */
  get badness(): number {
    const { sent } = this;
    if (sent > 0) return this.lost / sent;
    return this.errors > 0 ? 1 : 0;
  }
}

/** Loss first, then p99. */
export function worstFirst(a: TargetRow, b: TargetRow): number {
  return b.badness - a.badness || (b.p99Us ?? 0) - (a.p99Us ?? 0);
}

export function byName(a: TargetRow, b: TargetRow): number {
  return a.sortKey < b.sortKey ? -1 : a.sortKey > b.sortKey ? 1 : 0;
}
