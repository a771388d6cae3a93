/** This process's terminal with content that redraws. Notices are held back meanwhile. */
import { showable } from "../text/columns.ts";
import { environment, openSuspend } from "../kernel/process.ts";
import type { Notice } from "./exporter.ts";
import { stderrIsTerminal } from "./stdio.ts";
import { screenTrouble, SystemTerminal } from "./terminal.ts";
import { systemClock } from "../time/clock.ts";
import { type LiveContent, type LivePorts, LiveScreen } from "./live_screen.ts";

/** Where this process says notices: the run's outbox. */
export interface NoticePort {
  /** Notices go there from now on; null for stderr again. */
  divert(to: Notice | null): void;
  /** One line on stderr. */
  sayNow(text: string): void;
}

export class OwnScreen {
  #terminal = new SystemTerminal(openSuspend());
  #port: NoticePort;
  #notices: DeferredNotices;
  #screen: LiveScreen | null = null;

  private constructor(port: NoticePort) {
    this.#port = port;
    this.#notices = new DeferredNotices((text) => port.sayNow(text), stderrIsTerminal());
  }

  /**
   * The screen, or in a few words why there is none. Open before FFI and the environment are
   * revoked.
   */
  static open(port: NoticePort): OwnScreen | string {
    return screenTrouble(environment("TERM")) ?? new OwnScreen(port);
  }

  /** Whether keys can be had. */
  get keys(): boolean {
    return this.#terminal.keys;
  }

  /** The latest notice; null for none. */
  notice(nowMs: number): string | null {
    return this.#notices.shown(nowMs);
  }

  /** From now on the terminal shows this, and nothing else. */
  start(content: LiveContent, ends: Pick<LivePorts, "onQuit" | "onBroken">): void {
    this.#port.divert((text) => this.#notices.notice(text, systemClock.now()));
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
    this.#port.divert(null);
    this.#notices.release();
  }

  /** Throws what was thrown meanwhile and nobody caught. */
  rethrow(): void {
    this.#screen?.rethrow();
  }
}

/** How many notices are kept for the end; further ones are counted. */
const MAX_HELD = 1000;
/** The last one stays in sight this long. */
const SHOWN_MS = 30_000;

export class DeferredNotices {
  #say: (text: string) => void;
  #hold: boolean;
  #held: string[] = [];
  #dropped = 0;
  #last = "";
  #lastMs = -Infinity;

  /** `hold`: stderr is the terminal too; else lines go there at once. */
  constructor(say: (text: string) => void, hold: boolean) {
    this.#say = say;
    this.#hold = hold;
  }

  notice(text: string, nowMs: number): void {
    this.#last = showable(text);
    this.#lastMs = nowMs;
    if (!this.#hold) return this.#say(text);
    if (this.#held.length < MAX_HELD) this.#held.push(text);
    else this.#dropped++;
  }

  /** What the screen shows of them now; null for nothing. */
  shown(nowMs: number): string | null {
    if (nowMs - this.#lastMs > SHOWN_MS) return null;
    const all = this.#held.length + this.#dropped;
    return all > 1 ? `${this.#last}  (${all} notices, printed at the end)` : this.#last;
  }

  /** Says what was held back; from now on there is no screen. */
  release(): void {
    const held = this.#held;
    this.#held = [];
    this.#hold = false;
    for (const text of held) this.#say(text);
    if (this.#dropped > 0) this.#say(`${this.#dropped} more notices were not kept`);
  }
}
