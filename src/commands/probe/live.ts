/** `--live`: the table of targets on a terminal, for as long as the loop runs. */
import type { ProbeRecord } from "../../domain/probe_record.ts";
import type { Target } from "../../domain/target.ts";
import { liveColoured, livePlain } from "../../format/live_paint.ts";
import { environment } from "../../kernel/process.ts";
import { openSuspend } from "../../kernel/suspend.ts";
import {
  divertNotices,
  say,
  sayOnStderr,
  stderrIsTerminal,
  stdoutWantsColour,
} from "../../sink/stdio.ts";
import { screenTrouble, SystemTerminal } from "../../sink/terminal.ts";
import { systemClock } from "../../time/system_clock.ts";
import { HeldNotices } from "../live/held_notices.ts";
import { LiveScreen } from "../live/live_screen.ts";
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
  #terminal = new SystemTerminal(openSuspend());
  #notices = new HeldNotices(sayOnStderr, stderrIsTerminal());
  #table: LiveTargets | null = null;
  #screen: LiveScreen | null = null;

  private constructor(options: RunOptions) {
    this.#options = options;
  }

  /** Null when it is not wanted, or cannot be had, which is said. Open before FFI is revoked. */
  static open(options: RunOptions): Live | null {
    if (!options.live) return null;
    const trouble = screenTrouble(environment("TERM"));
    if (trouble === null) return new Live(options);
    say(`--live: ${trouble}; going on with lines`);
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
      keys: this.#terminal.keys,
      notice: (nowMs) => this.#notices.shown(nowMs),
    });
    divertNotices((text) => this.#notices.notice(text, systemClock.now()));
    const ports = { clock: systemClock, terminal: this.#terminal, onQuit, onBroken };
    this.#screen = new LiveScreen(this.#table, ports);
    this.#screen.start();
  }

  record(record: ProbeRecord): void {
    this.#table?.record(record);
  }

  skip(target: Target, probes: number): void {
    this.#table?.skip(target, probes);
  }

  redraw(): void {
    this.#screen?.redraw();
  }

  /** Gives the terminal back and says what was held back; may take as long as the terminal does. */
  async stop(): Promise<void> {
    await this.#screen?.stop();
    divertNotices(null);
    this.#notices.release();
  }

  /** Throws what was thrown meanwhile and nobody caught. */
  rethrow(): void {
    this.#screen?.rethrow();
  }
}
