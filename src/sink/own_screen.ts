/** This process's terminal with something that redraws on it, and what is said meanwhile held back. */
import { environment } from "../kernel/process.ts";
import { openSuspend } from "../kernel/suspend.ts";
import { divertNotices, sayOnStderr, stderrIsTerminal } from "./stdio.ts";
import { screenTrouble, SystemTerminal } from "./terminal.ts";
import { systemClock } from "../time/clock.ts";
import { HeldNotices } from "./held_notices.ts";
import { type LiveContent, type LivePorts, LiveScreen } from "./live_screen.ts";

export class OwnScreen {
  #terminal = new SystemTerminal(openSuspend());
  #notices = new HeldNotices(sayOnStderr, stderrIsTerminal());
  #screen: LiveScreen | null = null;

  private constructor() {}

  /** Or why there is none, in a few words. Open before FFI and the environment are revoked. */
  static open(): OwnScreen | string {
    return screenTrouble(environment("TERM")) ?? new OwnScreen();
  }

  /** Whether keys can be had. */
  get keys(): boolean {
    return this.#terminal.keys;
  }

  /** What was said lately; null for nothing. */
  notice(nowMs: number): string | null {
    return this.#notices.shown(nowMs);
  }

  /** From now on the terminal shows this, and nothing else. */
  start(content: LiveContent, ends: Pick<LivePorts, "onQuit" | "onBroken">): void {
    divertNotices((text) => this.#notices.notice(text, systemClock.now()));
    const ports = { clock: systemClock, terminal: this.#terminal, ...ends };
    this.#screen = new LiveScreen(content, ports);
    this.#screen.start();
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
