/** A target's run in figures: counts, and distributions in whole microseconds. */
import type { Target } from "./target.ts";

/** Null where nothing was measured; a figure is never invented. */
export interface Distribution {
  readonly count: number;
  readonly minUs: number;
  readonly avgUs: number;
  readonly maxUs: number;
  /** Sample standard deviation; 0 for a single sample. */
  readonly stddevUs: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
}

export interface Summary {
  readonly target: Target;
  /** The address last used; empty when the name never resolved. */
  readonly address: string;
  /** Probes that went onto the wire: answered + lost. */
  readonly sent: number;
  readonly answered: number;
  readonly lost: number;
  readonly refused: number;
  /** Lost probes for which a router or this host reported the target unreachable. */
  readonly unreachable: number;
  /** Slots of the schedule in which no probe was sent. */
  readonly skipped: number;
  /** Probes that never left this machine (outcomes `error` and `unresolved`). */
  readonly errors: number;
  /** Total over the handshakes, or null where the kernel does not tell. */
  readonly synRetransmits: number | null;
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

/** Lost as a share of sent, or null when nothing was sent. */
export function lossRatio(summary: Summary): number | null {
  return summary.sent === 0 ? null : summary.lost / summary.sent;
}
