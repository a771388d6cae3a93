/** `--live`: the table of targets on a terminal, for as long as the loop runs. */
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import { liveColoured, livePlain } from "../format/paint.ts";
import { say, stdoutWantsColour } from "../sink/stdio.ts";
import { systemClock } from "../time/clock.ts";
import { OwnScreen } from "../sink/own_screen.ts";
import { type LiveLane, LiveTargets } from "./live_targets.ts";
import type { RunOptions } from "./options.ts";

/** What the table needs of the run. */
export interface LivePart {
  readonly lanes: readonly LiveLane[];
  /** What is probed, in a line. */
  title(targets: readonly Target[]): string;
  /** The user has seen enough. */
  onQuit(): void;
  /** The terminal has gone away. */
  onBroken(error: unknown): void;
}

export class Live {
  #options: RunOptions;
  #screen: OwnScreen;
  #table: LiveTargets | null = null;

  private constructor(options: RunOptions, screen: OwnScreen) {
    this.#options = options;
    this.#screen = screen;
  }

  /** Null when it is not wanted, or cannot be had, which is said. Open before FFI is revoked. */
  static open(options: RunOptions): Live | null {
    if (!options.live) return null;
    const screen = OwnScreen.open();
    if (screen instanceof OwnScreen) return new Live(options, screen);
    say(`--live: ${screen}; going on with lines`);
    return null;
  }

  /** From now on the terminal shows the table, and nothing else. */
  start({ lanes, title, onQuit, onBroken }: LivePart): void {
    const { schedule: { count, durationMs }, noColor } = this.#options;
    this.#table = new LiveTargets({
      lanes,
      title,
      count,
      durationMs,
      paint: stdoutWantsColour() && !noColor ? liveColoured : livePlain,
      clock: systemClock,
      keys: this.#screen.keys,
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

  /** Gives the terminal back and says what was held back; may take as long as the terminal does. */
  async stop(): Promise<void> {
    await this.#screen.stop();
  }

  /** Throws what was thrown meanwhile and nobody caught. */
  rethrow(): void {
    this.#screen.rethrow();
  }
}
