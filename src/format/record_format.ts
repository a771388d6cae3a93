/** The interface of a format: it writes records and summaries into a buffer of the caller. */
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { RunSummary, Window } from "../domain/summary.ts";
import type { Target } from "../domain/target.ts";
import { ByteWriter } from "./byte_writer.ts";

/** The formats by name, as `--output` takes them. */
export const OUTPUT_NAMES = ["text", "json", "csv", "influx", "collectd", "none"] as const;
export type OutputName = typeof OUTPUT_NAMES[number];

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
  /** The summary of a run, as one writing step after the other. */
  summary?(run: RunSummary): Iterable<Step>;
}

/** The constant parts of a target's lines, made once. */
export class PerTarget<T> {
  #made = new WeakMap<Target, T>();
  #scratch: ByteWriter | null = null;
  #make: (target: Target, scratch: ByteWriter) => T;

  /** `make` writes into the scratch writer and takes copies out of it with `takeCopy()`. */
  constructor(make: (target: Target, scratch: ByteWriter) => T) {
    this.#make = make;
  }

  /** The same object for the same target, without allocating after the first time. */
  of(target: Target): T {
    const known = this.#made.get(target);
    if (known !== undefined) return known;
    this.#scratch ??= new ByteWriter(MAX_RECORD_BYTES);
    const made = this.#make(target, this.#scratch);
    this.#made.set(target, made);
    return made;
  }
}
