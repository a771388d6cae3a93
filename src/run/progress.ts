/** The progress line of a run with a known end, on stderr's terminal. */
import { progressPercent } from "../text/number.ts";
import { countdownText } from "../text/duration.ts";
import { fateOf } from "../domain/outcome.ts";
import type { ProbeRecord } from "../domain/probe_record.ts";
import { StatusLine, terminalColumns } from "../sink/status_line.ts";
import { stderrIsTerminal, stdoutIsTerminal } from "../sink/stdio.ts";
import { outbox } from "./outbox.ts";
import { type Cancel, type Clock, systemClock } from "../time/clock.ts";
import type { RunOptions } from "./options.ts";
import type { LoopOptions } from "./loop_options.ts";

/** Between two redraws. */
const REDRAW_MS = 200;

/** The parts of the schedule that define its end. */
export type ProgressSchedule = Pick<LoopOptions, "count" | "durationMs" | "intervalMs" | "burst">;

/** What decides whether progress is shown. */
export interface ProgressOptions extends Pick<RunOptions, "quiet" | "output"> {
  readonly schedule: ProgressSchedule;
}

/** What progress needs of the world. */
export interface ProgressPorts {
  readonly clock: Clock;
  readonly line: StatusLine;
  /** Lines for stderr go there while progress is shown; null for stderr itself again. */
  divert(to: ((text: string) => void) | null): void;
  /** Writes a line to stderr. */
  say(text: string): void;
}

export class Progress {
  #schedule: ProgressSchedule;
  #ports: ProgressPorts;
  #entries: ArrayLike<unknown> = [];
  #startMs = 0;
  /** Probes whose fate is known; those of them that were sent, and that were lost. */
  #known = 0;
  #sent = 0;
  #lost = 0;
  /** The line is hidden while something else is written. */
  #aside = false;
  #cancel: Cancel = () => {};

  /** A schedule with a count, a duration or both. */
  constructor(schedule: ProgressSchedule, ports: ProgressPorts) {
    this.#schedule = schedule;
    this.#ports = ports;
  }

  /** Null where the run has no known end, or where results are printed to the same terminal. */
  static open({ schedule, quiet, output }: ProgressOptions): Progress | null {
    const { count, durationMs } = schedule;
    if (!stderrIsTerminal() || count === null && durationMs === null) return null;
    if (stdoutIsTerminal() && !quiet && output !== "none") return null;
    const line = new StatusLine({
      write: (text) => {
        outbox.status(text);
        return outbox.stderrFlushed();
      },
      writeNow: (text) => outbox.status(text),
      columns: terminalColumns,
    });
    return new Progress(schedule, {
      clock: systemClock,
      line,
      divert: (to) => outbox.divert(to),
      say: (text) => outbox.sayNow(text),
    });
  }

  /** `entries`: the targets probed; only the present length is read. */
  start(entries: ArrayLike<unknown>): void {
    const { clock, divert, line, say } = this.#ports;
    this.#entries = entries;
    this.#startMs = clock.now();
    divert((text) => line.above(() => say(text)));
    this.#redrawLater();
  }

  record(record: ProbeRecord): void {
    const fate = fateOf(record.outcome);
    this.#known++;
    if (fate !== "unsent") this.#sent++;
    if (fate === "lost") this.#lost++;
  }

  /** Hides the line while `write` runs. */
  async aside(write: () => Promise<void>): Promise<void> {
    this.#aside = true;
    await this.#ports.line.clear();
    try {
      await write();
    } finally {
      this.#aside = false;
    }
  }

  /** Removes the line. Waits for the terminal. */
  async stop(): Promise<void> {
    this.#cancel();
    this.#aside = true;
    this.#ports.divert(null);
    await this.#ports.line.clear();
  }

  #redrawLater(): void {
    const { clock, line } = this.#ports;
    this.#cancel = clock.wakeAt(clock.now() + REDRAW_MS, () => {
      if (!this.#aside) line.show(this.#text());
      this.#redrawLater();
    });
  }

  #text(): string {
    const { share, leftMs } = this.#end();
    const percent = progressPercent(share).padStart(4);
    const left = leftMs > 0 ? `${countdownText(leftMs)} left` : "waiting for the last answers";
    return `${percent}  ${this.#sent} sent, ${this.#lost} lost, ${left}`;
  }

  /** The nearer end, by count or by time. */
  #end(): { share: number; leftMs: number } {
    const { count, durationMs, intervalMs, burst } = this.#schedule;
    let share = 0;
    let leftMs = Infinity;
    if (durationMs !== null) {
      const passedMs = this.#ports.clock.now() - this.#startMs;
      share = passedMs / durationMs;
      leftMs = durationMs - passedMs;
    }
    if (count !== null) {
      const targets = Math.max(1, this.#entries.length);
      const missing = Math.max(0, count - this.#known / targets);
      share = Math.max(share, 1 - missing / count);
      leftMs = Math.min(leftMs, missing / burst * intervalMs);
    }
    return { share: Math.min(1, share), leftMs: Math.max(0, leftMs) };
  }
}
