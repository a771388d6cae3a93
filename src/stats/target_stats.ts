/** One target's statistics, in memory that does not grow with the number of probes. */
import { fateOf } from "../domain/outcome.ts";
import { kernelRttOf, NONE, type ProbeRecord } from "../domain/probe_record.ts";
import type { Summary } from "../domain/summary.ts";
import type { Target } from "../domain/target.ts";
import { LASTING } from "./counts.ts";
import { Tally } from "./tally.ts";

/** The result of a probe in the order of sequence numbers: its RTT in µs, or one of these. */
const LOST = -1;
const NO_SAMPLE = -2;
/** Lost, and already counted by the statistics of the window before. */
const LOST_BEFORE = -3;

export class TargetStats {
  readonly target: Target;
  /** The address in use or last used; empty while there is none. */
  address = "";
  /** What the system said of the last probe that was not answered. */
  lastError: string | null = null;
  #tally: Tally;
  /** Results that arrived before an earlier probe's; bounded by the probes in flight. Null while unused. */
  #ahead: Map<number, number> | null = null;
  #nextSeq = 1;
  #previousRtt = NO_SAMPLE;
  /** Probes lost in a row up to now, and whether these statistics counted one of them. */
  #lossRun = 0;
  #ownLoss = false;

  /**
   * `before`: the statistics of the window before, which know the last probe of that window. `pieces`: where
   * their memory is cut from.
   */
  constructor(target: Target, before: TargetStats | null = null, pieces = LASTING) {
    this.target = target;
    this.#tally = new Tally(pieces);
    if (before === null) return;
    this.address = before.address;
    this.#ahead = before.#ahead;
    this.#nextSeq = before.#nextSeq;
    this.#previousRtt = before.#previousRtt;
    this.#lossRun = before.#lossRun;
    for (const [seq, result] of this.#ahead ?? []) {
      if (result === LOST) this.#ahead?.set(seq, LOST_BEFORE);
    }
  }

  get answered(): number {
    return this.#tally.answered;
  }

  get sent(): number {
    return this.#tally.sent;
  }

  /** The counts and delays behind the summary. */
  get tally(): Tally {
    return this.#tally;
  }

  /** Counts slots of the schedule that were not sent. */
  skip(slots: number): void {
    this.#tally.skip(slots);
  }

  /** Counts a probe whose fate is known; each seq from 1 on exactly once, in any order. */
  add(record: ProbeRecord): void {
    this.address = record.address;
    this.#tally.add(record);
    if (record.error !== null) this.lastError = record.error;
    if (fateOf(record.outcome) === "lost") this.#inOrder(record.seq, LOST);
    else {
      const rttUs = record.cold ? NONE : kernelRttOf(record);
      this.#inOrder(record.seq, rttUs === NONE ? NO_SAMPLE : rttUs);
    }
  }

  /** Loss runs and delay variation are about neighbours, so late results wait for their turn. */
  #inOrder(seq: number, result: number): void {
    if (seq !== this.#nextSeq) {
      this.#ahead ??= new Map();
      this.#ahead.set(seq, result);
      return;
    }
    let next: number | undefined = result;
    while (next !== undefined) {
      this.#follow(next);
      this.#nextSeq++;
      next = this.#ahead?.get(this.#nextSeq);
      if (next !== undefined) this.#ahead?.delete(this.#nextSeq);
    }
  }

  #follow(result: number): void {
    const lost = result === LOST || result === LOST_BEFORE;
    this.#lossRun = lost ? this.#lossRun + 1 : 0;
    // A loss run counts here when one of its probes was counted here.
    this.#ownLoss = lost && (this.#ownLoss || result === LOST);
    if (this.#ownLoss) this.#tally.lossRun(this.#lossRun);
    if (result >= 0 && this.#previousRtt >= 0) {
      this.#tally.vary(Math.abs(result - this.#previousRtt));
    }
    this.#previousRtt = result;
  }

  /** Includes the results that wait for an earlier one. Each contiguous stretch counts by itself. */
  #longestLossRun(): number {
    let longest = this.#tally.longestLossRun;
    let run = 0;
    let own = false;
    let previous = 0;
    const ahead = [...this.#ahead ?? []].sort(([one], [other]) => one - other);
    for (const [seq, result] of ahead) {
      const lost = result === LOST || result === LOST_BEFORE;
      const goesOn = lost && seq === previous + 1;
      run = lost ? (goesOn ? run + 1 : 1) : 0;
      own = result === LOST || goesOn && own;
      previous = seq;
      if (own && run > longest) longest = run;
    }
    return longest;
  }

  /** Adds these figures to those of several targets. */
  addTo(total: Tally): void {
    total.merge(this.#tally);
    total.lossRun(this.#longestLossRun());
  }

  /** The figures so far. `exportDropped` comes from the run. */
  summary(exportDropped: number): Summary {
    return {
      target: this.target,
      address: this.address,
      lastError: this.lastError,
      ...this.#tally.figures(exportDropped),
      longestLossRun: this.#longestLossRun(),
    };
  }
}
