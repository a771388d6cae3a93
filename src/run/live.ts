/** `--live`: the table of targets on a terminal, for as long as the loop runs. */
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import { liveColoured, livePlain } from "../format/paint.ts";
import { stdoutWantsColour } from "../sink/stdio.ts";
import { systemClock } from "../time/clock.ts";
import { OwnScreen } from "../sink/own_screen.ts";
import { type LiveTarget, LiveTargets } from "./live_targets.ts";
import { openPressure, type ReadPressure } from "./host_pressure.ts";
import { outbox, say } from "./outbox.ts";
import type { RunOptions } from "./options.ts";

/** What the table needs of the run. */
export interface LivePart {
  readonly entries: readonly LiveTarget[];
  /** What is probed, in a line. */
  title(targets: readonly Target[]): string;
  /** The user asked to quit. */
  onQuit(): void;
  /** The terminal has gone away. */
  onBroken(error: unknown): void;
}

export class Live {
  #options: RunOptions;
  #screen: OwnScreen;
  #pressure: ReadPressure;
  #table: LiveTargets | null = null;

  private constructor(options: RunOptions, screen: OwnScreen, pressure: ReadPressure) {
    this.#pressure = pressure;
    this.#options = options;
    this.#screen = screen;
  }

  /** Null where there is no such terminal (a notice says why). Open before FFI is revoked. */
  static open(options: RunOptions): Live | null {
    const screen = OwnScreen.open(outbox);
    if (screen instanceof OwnScreen) return new Live(options, screen, openPressure());
    say(`--live: ${screen}; going on with lines`);
    return null;
  }

  /** From now on the terminal shows the table, and nothing else. */
  start({ entries, title, onQuit, onBroken }: LivePart): void {
    const { schedule: { count, durationMs }, noColor } = this.#options;
    this.#table = new LiveTargets({
      entries,
      title,
      count,
      durationMs,
      paint: stdoutWantsColour() && !noColor ? liveColoured : livePlain,
      clock: systemClock,
      keys: this.#screen.keys,
      pressure: this.#pressure,
      notice: (nowMs) => this.#screen.notice(nowMs),
    });
    this.#screen.start(this.#table, { onQuit, onBroken });
  }

  record(record: ProbeRecord): void {
    this.#table?.record(record);
  }

  skip(target: Target, probes: number): void {
    this.#table?.skip(target, probes);
  }

  redraw(): void {
    this.#screen.redraw();
  }

  /** Restores the terminal and prints the deferred notices. Waits for the terminal. */
  async stop(): Promise<void> {
    await this.#screen.stop();
  }

  /** Throws an error that was not caught while the table was shown. */
  rethrow(): void {
    this.#screen.rethrow();
  }
}
