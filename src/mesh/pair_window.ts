/** What a node measured of one peer over the last window, and the figures that come of it. Pure. */
import { fateOf } from "../domain/outcome.ts";
import {
  hasSynCount,
  kernelRttOf,
  NONE,
  type ProbeRecord,
  serviceRttOf,
} from "../domain/probe_record.ts";
import type { IcmpFigures, PeerFigures, Quantiles } from "../domain/mesh_row.ts";
import { bucketOf, FINE_BITS, MAX_VALUE_US, mostBuckets, valueOf } from "../stats/histogram.ts";
import type { NowFigures } from "./recent_bursts.ts";
import { MAX_KEYS, WindowedCounts } from "../stats/windowed_counts.ts";

/** A window is so many slices, of which the oldest is dropped when a new one begins. */
export const SLICES = 10;

const BUCKETS = mostBuckets(FINE_BITS);
/** Times of each kind have keys of their own: one a bucket. */
const RTT = 0;
const COLD = BUCKETS;
const CONNECT = 2 * BUCKETS;
const ICMP = 3 * BUCKETS;
/** Plain counts have the keys after those of times. */
const COUNTS = 4 * BUCKETS;
const ANSWERED = COUNTS;
const LOST = COUNTS + 1;
const REFUSED = COUNTS + 2;
const RETRANSMITS = COUNTS + 3;
/** Handshakes whose SYNs the kernel counted. */
const SYN_COUNTED = COUNTS + 4;
const ICMP_ANSWERED = COUNTS + 5;
const ICMP_LOST = COUNTS + 6;
/** Answered handshakes whose SYN was sent more than once. */
const REPEATED = COUNTS + 7;
const BURSTS = COUNTS + 8;
const BURSTS_WITH_DROPS = COUNTS + 9;

/** What a window holds; the rest of a pair's figures are those of RecentBursts. */
export type WindowFigures = Omit<PeerFigures, keyof NowFigures | "day" | "usualUs">;

/** Times of a window: 0 to MAX_VALUE_US. */
export class TimesWindow {
  #counts = new WindowedCounts(SLICES);

  add(slice: number, us: number): void {
    this.#counts.add(slice, keyOf(RTT, us));
  }

  quantiles(slice: number, totals: Totals): Quantiles | null {
    this.#counts.advance(slice);
    totals.read(this.#counts);
    return totals.quantiles(RTT);
  }
}

export class PairWindow {
  #counts = new WindowedCounts(SLICES);
  /** The slots of the last burst, and of the last one with a drop. */
  #slot = -1;
  #dropSlot = -1;

  /** How much memory the counts have, in bytes. */
  get bytes(): number {
    return this.#counts.bytes;
  }

  /** Counts a handshake whose fate is known; one that was never sent is none. */
  add(slice: number, record: ProbeRecord): void {
    const counts = this.#counts;
    const fate = fateOf(record.outcome);
    if (fate === "unsent") return;
    counts.add(slice, fate === "lost" ? LOST : ANSWERED);
    if (record.outcome === "refused") counts.add(slice, REFUSED);
    if (hasSynCount(record)) {
      counts.add(slice, SYN_COUNTED);
      counts.add(slice, RETRANSMITS, record.synRetransmits);
    }
    this.#countBurst(slice, record.slot, fate === "lost" || record.synRetransmits > 0);
    if (fate === "lost") return;
    if (record.synRetransmits > 0) counts.add(slice, REPEATED);
    if (record.connectUs !== NONE) counts.add(slice, keyOf(CONNECT, record.connectUs));
    const rttUs = kernelRttOf(record);
    if (rttUs !== NONE) counts.add(slice, keyOf(record.cold ? COLD : RTT, rttUs));
  }

