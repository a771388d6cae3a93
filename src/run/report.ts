/** Formats a run's results for stdout: records and windows as they come, summaries when asked. */
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { RunSummary, Window } from "../domain/summary.ts";
import type { Target } from "../domain/target.ts";
import type { ByteWriter } from "../format/byte_writer.ts";
import type { RecordFormat, Step } from "../format/record_format.ts";
import type { StreamOutput } from "../sink/stream_output.ts";

export class Report {
  #format: RecordFormat;
  #out: StreamOutput;
  #quiet: boolean;

  constructor(format: RecordFormat, out: StreamOutput, quiet: boolean) {
    this.#format = format;
    this.#out = out;
    this.#quiet = quiet;
    const { header } = format;
    if (header !== undefined && !quiet) this.#step((writer) => header.call(format, writer));
  }

  /** Records that stdout's reader was too slow for. */
  get dropped(): number {
    return this.#out.dropped;
  }

  /** Whether the format has a summary. */
  get sumsUp(): boolean {
    return this.#format.summary !== undefined;
  }

  /** Throws UsageError when the format cannot represent a target. */
  check(target: Target): void {
    this.#format.check?.(target);
  }

  /** Bytes that stdout's reader has taken. */
  get taken(): number {
    return this.#out.written;
  }

  /** Resolves when stdout can take some more. */
  room(): Promise<void> {
    return this.#out.room();
  }

  record(record: ProbeRecord): void {
    if (this.#quiet || this.#format.record === undefined) return;
    const writer = this.#out.begin();
    this.#format.record(writer, record);
    this.#commit(writer);
  }

  window(window: Window): void {
    if (this.#quiet || this.#format.window === undefined) return;
    const writer = this.#out.begin();
    this.#format.window(writer, window);
    this.#commit(writer);
  }

  /** Ends the line, unless the format wrote nothing. */
  #commit(writer: ByteWriter): void {
    if (!writer.empty) this.#out.commit();
  }

  /** Writes the run's summary; each line when there is room for it, so that nothing is dropped. */
  async summary(run: RunSummary): Promise<void> {
    for (const step of this.#format.summary?.(run) ?? []) {
      await this.#out.room();
      this.#step(step);
    }
    await this.#out.flushed();
  }

  #step(step: Step): void {
    step(this.#out.begin());
    this.#out.commit();
  }
}
