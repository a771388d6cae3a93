/** Formats a run's results for stdout: records and windows as they come, summaries when asked. */
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { RunSummary, Window } from "../domain/summary.ts";
import type { Target } from "../domain/target.ts";
import type { RecordFormat, Step } from "../format/record_format.ts";
import type { LineBuffer } from "../sink/line_buffer.ts";

export class Report {
  #format: RecordFormat;
  #out: LineBuffer;
  #quiet: boolean;

  constructor(format: RecordFormat, out: LineBuffer, quiet: boolean) {
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

  record(record: ProbeRecord): void {
    if (this.#quiet || this.#format.record === undefined) return;
    const { writer } = this.#out;
    writer.begin();
    this.#format.record(writer, record);
    this.#commit();
  }

  window(window: Window): void {
    if (this.#quiet || this.#format.window === undefined) return;
    const { writer } = this.#out;
    writer.begin();
    this.#format.window(writer, window);
    this.#commit();
  }

  /** Ends the line, unless the format wrote nothing. */
  #commit(): void {
    if (!this.#out.writer.empty) this.#out.commit();
  }

  /** Writes the run's summary; waits for the reader now and then, so that nothing is dropped. */
  async summary(run: RunSummary): Promise<void> {
    await this.#out.flushed();
    let waiting = 0;
    for (const step of this.#format.summary?.(run) ?? []) {
      this.#step(step);
      if (++waiting % FLUSH_EVERY === 0) await this.#out.flushed();
    }
    await this.#out.flushed();
  }

  #step(step: Step): void {
    const { writer } = this.#out;
    writer.begin();
    step(writer);
    this.#out.commit();
  }
}

/** Summary steps between two waits: together they fit stdout's buffer. */
const FLUSH_EVERY = 16;
