/** Counts and distributions of probes, of one target or merged of several, in bounded memory. */
import { fateOf } from "../domain/outcome.ts";
import type { ProbeRecord } from "../domain/probe_record.ts";
import { hasSynCount, isRepeated, kernelRttOf, lagOf, NONE } from "../domain/probe_record.ts";
import type { Bar, DelayKind, Figures } from "../domain/summary.ts";
import { Counts, LASTING } from "./counts.ts";
import { COARSE_BITS, FINE_BITS, Histogram } from "./histogram.ts";

export class Tally {
  /** Probes sent whose fate is not known yet; whoever sends keeps it. */
  waiting = 0;
  #answered = 0;
  #lost = 0;
  #refused = 0;
  #unreachable = 0;
  #skipped = 0;
  #notSent = 0;
  #retransmits = 0;
  #synCounted = 0;
  #synRepeated = 0;
  #longestLossRun = 0;
  #counts: Counts;
  #rtt: Histogram;
  #connect: Histogram;
  #cold: Histogram;
  #variation: Histogram;
  #lag: Histogram;

  /** `pieces`: where its memory is cut from. */
  constructor(pieces = LASTING) {
    this.#counts = new Counts(5, pieces);
    this.#rtt = new Histogram(FINE_BITS, this.#counts, 0);
    this.#connect = new Histogram(COARSE_BITS, this.#counts, 1);
    this.#cold = new Histogram(FINE_BITS, this.#counts, 2);
    this.#variation = new Histogram(FINE_BITS, this.#counts, 3);
    this.#lag = new Histogram(COARSE_BITS, this.#counts, 4);
  }

  /** Takes the memory now that it needs for its first hundreds of probes. */
  reserve(): void {
    this.#counts.reserve();
  }

  get answered(): number {
    return this.#answered;
  }

  get sent(): number {
    return this.#answered + this.#lost + this.waiting;
  }

  get lost(): number {
    return this.#lost;
  }

  get skipped(): number {
    return this.#skipped;
  }

  /** Due probes that the system refused to send. */
  get notSent(): number {
    return this.#notSent;
  }

  /** Null where the kernel does not tell. */
  get synRetransmits(): number | null {
    return this.#synCounted > 0 ? this.#retransmits : null;
  }

  get longestLossRun(): number {
    return this.#longestLossRun;
  }

  /** The delays that stand for these probes, to be asked for single quantiles; or null. */
  get shown(): { readonly kind: DelayKind; readonly delays: Histogram } | null {
    if (this.#rtt.count > 0) return { kind: "rtt", delays: this.#rtt };
    if (this.#cold.count > 0) return { kind: "cold", delays: this.#cold };
    return this.#connect.count > 0 ? { kind: "connect", delays: this.#connect } : null;
  }

  /** Counts slots of the schedule that were not sent. */
  skip(slots: number): void {
    this.#skipped += slots;
  }

  /** Counts a probe. Loss runs and delay variation, which need its neighbours, are counted apart. */
  add(record: ProbeRecord): void {
    const fate = fateOf(record.outcome);
    if (fate === "unsent") this.#notSent++;
    const lagUs = lagOf(record);
    if (lagUs !== NONE) this.#lag.add(lagUs);
    if (fate === "lost") this.#lost++;
    if (fate === "answered") this.#answered++;
    if (record.outcome === "refused") this.#refused++;
    if (record.outcome === "unreachable") this.#unreachable++;
    if (record.connectUs !== NONE) this.#connect.add(record.connectUs);
    if (hasSynCount(record)) {
      this.#synCounted++;
      if (isRepeated(record)) this.#synRepeated++;
      this.#retransmits += record.synRetransmits;
    }
    const rttUs = kernelRttOf(record);
    if (rttUs !== NONE) (record.cold ? this.#cold : this.#rtt).add(rttUs);
  }

  /** Notes how many probes in a row were lost somewhere. */
  lossRun(length: number): void {
    if (length > this.#longestLossRun) this.#longestLossRun = length;
  }

  /** Notes by how many µs two neighbours' RTTs differ. */
  vary(differenceUs: number): void {
    this.#variation.add(differenceUs);
  }

  /** Adds all that another one holds. */
  merge(other: Tally): void {
    this.#answered += other.#answered;
    this.#lost += other.#lost;
    this.#refused += other.#refused;
    this.#unreachable += other.#unreachable;
    this.#skipped += other.#skipped;
    this.#notSent += other.#notSent;
    this.waiting += other.waiting;
    this.#retransmits += other.#retransmits;
    this.#synCounted += other.#synCounted;
    this.#synRepeated += other.#synRepeated;
    this.lossRun(other.#longestLossRun);
    this.#rtt.merge(other.#rtt);
    this.#connect.merge(other.#connect);
    this.#cold.merge(other.#cold);
    this.#variation.merge(other.#variation);
    this.#lag.merge(other.#lag);
  }

  /** `exportDropped` comes from the run. */
  figures(exportDropped: number): Figures {
    return {
      sent: this.sent,
      answered: this.#answered,
      lost: this.#lost,
      refused: this.#refused,
      unreachable: this.#unreachable,
      skipped: this.#skipped,
      notSent: this.#notSent,
      waiting: this.waiting,
      synRetransmits: this.#synCounted > 0 ? this.#retransmits : null,
      synCounted: this.#synCounted,
      synRepeated: this.#synRepeated,
      longestLossRun: this.#longestLossRun,
      rtt: this.#rtt.distribution(),
      connect: this.#connect.distribution(),
      cold: this.#cold.distribution(),
      delayVariation: this.#variation.distribution(),
      lag: this.#lag.distribution(),
      exportDropped,
    };
  }

  /** The delays of a kind as bars; see Histogram.bars. */
  bars(kind: DelayKind): Bar[] {
    switch (kind) {
      case "rtt":
        return this.#rtt.bars();
      case "cold":
        return this.#cold.bars();
      case "connect":
        return this.#connect.bars();
      default:
        return kind satisfies never;
    }
  }
}
