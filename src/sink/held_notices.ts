/** Lines for stderr while a screen is shown: held back where they would land on it, and shown in it. */
import { showable } from "../text/columns.ts";

/** So many are kept for the end; more are counted. */
const MAX_HELD = 1000;
/** The last one stays in sight this long. */
const SHOWN_MS = 30_000;

export class HeldNotices {
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
