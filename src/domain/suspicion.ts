/** What makes a run's figures suspicious: by which thresholds, and what it is. */
import { type Figures, samplesFor } from "./summary.ts";

/** Probes sent this late, in µs, were delayed by their own machine: a timer is late by 1 to 3 ms. */
export const LATE_US = 10_000;
/** A difference of more than this between connect and rtt, in µs, is this machine's scheduling. */
export const BUSY_US = 10_000;
/** A median of fewer samples says nothing. */
export const MEDIAN_SAMPLES = 20;

export interface Suspicion {
  readonly kind: "late prober" | "busy machine";
  /** The figure that is above its threshold, in µs. */
  readonly us: number;
}

/**
 * Late: the p99 of lag is above LATE_US, where there are samples enough to tell it from the maximum.
 * Busy: the median of connect is more than BUSY_US above that of rtt, the kernel's.
 */
export function suspicionsOf({ lag, rtt, connect }: Figures): Suspicion[] {
  const found: Suspicion[] = [];
  if (lag !== null && lag.count >= samplesFor(0.99) && lag.p99Us > LATE_US) {
    found.push({ kind: "late prober", us: lag.p99Us });
  }
  if (rtt === null || connect === null || rtt.count < MEDIAN_SAMPLES) return found;
  const excessUs = connect.p50Us - rtt.p50Us;
  if (excessUs > BUSY_US) found.push({ kind: "busy machine", us: excessUs });
  return found;
}
