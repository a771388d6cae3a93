/** One direction of a link: its rules, its counters and the heads of its queues. Deciding on a packet allocates nothing. */

import type { CaptureRing } from "./capture.ts";
import { type Device, lostAt } from "./device.ts";
import {
  addressBytes,
  ICMP_ERROR,
  ICMP_TYPE,
  isFrom,
  KIND,
  KIND_ICMP,
  KIND_TCP,
  KINDS,
  PROTOCOL,
  PROTOCOL_UDP,
  TCP_ACK,
  TCP_FIN,
  TCP_FLAGS,
  TCP_RST,
  TCP_SYN,
  VERSION,
} from "./packet.ts";
import { type Counters, DROP_SYNS_MAX, ERROR_SOURCES_MAX, type Rules } from "./protocol.ts";

// A name's place here is its place in `counts`.
const COUNT_NAMES = [
  "packets",
  "bytes",
  "forwarded",
  "dropped",
  "overflowed",
  "unwritten",
  "tcp",
  "udp",
  "syns",
  "synsDropped",
  "synAcks",
  "fins",
  "rsts",
  "icmpErrors",
  "icmpErrorsDropped",
  "late",
] as const;
function placeOf(name: typeof COUNT_NAMES[number]): number {
  return COUNT_NAMES.indexOf(name);
}
const PACKETS = placeOf("packets");
const BYTES = placeOf("bytes");
export const FORWARDED = placeOf("forwarded");
const DROPPED = placeOf("dropped");
export const OVERFLOWED = placeOf("overflowed");
export const UNWRITTEN = placeOf("unwritten");
const TCP = placeOf("tcp");
const UDP = placeOf("udp");
const SYNS = placeOf("syns");
const SYNS_DROPPED = placeOf("synsDropped");
const SYN_ACKS = placeOf("synAcks");
const FINS = placeOf("fins");
const RSTS = placeOf("rsts");
const ERRORS = placeOf("icmpErrors");
const ERRORS_DROPPED = placeOf("icmpErrorsDropped");
export const LATE = placeOf("late");

// Places in `doubles`: fields that hold fractions would be boxed anew at each store.
export const MAX_LATE_NS = 0;
const TOKENS = 1;
const REFILLED_NS = 2;
const TOKENS_PER_NS = 3;
/** How much longer than the others the packet that was admitted last is held. */
export const EXTRA_NS = 4;
const LAST_TCP_NS = 5;
const DOUBLES = 6;

const DROP_WHAT = { none: 0, tcp: 1, udp: 2, icmp: 3, all: 4 } as const;

