/** The result of probing a target in several ways at once: figures, findings, and one answer. */
import type { Distribution, Share, Summary } from "./summary.ts";
import type { Target } from "./target.ts";

/** The ways that a system may forbid. A handshake is always possible. */
export type Extra = "ping" | "knock";

/** The figures of one row. */
export interface Side {
  readonly sent: number;
  readonly answered: number;
  /** Never answered. */
  readonly lost: number;
  /** Answered, but only after the SYN was sent again. */
  readonly again: number;
  /** Of those answered, how many by a refusal. */
  readonly refused: number;
  /** Which clock measured the delays. */
  readonly by: "kernel" | "clock";
  /** Without those whose SYN was sent again: their wait is the kernel's pause. Null for none. */
  readonly delays: Distribution | null;
  /** Delays beyond this are spikes, in µs; null where no spikes are looked for. */
  readonly spikeUs: number | null;
  readonly spikes: Share;
}

/** The rows of the table. Every sentence takes its figures from these. */
export interface Sides {
  /** Null where it was left out. */
  readonly ping: Side | null;
  /** The counts of all handshakes, the delays of the steady ones. */
  readonly handshake: Side;
  readonly cold: Side;
  readonly connect: Side;
  readonly knock: Side | null;
}

/** What is compared. The first of the two is what the question is about. */
export type Question =
  /** Handshakes by themselves: are SYNs lost, are there spikes? */
  | "tcp"
  /** Echoes against handshakes: does ping tell the truth? */
  | "ping"
  /** Cold handshakes against steady ones: what does the set-up of a flow cost? */
  | "set_up"
  /** The clock around connect against the kernel's RTT: what does the prober add? */
  | "prober"
  /** Knocks against handshakes: is a raw SYN treated as a client's is? */
  | "knock"
  /** Live connections against handshakes: what do applications meet beyond the network? */
  | "connections";

/** Findings are told in this order. */
export const ASPECTS = ["loss", "tail", "median"] as const;
export type Aspect = typeof ASPECTS[number];

/** The answer describes the first of the two, or the one that is looked at by itself. */
export type Answer =
  /** Nothing to see; or both are the same, within the margin. */
  | "same"
  /** More of it than the second has: losses, spikes, delay. By itself: it has them. */
  | "more"
  | "less"
  /** Seen, but too rarely to be sure. */
  | "perhaps"
  /** Never answered while the second was, or the other way round, or neither of them. */
  | "silent"
  | "alone"
  | "both_silent"
  /** Too few slots have both. */
  | "too_few"
  /** The delays vary too much for their number. */
  | "unclear";

/** The fewest slots with both delays for an answer about delays. Fewer cannot reach `CHANCE`. */
export const FEWEST_PAIRS = 10;

/** One question about one aspect, with its answer and the figures behind it. */
export interface Finding {
  readonly question: Question;
  readonly aspect: Aspect;
  readonly answer: Answer;
  /**
   * For loss and tail: how often it happened, of how many probes; for the first way of probing, and
   * for the second where there is one.
   */
  readonly first: Share;
  readonly second: Share | null;
  /** Typical delays: the medians, over the slots that have both; of spikes the p90. Null for none. */
  readonly firstUs: number | null;
  readonly secondUs: number | null;
  readonly by: "kernel" | "clock";
  /**
   * For the median: the slots that have both delays, and in how many of them the first is slower,
   * or faster, by more than the margin.
   */
  readonly pairs: number;
  readonly marginUs: number | null;
  readonly slower: number;
  readonly faster: number;
  /** How often chance alone makes such a difference, 0..1; null where none is claimed. */
  readonly chance: number | null;
  /** Slots that would be enough to be sure; null where these are, or where no number is. */
  readonly enoughSlots: number | null;
}

/** "Is it the network?" */
export type Verdict = "yes" | "no" | "unclear";

/** What the verdict rests on. */
export type Cause =
  /** SYNs, or segments of live connections, get lost. */
  | "loss"
  /** TCP meets spikes. */
  | "spikes"
  /** Live connections queue, or their acknowledgements do. */
  | "queueing"
  | "perhaps_loss"
  | "perhaps_spikes"
  /** Only new flows are slow. */
  | "set_up"
  /** This machine is late. */
  | "prober"
  /** The service takes its time to reply. */
  | "server"
  /** ICMP alone is treated otherwise; or perhaps it is. */
  | "ping"
  | "perhaps_ping"
  /** A bare SYN is treated otherwise than a client's. */
  | "knock"
  | "refused"
  /** TCP is silent while ping answers; or all is. */
  | "port_silent"
  | "all_silent"
  | "too_few"
  | "nothing_sent"
  | "none";

/** The headline: the verdict, and how far it reaches. */
export interface Conclusion {
  readonly verdict: Verdict;
  readonly cause: Cause;
  /** A rarer loss, or rarer spikes, would have gone unseen: the share of handshakes, 0..1. */
  readonly unseenShare: number;
  /** Slots that would show what could matter; null where these were enough. */
  readonly enoughSlots: number | null;
}

export interface ComparisonSchedule {
  /** Slots. Each diagnostic probes once in every slot. */
  readonly count: number;
  readonly intervalMs: number;
  /** Handshakes in a row in each slot, the first of them cold. */
  readonly burst: number;
}

/** What the live connections to the target met meanwhile. */
export interface LiveFigures {
  /** There at the start, and how many readings saw some. */
  readonly connections: number;
  readonly readings: number;
  readonly segmentsOut: number;
  readonly segmentsRetransmitted: number;
  readonly minRttUs: number | null;
  /** Round trips, and those that may hold the peer's thinking; one a connection and reading. */
  readonly rtt: LiveSpread | null;
  readonly replyRtt: LiveSpread | null;
  /** Sentences on loss and queueing, as `connections` says them; the last of each. */
  readonly loss: string | null;
  readonly queueing: string | null;
}

export interface LiveSpread {
  readonly count: number;
  readonly minUs: number;
  /** The median of the readings' medians. */
  readonly p50Us: number;
  readonly maxUs: number;
  /** Of each reading that had any. */
  readonly medians: readonly number[];
}

export interface Comparison {
  readonly target: Target;
  /** Empty when the name did not resolve. */
  readonly address: string;
  readonly schedule: ComparisonSchedule;
  readonly handshake: Summary;
  /** Null where it was left out. */
  readonly ping: Summary | null;
  readonly knock: Summary | null;
  readonly live: LiveFigures | null;
  /** Why, where something was left out. */
  readonly leftOut: Readonly<Partial<Record<Extra, string>>>;
  readonly sides: Sides;
  /** In the order in which they are told; empty when there was nothing to probe. */
  readonly findings: readonly Finding[];
  /** Null when the name did not resolve. */
  readonly conclusion: Conclusion | null;
}
