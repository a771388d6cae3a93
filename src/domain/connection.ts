/** Connections that applications have, as the kernel's figures show them: groups, reports, verdicts. */

import type { Endpoint } from "./target.ts";

/** `out`: this machine opened it. `in`: a listening port of this machine accepted it. */
export type ConnectionDirection = "out" | "in";

/** What makes connections one group. */
export type Grouping = "service" | "peer" | "prefix" | "connection";
export const GROUPINGS = ["service", "peer", "prefix", "connection"] as const satisfies Grouping[];

/** Leading bits of a peer's address that make a group by prefix. */
export const PREFIX_BITS = { 4: 24, 6: 64 } as const;

/** The line that stands for all groups which are not shown by themselves. */
export const OTHERS = "others";

/** What can stand out. */
export type ConnectionVerdictName =
  | "loss"
  | "queueing"
  | "receiver"
  | "sender"
  | "accept_queue"
  | "connect"
  | "close_wait";

export const CONNECTION_VERDICTS: readonly ConnectionVerdictName[] = [
  "loss",
  "queueing",
  "receiver",
  "sender",
  "accept_queue",
  "connect",
  "close_wait",
];

/** What stands out about a group. */
export interface ConnectionVerdict {
  /** What it is. */
  readonly verdict: ConnectionVerdictName;
  /** A sentence with the figures that it rests on. */
  readonly evidence: string;
}

/** Round trips of a group's connections, one a connection, in µs. */
export interface RttSpread {
  /** Connections that have one. */
  readonly count: number;
  /** The least of them. */
  readonly minUs: number;
  /** The median. */
  readonly p50Us: number;
  /** The 99th percentile. */
  readonly p99Us: number;
  /** The longest of them. */
  readonly maxUs: number;
  /** Their sum, so that spreads can be added up. */
  readonly sumUs: number;
}

/** The accept queues of a listening port. */
export interface AcceptQueues {
  /** Connections that wait to be accepted. */
  readonly waiting: number;
  /** How many may wait. */
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
  /** The port there. */
  readonly peerPort: number | null;
  /** The name of the program that has them, where it was asked for and may be read. */
  readonly owner: string | null;
  /** The peer's name, where names were asked for. */
  readonly peerName: string | null;
  /** Connections at the second reading. */
  readonly connections: number;
  /** Opened since the first reading. */
  readonly opened: number;
  /** Closed since the first reading. */
  readonly closed: number;
  /** Round trips whose acknowledgements came by themselves: the network's. */
  readonly rtt: RttSpread | null;
  /** Round trips whose acknowledgements may have waited for the peer's reply. */
  readonly replyRtt: RttSpread | null;
  /** Handshakes made beside, where they were asked for. */
  readonly handshake: RttSpread | null;
  /** The least round trip that the kernel knows of, in µs. */
  readonly minRttUs: number | null;
  /** The kernel's mean deviation of the round trip, averaged over the connections. */
  readonly rttVarianceUs: number | null;
  /** Segments sent. */
  readonly segmentsOut: number;
  /** Segments sent again. */
  readonly segmentsRetransmitted: number;
  /** Bytes received. */
  readonly bytesIn: number;
  /** Bytes sent, as far as they were acknowledged. */
  readonly bytesOut: number;
  /**
   * Time of the connections that were there at both readings, in µs. The next three are parts of
   * it.
   */
  readonly observedUs: number;
  /** Time in which something was to be sent, in µs. */
  readonly busyUs: number;
  /** Of that, the time for which the peer's window held it back, in µs. */
  readonly receiverLimitedUs: number;
  /** Of that, the time for which the own send buffer held it back, in µs. */
  readonly sendBufferLimitedUs: number;
  /** Handshakes under way. */
  readonly connecting: number;
  /** Connections that the peer has closed and this machine has not. */
  readonly closeWait: number;
  /** Of an `in` group's port; null where there is none, or several. */
  readonly acceptQueues: AcceptQueues | null;
  /** What stands out, the worst first. */
  readonly verdicts: readonly ConnectionVerdict[];
  /** The peer of the slowest connection; null where there is none. */
  readonly slowestPeer: Endpoint | null;
  /** The peer whose connection sent the most segments again; null where none did. */
  readonly mostRetransmittedPeer: Endpoint | null;
}

/** What the whole network namespace did between two readings. */
export interface ConnectionTotals {
  /** All connections that are looked at. */
  readonly connections: number;
  /** Handshakes under way. */
  readonly connecting: number;
  /** Opened since the first reading. */
  readonly opened: number;
  /** Closed since the first reading. */
  readonly closed: number;
  /** Groups that there were, and how many of them are in `others`. */
  readonly groups: number;
  /** Groups that are in `others`. */
  readonly groupsInOthers: number;
  /** ActiveOpens, PassiveOpens, ListenOverflows, ListenDrops; null where they cannot be read. */
  readonly activeOpens: number | null;
  /** Connections that were accepted. */
  readonly passiveOpens: number | null;
  /** Handshakes refused for a full accept queue. */
  readonly listenOverflows: number | null;
  /** Handshakes refused for any reason. */
  readonly listenDrops: number | null;
  /** Sockets beyond what is kept: counted among the connections, and no more. */
  readonly untracked: number;
  /** Whether the kernel's tables changed while they were read, so that sockets may be missing. */
  readonly incomplete: boolean;
}

/** A listening port. */
export interface ListeningPort extends AcceptQueues {
  /** Its number. */
  readonly port: number;
}

/** What connections did between two readings. */
export interface ConnectionReport {
  /** When the second of the two readings was made. */
  readonly wallSeconds: number;
  /** The nanoseconds within that second. */
  readonly wallNanos: number;
  /** Between the two readings, in ms. */
  readonly intervalMs: number;
  /** Worst first; `others` last, where there are any. */
  readonly groups: readonly ConnectionGroup[];
  /** Ports with a queue, with drops or with connections, by their number; bounded. */
  readonly listening: readonly ListeningPort[];
  /** Of the whole network namespace. */
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
