/** The result of probing a target in several ways at once: figures and findings. */
import type { Summary } from "./summary.ts";
import type { Target } from "./target.ts";

/** The ways that a system may forbid. A handshake is always possible. */
export type Extra = "ping" | "knock";

/** A question compares two kinds of delay that were measured in the same slots. */
export type Question =
  /** Echoes against steady handshakes: does ping tell the truth? */
  | "ping"
  /** Cold handshakes against steady ones: what does the set-up of a flow cost? */
  | "set_up"
  /** The clock around connect against the kernel's RTT: what does the prober add? */
  | "prober"
  /** Knocks against steady handshakes: is a raw SYN treated as a client's is? */
  | "knock";

/** The answer describes the first of the two kinds. */
export type Answer =
  | "same"
  | "slower"
  | "faster"
  /** Loses more packets than the second, or fewer. */
  | "lossier"
  | "less_lossy"
  /** Never answered while the second was, or the other way round, or neither of them. */
  | "silent"
  | "alone"
  | "both_silent"
  /** Too few slots have both. */
  | "too_few"
  /** The delays vary too much for their number. */
  | "unclear";

/** Slots with both delays that an answer about delays needs at least. */
export const FEWEST_PAIRS = 10;

/** Packets sent and lost. A handshake counts as lost too when its first SYN was lost. */
export interface Drops {
  readonly sent: number;
  readonly lost: number;
}

/** One question with its answer and the figures behind it. */
export interface Finding {
  readonly question: Question;
  readonly answer: Answer;
  /** Which clock measured the delays. */
  readonly by: "kernel" | "clock";
  /** Slots that have both delays. The medians are over these slots; null without any. */
  readonly pairs: number;
  readonly firstUs: number | null;
  readonly secondUs: number | null;
  /** Delays that differ by no more than this are alike. */
  readonly marginUs: number | null;
  /** Slots in which the first was slower than the second by more than the margin, or faster. */
  readonly slower: number;
  readonly faster: number;
  readonly firstDrops: Drops;
  readonly secondDrops: Drops;
}

export interface ComparisonSchedule {
  /** Slots. Each diagnostic probes once in every slot. */
  readonly count: number;
  readonly intervalMs: number;
  /** Handshakes in a row in each slot, the first of them cold. */
  readonly burst: number;
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
  /** Why, where something was left out. */
  readonly leftOut: Readonly<Partial<Record<Extra, string>>>;
  /** The verdict first; empty when there was nothing to probe. */
  readonly findings: readonly Finding[];
}
