/** What one node of a mesh measured over its window: the row that it publishes. Times are whole µs. */
import type { HostPressure } from "./host_pressure.ts";
import type { Label } from "./target.ts";

/** A mesh has no more nodes than this: a row names no more peers, a nodes file no more nodes. */
export const MAX_NODES = 8192;

export interface MeshRow {
  readonly node: string;
  readonly az: string;
  readonly labels: readonly Label[];
  /** The node's wall clock when the row was made, in ms since the epoch; may differ from ours. */
  readonly wallMs: number;
  /** How old the newest probe in it was then, by the node's monotonic clock. */
  readonly ageMs: number;
  /** The span that the figures are from: less than a whole window in a node's first minutes. */
  readonly windowMs: number;
  /** How late this node sent its probes; null when it sent none. */
  readonly lagP99Us: number | null;
  /** Connect time minus kernel RTT of the handshakes that have both: this node's own share. */
  readonly connectExcess: Quantiles | null;
  /** How short the node's host is of CPU, memory and IO; null where it does not tell. */
  readonly pressure: HostPressure | null;
  readonly peers: readonly PeerFigures[];
}

/** Of `count` samples; null stands for none. */
export interface Quantiles {
  readonly count: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** A node's probes of one peer. */
export interface PeerFigures {
  readonly peer: string;
  /** Probes whose fate is known, and what it was: sent = answered + lost, a refusal is an answer. */
  readonly sent: number;
  readonly answered: number;
  readonly lost: number;
  readonly refused: number;
  /** Null where the kernel does not tell. */
  readonly synRetransmits: number | null;
  /** Answered handshakes whose SYN was sent more than once; null likewise, and in rows of old nodes. */
  readonly repeated: number | null;
  /** Bursts of the window, and those of them with a handshake that was lost or repeated; null likewise. */
  readonly bursts: number | null;
  readonly burstsWithDrops: number | null;
  /** The last two bursts, the one under way included; null in rows of old nodes. */
  readonly recent: RecentFigures | null;
  /** Median kernel RTT before them in µs: of the last day, or of the last minutes; null likewise. */
  readonly usualUs: number | null;
  /** How long ago, by the node's monotonic clock, in ms; null for never. */
  readonly answeredAgeMs: number | null;
  readonly establishedAgeMs: number | null;
  /** The last day, in windows of five minutes; null in rows of old nodes. */
  readonly day: DayFigures | null;
  /** The peer said that it leaves, and was not seen since. */
  readonly left: boolean;
  /** Kernel RTTs of steady handshakes, and of the first ones of bursts. */
  readonly rtt: Quantiles | null;
  readonly cold: Quantiles | null;
  readonly connect: Quantiles | null;
  /** Null for a mesh that sends none. */
  readonly icmp: IcmpFigures | null;
}

/** What became of a pair's last two bursts: whether it works now, whatever the window holds. */
export interface RecentFigures {
  /** Bursts of which some probe's fate is known: 0, 1 or 2. */
  readonly bursts: number;
  readonly sent: number;
  readonly answered: number;
  readonly refused: number;
  /**
   * Median kernel RTT of their steady handshakes in µs, of the middle two the lower one: a burst that is
   * late as a whole does not raise it. Null without any.
   */
  readonly p50Us: number | null;
  /** The lower one of their two cold handshakes in µs. Absent for less than two, and in rows of old nodes. */
  readonly leastColdUs?: number;
}

/** Sums over the windows of the last day in which a pair was probed. */
export interface DayFigures {
  readonly windows: number;
  /** Those whose mean RTT met the target; null for a node without a target. */
  readonly met: number | null;
  readonly sent: number;
  readonly established: number;
}

export interface IcmpFigures {
  readonly sent: number;
  readonly lost: number;
  /** Null when none was answered. */
  readonly p50Us: number | null;
}
