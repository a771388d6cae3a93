/** Reports of connections as a screen that redraws shows them. Pure but for its clock. */
import type { ConnectionReport } from "../../domain/connection.ts";
import { connectionLines } from "../../format/connections_text.ts";
import { cut } from "../../text/columns.ts";
import type { Clock } from "../../time/clock.ts";
import type { Paint } from "../../format/paint.ts";
import type { Key } from "../../sink/keys.ts";
import type { LiveContent } from "../../sink/live_screen.ts";

export interface LiveConnectionsParts {
  readonly clock: Clock;
  readonly paint: Paint;
  /** Whether keys can be had. */
  readonly keys: boolean;
  /** The last report; null before the first. */
  report(): ConnectionReport | null;
  /** What was said lately; null for nothing. */
  notice(nowMs: number): string | null;
}

export class LiveConnections implements LiveContent {
  #parts: LiveConnectionsParts;
  /** The first line that is shown. */
  #top = 0;
  /** Lines on the screen when it was last drawn. */
  #page = 1;

  constructor(parts: LiveConnectionsParts) {
    this.#parts = parts;
  }

  lines(columns: number, rows: number): readonly string[] {
    const { clock, paint, keys, report, notice } = this.#parts;
    const now = report();
    const all = now === null
      ? ["the first reading was made; the second one follows"]
      : connectionLines(now, columns, paint);
    const said = notice(clock.now());
    this.#page = Math.max(1, rows - (said === null ? 1 : 2));
    this.#top = Math.min(this.#top, Math.max(0, all.length - this.#page));
    const more = all.length > this.#page ? ", up and down scroll" : "";
    const foot = [
      ...(said === null ? [] : [said]),
      keys ? `q quits${more}` : "Ctrl-C quits",
    ];
    return [
      ...all.slice(this.#top, this.#top + this.#page),
      ...foot.map((line) => cut(line, columns)),
    ].slice(-rows);
  }

  key(key: Key): void {
    if (key === "home") this.#top = 0;
    else this.#top = Math.max(0, this.#top + this.#step(key));
  }

  #step(key: Key): number {
    switch (key) {
      case "up":
        return -1;
      case "down":
        return 1;
      case "page-up":
        return -this.#page;
      case "page-down":
        return this.#page;
      default:
        return 0;
    }
  }
}
