/**
 * What a connection's smoothed round trip measures. The kernel measures from a data segment to its
 * acknowledgement. An acknowledgement sent at once by itself shows the network's round trip. One
 * sent with the peer's reply, or delayed in the hope of a reply, includes the peer's own time.
 */
import type { RttSpread } from "../domain/connection.ts";

export const KIND = { network: 0, reply: 1 } as const;
export type Kind = typeof KIND[keyof typeof KIND];

/**
 * Pure acknowledgements that a connection must have received for each segment of data received. A peer
 * that answers requests sends data, and delays its acknowledgements by up to 40 ms: one with a reply of
 * one segment sends at most one pure acknowledgement a request. A receiver of bulk data sends none of
 * its own but for a protocol's confirmation now and then.
 *
 * The number of pure acknowledgements alone does not tell: a receiver of bulk data acknowledges two or
 * more segments by one of them, and a server that thinks for 100 ms acknowledges each request by one.
 */
const PURE_A_DATA_SEGMENT = 8;

/** Fewer segments of data in an interval do not make a bulk transfer. */
const MIN_BULK_SEGMENTS = 20;
/** A receiver acknowledges at once when more than one segment waits, so a bulk sender's ACKs stand for several. */
const BULK_SEGMENTS_AN_ACK = 1.2;
const BULK_UNACKED = 4;

const READ_LATE_SHARE = 0.1;
/** 40 ms of Linux's delayed acknowledgement (TCP_DELACK_MIN), and what its timer may be late. */
const MAX_ACK_DELAY_US = 50_000;
/** Acknowledgements a round trip. */
const FEW_ACKS = 2.5;

/**
 * The round trip of a bulk sender holds a queue if it is above the minimum by this factor, and by
 * this much.
 */
const QUEUE_FACTOR = 2;
const QUEUE_US = 5000;

/** Whether acknowledgements came by themselves: `pureIn` without data, `dataIn` with. */
export function isClean(pureIn: number, dataIn: number): boolean {
  return pureIn > PURE_A_DATA_SEGMENT * dataIn;
}

/**
 * Whether a connection sent so much at a time that its acknowledgements were not delayed. For a
 * connection that sends a message now and then this cannot be told: each message is acknowledged at
 * once or after up to 40 ms.
 */
export function arePrompt(dataOut: number, pureIn: number, unacked: number): boolean {
  return dataOut >= BULK_SEGMENTS_AN_ACK * pureIn || unacked >= BULK_UNACKED;
}

/**
 * Whether so many segments were under way at once, on average over the time in which any was, that the
 * peer had several to acknowledge (Little's law). It holds too where a peer acknowledges each by itself.
 */
export function wereTogether(dataOut: number, rttUs: number, busyUs: number): boolean {
  return busyUs > 0 && dataOut * rttUs >= BULK_UNACKED * busyUs;
}

/**
 * Whether the peer's window was full for so much of the time with data to send that its acknowledgements
 * wait until it reads. Bulk senders through queues of 3 to 200 Mbit/s met no full window.
 */
export function isReadLate(receiverLimitedUs: number, busyUs: number): boolean {
  return receiverLimitedUs > READ_LATE_SHARE * busyUs;
}

/**
 * Whether a round trip far above its minimum may be that of delayed acknowledgements. A peer that reads late
 * has no more room to offer, and acknowledges what it received by its timer or when it reads: once or twice a
 * round trip. Through a queue 3 to 28 came.
 */
export function areDelayed(
  pureIn: number,
  rttUs: number,
  minimumUs: number,
  busyUs: number,
): boolean {
  return rttUs - minimumUs <= MAX_ACK_DELAY_US && pureIn * rttUs < FEW_ACKS * busyUs;
}

/** Whether a connection sent enough for its round trip to tell of a queue. */
export function sentInBulk(dataOut: number): boolean {
  return dataOut >= MIN_BULK_SEGMENTS;
}

/** Whether a round trip is so far above the minimum that packets wait somewhere. */
export function isQueueing(rttUs: number, minimumUs: number): boolean {
  return rttUs >= QUEUE_FACTOR * minimumUs && rttUs - minimumUs >= QUEUE_US;
}

/** A sample is one number: group, kind and µs in this order, so that sorting brings a group's together. */
const RTT_RANGE = 2 ** 32;
const FIRST_SAMPLES = 1024;

/** The samples of one reading: one a connection at most. */
export class RttSamples {
  #samples = new Float64Array(FIRST_SAMPLES);
  #count = 0;
  #sorted = true;

  clear(): void {
    this.#count = 0;
    this.#sorted = true;
  }

  add(group: number, kind: Kind, rttUs: number): void {
    if (this.#count === this.#samples.length) {
      const more = new Float64Array(2 * this.#count);
      more.set(this.#samples);
      this.#samples = more;
    }
    this.#samples[this.#count++] = (2 * group + kind) * RTT_RANGE + rttUs;
    this.#sorted = false;
  }

  /** The spread of a group's samples of a kind; null for none. */
  of(group: number, kind: Kind): RttSpread | null {
    const [from, to] = this.#range(group, kind);
    return from === to ? null : spreadOf(to - from, (i) => this.#samples[from + i] % RTT_RANGE);
  }

  /** The same of several groups together. */
  merged(groups: readonly number[], kind: Kind): RttSpread | null {
    const ranges = groups.map((group) => this.#range(group, kind));
    const all = new Float64Array(ranges.reduce((sum, [from, to]) => sum + to - from, 0));
    let at = 0;
    for (const [from, to] of ranges) {
      for (let i = from; i < to; i++) all[at++] = this.#samples[i] % RTT_RANGE;
    }
    all.sort();
    return at === 0 ? null : spreadOf(at, (i) => all[i]);
  }

  #range(group: number, kind: Kind): readonly [from: number, to: number] {
    if (!this.#sorted) {
      this.#samples.subarray(0, this.#count).sort();
      this.#sorted = true;
    }
    const key = (2 * group + kind) * RTT_RANGE;
    return [this.#lowerBound(key), this.#lowerBound(key + RTT_RANGE)];
  }

  /** The first sample that is not below the key. */
  #lowerBound(key: number): number {
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = low + high >>> 1;
      if (this.#samples[middle] < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Of `count` sorted values, at least one: quantiles by nearest rank. */
export function spreadOf(count: number, at: (index: number) => number): RttSpread {
  const rank = (share: number) => at(Math.max(0, Math.ceil(share * count) - 1));
  let sumUs = 0;
  for (let i = 0; i < count; i++) sumUs += at(i);
  return { count, minUs: at(0), p50Us: rank(0.5), p99Us: rank(0.99), maxUs: at(count - 1), sumUs };
}