export class OneWay {
  readonly counts = new Float64Array(COUNT_NAMES.length);
  readonly icmp4 = new Float64Array(256);
  readonly icmp6 = new Float64Array(256);
  readonly doubles = new Float64Array(DOUBLES);
  readonly delayNs = new Float64Array(KINDS);
  /** First and last slot of each kind's queue; -1 is none. */
  readonly heads = new Int32Array(KINDS).fill(-1);
  readonly tails = new Int32Array(KINDS).fill(-1);
  #rules: Required<Rules> = {
    delayUs: 0,
    tcpDelayUs: null,
    icmpDelayUs: null,
    tcpSpikeShare: 0,
    icmpSpikeShare: 0,
    spikeSynEvery: 0,
    spikeUs: 0,
    coldAfterUs: 0,
    coldDelayUs: 0,
    drop: "none",
    dropEvery: 0,
    dropSynEvery: 0,
    dropSyns: [],
    dropIcmpErrors: false,
    icmpErrorsPerSecond: null,
    icmpErrorSources: [],
  };
  #dropWhat: number = DROP_WHAT.none;
  #dropEvery = 0;
  #dropSynEvery = 0;
  #dropErrors = false;
  #limitErrors = false;
  /** State of the generator that draws spikes. */
  #draw = 1;
  #heldOrdinal = 0;
  #packetOrdinal = 0;
  #synOrdinal = 0;
  readonly #dropSyns = new Int32Array(DROP_SYNS_MAX);
  #dropSynCount = 0;
  readonly #sources = new Uint8Array(ERROR_SOURCES_MAX * 17);
  #sourceCount = 0;

  /** Whether packets were left unread when it was last looked at. */
  more = false;
  /** Shared by both directions of a link. */
  capture: CaptureRing | null = null;

  constructor(readonly from: Device, readonly to: Device, readonly direction: number) {}

  /** Applies what `change` names and leaves the rest; ordinals restart where their rule is named. */
  set(change: Rules): void {
    const rules = { ...this.#rules, ...change };
    if (rules.dropSyns.length > DROP_SYNS_MAX) {
      throw new RangeError(`at most ${DROP_SYNS_MAX} SYN ordinals`);
    }
    if (rules.icmpErrorSources.length > ERROR_SOURCES_MAX) {
      throw new RangeError(`at most ${ERROR_SOURCES_MAX} sources`);
    }
    this.#rules = rules;
    this.delayNs.fill(rules.delayUs * 1000);
    this.delayNs[KIND_TCP] = (rules.tcpDelayUs ?? rules.delayUs) * 1000;
    this.delayNs[KIND_ICMP] = (rules.icmpDelayUs ?? rules.delayUs) * 1000;
    this.#dropWhat = DROP_WHAT[rules.drop];
    this.#dropEvery = rules.dropEvery;
    this.#dropSynEvery = rules.dropSynEvery;
    this.#dropErrors = rules.dropIcmpErrors;
    this.#limitErrors = rules.icmpErrorsPerSecond !== null;
    this.doubles[TOKENS_PER_NS] = (rules.icmpErrorsPerSecond ?? 0) / 1e9;
    if (change.icmpErrorsPerSecond !== undefined) this.doubles[TOKENS] = 1;
    if (change.dropEvery !== undefined) this.#packetOrdinal = 0;
    if (change.dropSynEvery !== undefined || change.dropSyns !== undefined) this.#synOrdinal = 0;
    if (change.spikeSynEvery !== undefined) this.#heldOrdinal = 0;
    this.#dropSyns.set(rules.dropSyns);
    this.#dropSynCount = rules.dropSyns.length;
    this.#sourceCount = rules.icmpErrorSources.length;
    rules.icmpErrorSources.forEach((source, i) => this.#sources.set(addressBytes(source), i * 17));
  }

  /** Counts a packet that came in and says whether the rules let it pass. */
  admit(
    bytes: Uint8Array,
    at: number,
    length: number,
    facts: Int32Array,
    clock: Float64Array,
  ): boolean {
    const counts = this.counts;
    counts[PACKETS] += 1;
    counts[BYTES] += length;
    this.#hold(facts, clock);
    let drop = this.#dropWhat === DROP_WHAT.all;
    if (this.#dropEvery > 0) {
      this.#packetOrdinal += 1;
      drop = this.#packetOrdinal % this.#dropEvery === 0 || drop;
    }
    if (facts[KIND] === KIND_TCP) drop = this.#dropsTcp(facts[TCP_FLAGS], drop);
    else if (facts[KIND] === KIND_ICMP) drop = this.#dropsIcmp(bytes, at, facts, clock, drop);
    else if (facts[PROTOCOL] === PROTOCOL_UDP) {
      counts[UDP] += 1;
      drop = this.#dropWhat === DROP_WHAT.udp || drop;
    }
    if (drop) counts[DROPPED] += 1;
    return !drop;
  }

  /** Says how much longer this packet is held than others of its kind. */
  #hold(facts: Int32Array, clock: Float64Array): void {
    const { tcpSpikeShare, icmpSpikeShare, spikeSynEvery, spikeUs } = this.#rules;
    const { coldAfterUs, coldDelayUs } = this.#rules;
    const doubles = this.doubles;
    doubles[EXTRA_NS] = 0;
    const kind = facts[KIND];
    const isSyn = kind === KIND_TCP && (facts[TCP_FLAGS] & (TCP_SYN | TCP_ACK)) === TCP_SYN;
    const share = isSyn ? tcpSpikeShare : kind === KIND_ICMP ? icmpSpikeShare : 0;
    if (share > 0 && this.#drawn() < share) doubles[EXTRA_NS] = spikeUs * 1000;
    if (kind !== KIND_TCP) return;
    if (isSyn) this.#heldOrdinal += 1;
    if (isSyn && spikeSynEvery > 0 && this.#heldOrdinal % spikeSynEvery === 0) {
      doubles[EXTRA_NS] = spikeUs * 1000;
    }
    const isCold = clock[0] - doubles[LAST_TCP_NS] > coldAfterUs * 1000;
    if (coldAfterUs > 0 && isSyn && isCold) doubles[EXTRA_NS] = coldDelayUs * 1000;
    doubles[LAST_TCP_NS] = clock[0];
  }

  /** A number in 0..1 (xorshift32, Marsaglia, "Xorshift RNGs", 2003). */
  #drawn(): number {
    let x = this.#draw;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#draw = x;
    return (x >>> 1) / 2 ** 31;
  }

  #dropsTcp(flags: number, dropAlready: boolean): boolean {
    const counts = this.counts;
    let drop = dropAlready || this.#dropWhat === DROP_WHAT.tcp;
    counts[TCP] += 1;
    if ((flags & TCP_FIN) !== 0) counts[FINS] += 1;
    if ((flags & TCP_RST) !== 0) counts[RSTS] += 1;
    if ((flags & TCP_SYN) === 0) return drop;
    if ((flags & TCP_ACK) !== 0) {
      counts[SYN_ACKS] += 1;
      return drop;
    }
    counts[SYNS] += 1;
    this.#synOrdinal += 1;
    if (this.#dropSynEvery > 0 && this.#synOrdinal % this.#dropSynEvery === 0) drop = true;
    for (let i = 0; i < this.#dropSynCount; i++) {
      if (this.#dropSyns[i] === this.#synOrdinal) drop = true;
    }
    if (drop) counts[SYNS_DROPPED] += 1;
    return drop;
  }

  #dropsIcmp(
    bytes: Uint8Array,
    at: number,
    facts: Int32Array,
    clock: Float64Array,
    dropAlready: boolean,
  ): boolean {
    const counts = this.counts;
    const types = facts[VERSION] === 4 ? this.icmp4 : this.icmp6;
    types[facts[ICMP_TYPE]] += 1;
    let drop = dropAlready || this.#dropWhat === DROP_WHAT.icmp;
    if (facts[ICMP_ERROR] === 0) return drop;
    counts[ERRORS] += 1;
    if (
      this.#sourceCount === 0 || isFrom(bytes, at, facts[VERSION], this.#sources, this.#sourceCount)
    ) {
      drop = drop || this.#dropErrors || (this.#limitErrors && !this.#takeToken(clock));
    }
    if (drop) counts[ERRORS_DROPPED] += 1;
    return drop;
  }

  #takeToken(clock: Float64Array): boolean {
    const d = this.doubles;
    d[TOKENS] = Math.min(1, d[TOKENS] + (clock[0] - d[REFILLED_NS]) * d[TOKENS_PER_NS]);
    d[REFILLED_NS] = clock[0];
    if (d[TOKENS] < 1) return false;
    d[TOKENS] -= 1;
    return true;
  }

  /** A copy of the counters with their names. */
  counters(): Counters {
    this.counts[OVERFLOWED] += lostAt(this.from.tap);
    const named = Object.fromEntries(
      COUNT_NAMES.map((name, i) => [name, this.counts[i]]),
    ) as Record<
      typeof COUNT_NAMES[number],
      number
    >;
    return {
      ...named,
      maxLateUs: Math.round(this.doubles[MAX_LATE_NS] / 1000),
      icmp: byType(this.icmp4),
      icmp6: byType(this.icmp6),
    };
  }
}

function byType(counts: Float64Array): Record<string, number> {
  const seen: Record<string, number> = {};
  counts.forEach((count, type) => {
    if (count > 0) seen[type] = count;
  });
  return seen;
}