  /** Handshakes that fail together, as all of a burst at a full accept queue, are one event. */
  #countBurst(slice: number, slot: number, dropped: boolean): void {
    if (slot !== this.#slot) this.#counts.add(slice, BURSTS);
    if (dropped && slot !== this.#dropSlot) this.#counts.add(slice, BURSTS_WITH_DROPS);
    this.#slot = slot;
    if (dropped) this.#dropSlot = slot;
  }

  /** Counts an echo; the better of its two times, the kernel's as a rule, is its round trip. */
  addIcmp(slice: number, record: ProbeRecord): void {
    const fate = fateOf(record.outcome);
    if (fate === "unsent") return;
    this.#counts.add(slice, fate === "lost" ? ICMP_LOST : ICMP_ANSWERED);
    const rttUs = serviceRttOf(record);
    if (rttUs !== NONE) this.#counts.add(slice, keyOf(ICMP, rttUs));
  }

  figures(slice: number, peer: string, totals: Totals): WindowFigures {
    this.#counts.advance(slice);
    totals.read(this.#counts);
    const answered = totals.of(ANSWERED);
    const lost = totals.of(LOST);
    return {
      peer,
      sent: answered + lost,
      answered,
      lost,
      refused: totals.of(REFUSED),
      synRetransmits: totals.of(SYN_COUNTED) === 0 ? null : totals.of(RETRANSMITS),
      repeated: totals.of(SYN_COUNTED) === 0 ? null : totals.of(REPEATED),
      ...burstFigures(totals),
      rtt: totals.quantiles(RTT),
      cold: totals.quantiles(COLD),
      connect: totals.quantiles(CONNECT),
      icmp: icmpFigures(totals),
    };
  }
}

/** A burst that began in a slice that is gone may have its drops in one that is kept. */
function burstFigures(totals: Totals): Pick<PeerFigures, "bursts" | "burstsWithDrops"> {
  const burstsWithDrops = totals.of(BURSTS_WITH_DROPS);
  return { bursts: Math.max(totals.of(BURSTS), burstsWithDrops), burstsWithDrops };
}

/** Null when no echo was sent, or none was answered with a time. */
function icmpFigures(totals: Totals): IcmpFigures | null {
  const answered = totals.of(ICMP_ANSWERED);
  const lost = totals.of(ICMP_LOST);
  const p50Us = totals.quantiles(ICMP)?.p50Us ?? null;
  if (answered + lost === 0 || (p50Us === null && answered > 0)) return null;
  return { sent: answered + lost, lost, p50Us };
}

function keyOf(kind: number, us: number): number {
  return kind + bucketOf(Math.min(Math.max(us, 0), MAX_VALUE_US), FINE_BITS);
}

/** A window's counts added up, for one window after the other: room for all keys once. */
export class Totals {
  #counts = new Float64Array(MAX_KEYS);
  #keys: number[] = [];
  #note = (key: number, count: number) => {
    if (this.#counts[key] === 0) this.#keys.push(key);
    this.#counts[key] += count;
  };

  /** Takes the counts of a window in place of those before. */
  read(counts: WindowedCounts): void {
    for (const key of this.#keys) this.#counts[key] = 0;
    this.#keys.length = 0;
    counts.each(this.#note);
    this.#keys.sort((a, b) => a - b);
  }

  of(key: number): number {
    return this.#counts[key];
  }

  /** Of the times of a kind, off by at most half a bucket; null when there is none. */
  quantiles(kind: number): Quantiles | null {
    let count = 0;
    for (const key of this.#keys) if (isOf(kind, key)) count += this.#counts[key];
    if (count === 0) return null;
    return {
      count,
      p50Us: this.#quantile(kind, count, 0.5),
      p99Us: this.#quantile(kind, count, 0.99),
    };
  }

  #quantile(kind: number, count: number, q: number): number {
    const rank = Math.max(1, Math.ceil(q * count));
    let seen = 0;
    let last = kind;
    for (const key of this.#keys) {
      if (!isOf(kind, key)) continue;
      seen += this.#counts[key];
      last = key;
      if (seen >= rank) break;
    }
    return Math.round(valueOf(last - kind, FINE_BITS));
  }
}

function isOf(kind: number, key: number): boolean {
  return key >= kind && key < kind + BUCKETS;
}
