/** One way of probing: all that differs between the commands that share the probe loop. */
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";

export interface Prober {
  /**
   * Sends one probe before it returns, and resolves once its fate is known and written into
   * `record` (outcome, times, error). Never rejects.
   */
  probe(endpoint: Endpoint, record: ProbeRecord): Promise<void>;
  /** What else is worth a line at the end of a run. */
  remarks?(): readonly string[];
  /** Gives up whatever is under way; those promises never settle. */
  stop(): void;
}
