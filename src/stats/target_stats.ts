/** One target's statistics, in memory that does not grow with the number of probes. */
import { fateOf } from "../domain/outcome.ts";
import { NONE, type ProbeRecord } from "../domain/probe_record.ts";
import type { Summary } from "../domain/summary.ts";
import type { Target } from "../domain/target.ts";
import { COARSE_BITS, Histogram } from "./histogram.ts";

/** What of a probe matters once it is put in order: its RTT in µs, or one of these. */
const LOST = -1;
const NO_SAMPLE = -2;

export class TargetStats {
  readonly target: Target;
  /** The address in use or last used; empty while there is none. */
  address = "";
  #answered = 0;
  #lost = 0;
  #refused = 0;
  #unreachable = 0;
  #skipped = 0;
  #errors = 0;
  #retransmits = 0;
  #retransmitsKnown = false;
  #rtt = new Histogram();
  #connect = new Histogram(COARSE_BITS);
  #cold = new Histogram();
  #variation = new Histogram();
  #lag = new Histogram(COARSE_BITS);
  /** Results that arrived before an earlier probe's; bounded by the probes in flight. */
  #ahead = new Map<number, number>();
  #nextSeq = 1;
  #previousRtt = NO_SAMPLE;
  #lossRun = 0;
  #longestLossRun = 0;

  /** `before`: the statistics that these follow; which probes are neighbours is known from there. */
  constructor(target: Target, before: TargetStats | null = null) {
    this.target = target;
    if (before === null) return;
    this.address = before.address;
    this.#ahead = before.#ahead;
    this.#nextSeq = before.#nextSeq;
    this.#previousRtt = before.#previousRtt;
    this.#lossRun = before.#lossRun;
  }

  get answered(): number {
    return this.#answered;
  }

  get sent(): number {
    return this.#answered + this.#lost;
  }

  /** Counts slots of the schedule that were not sent. */
  skip(slots: number): void {
    this.#skipped += slots;
  }

  /** Counts a probe whose fate is known; each seq from 1 on exactly once, in any order. */
  add(record: ProbeRecord): void {
    this.address = record.address;
    const fate = fateOf(record.outcome);
    if (fate === "unsent") this.#errors++;
    else this.#lag.add(record.lagUs);
    if (fate === "lost") this.#lost++;
    if (fate === "answered") this.#answered++;
    if (record.outcome === "refused") this.#refused++;
    if (record.outcome === "unreachable") this.#unreachable++;
    if (record.connectUs !== NONE) this.#connect.add(record.connectUs);
    if (record.synRetransmits !== NONE) {
      this.#retransmits += record.synRetransmits;
      this.#retransmitsKnown = true;
    }
    const kernelRtt = record.rttSource === "kernel" ? record.rttUs : NO_SAMPLE;
    if (kernelRtt >= 0) (record.cold ? this.#cold : this.#rtt).add(kernelRtt);
    const steadyRtt = record.cold ? NO_SAMPLE : kernelRtt;
    this.#inOrder(record.seq, fate === "lost" ? LOST : steadyRtt);
  }

  /** Loss runs and delay variation are about neighbours, so late results wait for their turn. */
  #inOrder(seq: number, result: number): void {
    if (seq !== this.#nextSeq) {
      this.#ahead.set(seq, result);
      return;
    }
    let next: number | undefined = result;
    while (next !== undefined) {
      this.#follow(next);
      this.#nextSeq++;
      next = this.#ahead.get(this.#nextSeq);
      this.#ahead.delete(this.#nextSeq);
    }
  }

  /** With the results that still wait for an earlier one's: each stretch of those by itself. */
  #longestRun(): number {
    let longest = this.#longestLossRun;
    let run = 0;
    let previous = 0;
    for (const seq of [...this.#ahead.keys()].sort((a, b) => a - b)) {
      const lost = this.#ahead.get(seq) === LOST;
      run = lost ? (seq === previous + 1 ? run + 1 : 1) : 0;
      previous = seq;
      longest = Math.max(longest, run);
    }
    return longest;
  }

  #follow(result: number): void {
    this.#lossRun = result === LOST ? this.#lossRun + 1 : 0;
    if (this.#lossRun > this.#longestLossRun) this.#longestLossRun = this.#lossRun;
    if (result >= 0 && this.#previousRtt >= 0) {
      this.#variation.add(Math.abs(result - this.#previousRtt));
    }
    this.#previousRtt = result;
  }

  /** The figures so far. `exportDropped` is the run's, for the loop does not know it. */
  summary(exportDropped: number): Summary {
    return {
      target: this.target,
      address: this.address,
      sent: this.sent,
      answered: this.#answered,
      lost: this.#lost,
      refused: this.#refused,
      unreachable: this.#unreachable,
      skipped: this.#skipped,
      errors: this.#errors,
      synRetransmits: this.#retransmitsKnown ? this.#retransmits : null,
      longestLossRun: this.#longestRun(),
      rtt: this.#rtt.distribution(),
      connect: this.#connect.distribution(),
      cold: this.#cold.distribution(),
      delayVariation: this.#variation.distribution(),
      lag: this.#lag.distribution(),
      exportDropped,
    };
  }
}
