/** What a run's results are handed to beside stdout. */
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import type { Window } from "../domain/window.ts";

/**
 * Takes results and sees to their delivery without ever making the caller wait: what cannot be
 * kept within its bounds is dropped and counted.
 */
export interface Exporter {
  /** Throws UsageError when this target cannot be represented; asked before a target's first record. */
  check(target: Target): void;
  /** A target is probed from now on. */
  watch?(target: Target): void;
  /** A single probe; not for exporters of windows alone. The record is reused by the caller afterwards. */
  record(record: ProbeRecord): void;
  /** Absent where windows have no place. */
  window?(window: Window): void;
  /** Slots in which nothing was sent; for exporters that count them. */
  skipped?(target: Target, slots: number): void;
  /** A target is probed no more. */
  forget?(target: Target): void;
  /** Lines lost so far: not kept, not sent, or refused by the receiver. */
  readonly dropped: number;
  /** Delivers what is left, for so long; what is left then is dropped. */
  close(withinMs: number): Promise<void>;
}
