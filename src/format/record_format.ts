/** What a format is: records and summaries to bytes in a caller's buffer. */
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { RunSummary } from "../domain/summary.ts";
import type { Target } from "../domain/target.ts";
import type { Window } from "../domain/window.ts";
import type { ByteWriter } from "./byte_writer.ts";

/** No record of any format is longer; a buffer smaller than this may never take one. */
export const MAX_RECORD_BYTES = 16_384;

/** Writes one piece of at most MAX_RECORD_BYTES. */
export type Step = (out: ByteWriter) => void;

/** Each call writes whole lines between the caller's `begin()` and `end()`. */
export interface RecordFormat {
  /** Throws UsageError when the target cannot be represented. */
  check?(target: Target): void;
  /** Once, before anything else. */
  header?(out: ByteWriter): void;
  /** Absent where a format has no place for single probes. */
  record?(out: ByteWriter, record: ProbeRecord): void;
  /** A target's window. Absent where a format has no place for windows. */
  window?(out: ByteWriter, window: Window): void;
  /** What a run comes to, as one writing step after the other. */
  summary?(run: RunSummary): Iterable<Step>;
}
