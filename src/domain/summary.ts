/** A run in figures: counts, and distributions in whole microseconds, of a target or of several. */
import type { HostPressure } from "./host_pressure.ts";
import type { Label, Target } from "./target.ts";

/** Null where nothing was measured; a figure is never invented. */
export interface Distribution {
  /** How many there were. */
  readonly count: number;
  /** The least. */
  readonly minUs: number;
  /** The mean. */
  readonly avgUs: number;
  /** The longest. */
  readonly maxUs: number;
  /** Sample standard deviation; 0 for a single sample. */
  readonly stddevUs: number;
  /** The median. */
  readonly p50Us: number;
  /** The 90th percentile. */
  readonly p90Us: number;
  /** The 99th percentile. */
  readonly p99Us: number;
  /** The 99.9th percentile. */
  readonly p999Us: number;
}

/** The figures of one target, of a group of targets, or of all. */
export interface Figures {
  /** Probes that were sent: answered + lost + waiting. */
  readonly sent: number;
  readonly answered: number;
  readonly lost: number;
  readonly refused: number;
  /** Lost probes for which a router or this host reported the target unreachable. */
  readonly unreachable: number;
  /** Slots of the schedule in which no probe was sent. */
  readonly skipped: number;
  /** Due probes that the system refused to send (outcomes `error` and `unresolved`). */
  readonly notSent: number;
  /** Probes sent whose fate is not known yet. */
  readonly waiting: number;
  /** Total over the handshakes, or null where the kernel does not tell. */
  readonly synRetransmits: number | null;
  /** Handshakes whose SYNs the kernel counted, and those of them that took more than one. */
  readonly synCounted: number;
  readonly synRepeated: number;
  /** Of several targets: the longest of any. */
  readonly longestLossRun: number;
  /** Steady handshakes with a kernel sample. */
  readonly rtt: Distribution | null;
  /** Every answered probe, by the clock around the connect. */
  readonly connect: Distribution | null;
  /** Cold handshakes with a kernel sample. */
  readonly cold: Distribution | null;
  /** |difference| of the RTTs of consecutive (n, n+1) steady answered probes: RFC 3393. */
  readonly delayVariation: Distribution | null;
  readonly lag: Distribution | null;
  /** Lines that an output or exporter could not deliver, over the whole run. */
  readonly exportDropped: number;
}

export interface Summary extends Figures {
  readonly target: Target;
  /** The address last used; empty when the name never resolved. */
  readonly address: string;
  /** What the system said of the last probe that was not answered; null for nothing. */
  readonly lastError: string | null;
}

/** Several targets' figures together. */
export interface Total extends Figures {
  /** What these targets have in common; null for all targets of the run. */
  readonly group: Label | null;
  /** How many targets they are. */
  readonly targets: number;
}

/** A figure that can have a threshold. */
export type Threshold = "loss" | "syn_loss" | "p50" | "p99" | "connect_p99";

/** Figures with the thresholds they are beyond. */
export type Judged<T extends Figures> = T & { readonly crossed: readonly Threshold[] };

/** Which delays stand for a target: steady handshakes as a rule, else the best there is. */
export type DelayKind = "rtt" | "cold" | "connect";

/** How many delays lay within two bounds in µs, both of them inclusive. */
export interface Bar {
  readonly fromUs: number;
  readonly toUs: number;
  readonly count: number;
}

/** A histogram to look at: bars in ascending order, empty ones left out. */
export interface Shape {
  readonly kind: DelayKind;
  readonly bars: readonly Bar[];
}

/** A run in figures, at its end or so far. */
export interface RunSummary {
  /**
   * In their order. Each summary is made when the iterator reaches it, and made again the next time:
   * to keep the summaries of thousands of targets would take more memory than their counts.
   */
  readonly targets: Iterable<Judged<Summary>>;
  /** Groups of targets, and all of them last; empty for a single target. */
  readonly totals: readonly Judged<Total>[];
  /** Labels that have too many values to make groups of. */
  readonly ungrouped: readonly string[];
  /** Of all targets together; null when it is not wanted, or nothing was measured. */
  readonly shape: Shape | null;
}

/** How often something happened, of how many. */
export interface Share {
  readonly count: number;
  readonly of: number;
}

/** A part of a whole, from 0 to 1; null where there is no whole. */
export function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/** Lost as a share of the probes whose fate is known, or null when there is none. */
export function lossRatio({ sent, waiting, lost }: Figures): number | null {
  return shareOf(lost, sent - waiting);
}

/**
 * What thresholds call loss: the share of due probes that were lost, not sent or skipped. Null when
 * no probe was due. Probes whose fate is not known yet are left out.
 */
export function dueLossRatio(figures: Figures): number | null {
  const { sent, waiting, lost, notSent, skipped } = figures;
  const missed = notSent + skipped;
  return shareOf(lost + missed, sent - waiting + missed);
}

/** Probes whose handshake was established, or whose echo was answered. */
export function establishedCount({ answered, refused }: Figures): number {
  return answered - refused;
}

/** The fewest samples that hold a quantile apart from the maximum: 100 for a p99. */
export function samplesFor(quantile: number): number {
  return Math.round(1 / (1 - quantile));
}

/**
 * The share of handshakes that took more than one SYN, of those whose SYNs the kernel counted; null
 * where it counted none. However often its SYN was repeated, a handshake counts as one drop, since
 * drops in a row are not independent; and a lost probe counts as none, since nobody knows whether
 * the network or the server was silent (Guo et al., "Pingmesh", SIGCOMM 2015).
 */
export function synLossRatio(figures: Figures): number | null {
  return shareOf(figures.synRepeated, figures.synCounted);
}

/** Which of the delays stand for these figures; null when nothing was measured. */
export function delayKind(figures: Figures): DelayKind | null {
  if (figures.rtt !== null) return "rtt";
  if (figures.cold !== null) return "cold";
  return figures.connect === null ? null : "connect";
}

/** The delays that stand for these figures. */
export function shownDelays(figures: Figures): Distribution | null {
  return figures.rtt ?? figures.cold ?? figures.connect;
}

/** A span of an agent's run: a summary of the probes whose fate became known in it. */
export interface Window extends Summary {
  /** When the window ended: whole seconds since the epoch, and the nanoseconds within. */
  readonly wallSeconds: number;
  readonly wallNanos: number;
  /** How long it was, in ms. */
  readonly windowMs: number;
  /** The reported RTTs of all established handshakes, cold ones and the clock's included. */
  readonly handshakes: Distribution | null;
  /** How short this host was of CPU, memory and IO at its end; null where the system does not tell. */
  readonly pressure: HostPressure | null;
}
