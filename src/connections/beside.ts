/**
 * Work beside the readings, which never delays them: handshakes with the peers of the groups shown,
 * and a trace to a peer whose group crosses a threshold.
 */
import {
  type ConnectionGroup,
  type ConnectionReport,
  networkRttUs,
  retransmittedRatio,
  type RttSpread,
} from "../domain/connection.ts";
import type { Endpoint } from "../domain/target.ts";
import { givenPercent, millisWithUnit, percent } from "../text/number.ts";
import type { Cancel, Clock } from "../time/clock.ts";
import { spreadOf } from "./round_trips.ts";

/** Handshakes with a peer in an interval, and the least time between two of them. */
const MAX_HANDSHAKES = 5;
const MIN_SPACE_MS = 200;

/** Makes one handshake; its round trip in µs, or null where there was no answer. */
export type Handshake = (endpoint: Endpoint) => Promise<number | null>;

/** Handshakes with the peers of the `out` groups of the last report, spread over the interval. */
export class HandshakesBeside {
  #clock: Clock;
  #intervalMs: number;
  #handshake: Handshake;
  /** By group: the round trips since the last report, and those of that report. */
  #coming = new Map<string, number[]>();
  #shown = new Map<string, RttSpread>();
  #cancels: Cancel[] = [];

  constructor(clock: Clock, intervalMs: number, handshake: Handshake) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#handshake = handshake;
  }

  /** The handshakes since the reading before, for the reading that begins. */
  begin(): void {
    this.#shown = new Map();
    for (const [group, samples] of this.#coming) {
      const sorted = samples.toSorted((a, b) => a - b);
      if (sorted.length > 0) this.#shown.set(group, spreadOf(sorted.length, (i) => sorted[i]));
    }
    this.#coming = new Map();
  }

  of(group: string): RttSpread | null {
    return this.#shown.get(group) ?? null;
  }

  /** Begins the interval's handshakes with the peers that a report shows. */
  follow({ groups }: ConnectionReport): void {
    this.stop();
    const times = Math.max(
      1,
      Math.min(MAX_HANDSHAKES, Math.floor(this.#intervalMs / MIN_SPACE_MS) - 1),
    );
    const startMs = this.#clock.now();
    const peers = groups.filter(({ direction, slowestPeer }) =>
      direction === "out" && slowestPeer !== null
    );
    for (const [i, { group, slowestPeer }] of peers.entries()) {
      for (let turn = 0; turn < times; turn++) {
        const share = (turn + i / peers.length) / (times + 1);
        const atMs = startMs + share * this.#intervalMs;
        this.#cancels.push(this.#clock.wakeAt(atMs, () => this.#make(group, slowestPeer)));
      }
    }
  }

  /** Takes back what has not begun. */
  stop(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
  }

  async #make(group: string, peer: Endpoint | null): Promise<void> {
    const us = peer === null ? null : await this.#handshake(peer);
    if (us === null) return;
    const samples = this.#coming.get(group);
    if (samples === undefined) this.#coming.set(group, [us]);
    else samples.push(us);
  }
}

/** Null for none. */
export interface TraceThresholds {
  readonly rttUs: number | null;
  readonly retransmittedRatio: number | null;
}

/** A trace that is to be made. */
export interface TraceOrder {
  readonly group: string;
  readonly target: Endpoint;
  /** A peer that connected to us accepts nothing at its port, so the path is found by ICMP. */
  readonly protocol: "tcp" | "icmp";
  /** Why: `rtt 61.2 ms, above 50 ms`. */
  readonly why: string;
}

/** Between two traces to one address. */
const AGAIN_MS = 5 * 60_000;
/** Addresses that are remembered; the oldest goes first. */
const MAX_REMEMBERED = 1024;
/** Fewer segments in an interval do not make a share. */
const MIN_SEGMENTS = 20;

/** Chooses peers to trace: one at a time, each at most once in five minutes. */
export class TraceTrigger {
  #clock: Clock;
  #thresholds: TraceThresholds;
  #trace: (order: TraceOrder) => Promise<void>;
  #tracedMs = new Map<string, number>();
  #busy = false;
  #newest: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    clock: Clock,
    thresholds: TraceThresholds,
    trace: (order: TraceOrder) => Promise<void>,
  ) {
    this.#clock = clock;
    this.#thresholds = thresholds;
    this.#trace = trace;
  }

  /**
   * Begins a trace to the first peer that is due one. A threshold crossed meanwhile will be crossed
   * again.
   */
  async consider({ groups }: ConnectionReport): Promise<void> {
    if (this.#busy || this.#stopped) return;
    const now = this.#clock.now();
    for (const group of groups) {
      const order = this.#order(group);
      if (order === null) continue;
      const before = this.#tracedMs.get(order.target.address);
      if (before !== undefined && now - before < AGAIN_MS) continue;
      this.#remember(order.target.address, now);
      this.#busy = true;
      this.#newest = this.#trace(order);
      try {
        await this.#newest;
      } finally {
        this.#busy = false;
      }
      return;
    }
  }

  /** Begins no further trace. */
  stop(): void {
    this.#stopped = true;
  }

  /** Resolves once no trace is under way; never rejects. */
  async ended(): Promise<void> {
    await Promise.allSettled([this.#newest]);
  }

  #order(group: ConnectionGroup): TraceOrder | null {
    const { rttUs, retransmittedRatio: most } = this.#thresholds;
    const protocol = group.direction === "in" ? "icmp" : "tcp";
    const us = networkRttUs(group);
    if (rttUs !== null && us !== null && us > rttUs && group.slowestPeer !== null) {
      const why = `${millisWithUnit(us)}, above ${millisWithUnit(rttUs)}`;
      return { group: group.group, target: group.slowestPeer, protocol, why };
    }
    const ratio = retransmittedRatio(group);
    const peer = group.mostRetransmittedPeer;
    const enough = group.segmentsOut >= MIN_SEGMENTS;
    if (most === null || ratio === null || ratio <= most || peer === null || !enough) return null;
    const why = `${percent(ratio)} of its segments sent again, above ${givenPercent(most)}`;
    return { group: group.group, target: peer, protocol, why };
  }

  #remember(address: string, now: number): void {
    this.#tracedMs.delete(address);
    this.#tracedMs.set(address, now);
    if (this.#tracedMs.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#tracedMs.keys();
    this.#tracedMs.delete(oldest);
  }
}
