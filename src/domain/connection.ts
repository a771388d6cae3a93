/** Connections that applications have, as the kernel's figures show them: groups, reports, verdicts. */

import type { Endpoint } from "./target.ts";

/** `out`: this machine opened it. `in`: a listening port of this machine accepted it. */
export type ConnectionDirection = "out" | "in";

/** What makes connections one group. */
export const GROUPINGS = ["service", "peer", "prefix", "connection"] as const;
export type Grouping = typeof GROUPINGS[number];

/** Leading bits of a peer's address that make a group by prefix. */
export const PREFIX_BITS = { 4: 24, 6: 64 } as const;

/** The line that stands for all groups which are not shown by themselves. */
export const OTHERS = "others";

/** What can stand out. */
export const CONNECTION_VERDICTS = [
  "loss",
  "queueing",
  "receiver",
  "sender",
  "accept_queue",
  "connect",
  "close_wait",
] as const;
export type ConnectionVerdictName = typeof CONNECTION_VERDICTS[number];

export interface ConnectionVerdict {
  readonly verdict: ConnectionVerdictName;
  /** A sentence with the figures that it rests on. */
  readonly evidence: string;
}

/** Round trips of a group's connections, one a connection, in µs. */
export interface RttSpread {
  readonly count: number;
  readonly minUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  /** Of all of them, for who adds up spreads. */
  readonly sumUs: number;
}

/** The accept queues of a listening port. */
export interface AcceptQueues {
  readonly waiting: number;
  readonly limit: number;
  /** Connections that the port's own sockets dropped in the interval. */
  readonly drops: number;
}

/** What a group of connections did between two readings. */
export interface ConnectionGroup {
  /** Names the group: `10.0.0.5:27017`, `:5432 from 10.0.0.9`. */
  readonly group: string;
  /** Null for the others, which are of both kinds. */
  readonly direction: ConnectionDirection | null;
  /** The fields below are null where the group has not one of them. */
  readonly localPort: number | null;
  /** An address, or a prefix such as `10.0.0.0/24`. */
  readonly peer: string | null;
  readonly peerPort: number | null;
  /** The name of the program that has them, where it was asked for and may be read. */
  readonly owner: string | null;
  /** The peer's name, where names were asked for. */
  readonly peerName: string | null;
  readonly connections: number;
  readonly opened: number;
  readonly closed: number;
  /** Round trips whose acknowledgements came by themselves: the network's. */
  readonly rtt: RttSpread | null;
  /** Round trips whose acknowledgements may have waited for the peer's reply. */
  readonly replyRtt: RttSpread | null;
  /** Handshakes made beside, where they were asked for. */
  readonly handshake: RttSpread | null;
  readonly minRttUs: number | null;
  /** The kernel's mean deviation of the round trip, averaged over the connections. */
  readonly rttVarianceUs: number | null;
  readonly segmentsOut: number;
  readonly segmentsRetransmitted: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Time of connections that were there at both readings, in µs; what was busy and held back of it. */
  readonly observedUs: number;
  readonly busyUs: number;
  readonly receiverLimitedUs: number;
  readonly sendBufferLimitedUs: number;
  readonly connecting: number;
  readonly closeWait: number;
  /** Of an `in` group's port; null where there is none, or several. */
  readonly acceptQueues: AcceptQueues | null;
  readonly verdicts: readonly ConnectionVerdict[];
  /** Whose connection was the slowest, and whose sent most again; null where nobody's did. */
  readonly slowestPeer: Endpoint | null;
  readonly mostRetransmittedPeer: Endpoint | null;
}

/** What the whole network namespace did between two readings. */
export interface ConnectionTotals {
  readonly connections: number;
  readonly connecting: number;
  readonly opened: number;
  readonly closed: number;
  /** Groups that there were, and how many of them are in `others`. */
  readonly groups: number;
  readonly groupsInOthers: number;
  /** ActiveOpens, PassiveOpens, ListenOverflows, ListenDrops; null where they cannot be read. */
  readonly activeOpens: number | null;
  readonly passiveOpens: number | null;
  readonly listenOverflows: number | null;
  readonly listenDrops: number | null;
  /** Sockets beyond what is kept: counted among the connections, and no more. */
  readonly untracked: number;
  /** Whether the kernel's tables changed while they were read, so that sockets may be missing. */
  readonly incomplete: boolean;
}

/** A listening port. */
export interface ListeningPort extends AcceptQueues {
  readonly port: number;
}

export interface ConnectionReport {
  /** When the second of the two readings was made. */
  readonly wallSeconds: number;
  readonly wallNanos: number;
  readonly intervalMs: number;
  /** Worst first; `others` last, where there are any. */
  readonly groups: readonly ConnectionGroup[];
  /** Ports with a queue, with drops or with connections, by their number; bounded. */
  readonly listening: readonly ListeningPort[];
  readonly totals: ConnectionTotals;
}

/** A part of a group's observed time; null where nothing was observed. */
export function shareOf(us: number, { observedUs }: ConnectionGroup): number | null {
  return observedUs > 0 ? Math.min(1, us / observedUs) : null;
}

/** Segments sent again as a share of those sent; null where none was sent. */
export function retransmittedRatio(
  { segmentsOut, segmentsRetransmitted }: ConnectionGroup,
): number | null {
  return segmentsOut > 0 ? segmentsRetransmitted / segmentsOut : null;
}

/**
 * What the network takes to a group's peers, in µs, as far as it is known: round trips of the
 * connections, else handshakes beside, else the kernel's minimum. Never one that holds the peer's
 * thinking. Null where nothing was measured.
 */
export function networkRttUs(
  { rtt, handshake, minRttUs }: Pick<ConnectionGroup, "rtt" | "handshake" | "minRttUs">,
): number | null {
  return rtt?.p50Us ?? handshake?.p50Us ?? minRttUs;
}
