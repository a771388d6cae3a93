/** One way of probing: all that differs between the commands that share the probe loop. */
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";

/** Where `rttUs` comes from: the kernel, else the clock; only the kernel; only the clock. */
export type ClockChoice = "auto" | "kernel" | "userland";

/** A probe, from being sent until its fate is known. */
export interface PendingProbe {
  /** Where its fate is written. */
  readonly record: ProbeRecord;
  /** Its fate is known and stands in `record` (outcome, times, error). Called once. */
  settled(): void;
}

export interface Prober {
  /**
   * Sends one probe before it returns. `settled` is called later, never during this call. No
   * object is made for a probe, where the prober can do without.
   */
  probe(endpoint: Endpoint, pending: PendingProbe): void;
  /** How many probes should be sent in one turn of the event loop at most, where it matters. */
  readonly sendsATurn?: number;
  /**
   * Settles the probes whose answers this machine holds already: called before probes are sent, and
   * between them, so that no answer waits for a turn's end.
   */
  readAnswers?(): void;
  /** Further lines for the end of a run. */
  remarks?(): readonly string[];
  /** Gives up whatever is under way; those probes never settle. */
  stop(): void;
}

/** The same for a single probe: resolves once its fate stands in `record`. Never rejects. */
export function probeOnce(
  prober: Pick<Prober, "probe">,
  endpoint: Endpoint,
  record: ProbeRecord,
): Promise<void> {
  return new Promise((resolve) => prober.probe(endpoint, { record, settled: resolve }));
}
