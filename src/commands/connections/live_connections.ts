/** Reports of connections as a screen that redraws shows them. Pure but for its clock. */
import type { ConnectionReport } from "../../domain/connection.ts";
import { connectionLines } from "../../format/connections_text.ts";
import type { Clock } from "../../time/clock.ts";
import type { Paint } from "../../format/paint.ts";
import type { Key } from "../../sink/keys.ts";
import type { LiveContent } from "../../sink/live_screen.ts";
import { ScrolledLines } from "../../sink/scrolled_lines.ts";

export interface LiveConnectionsParts {
  readonly clock: Clock;
  readonly paint: Paint;
  /** Whether keys can be had. */
  readonly keys: boolean;
  /** The last report; null before the first. */
  report(): ConnectionReport | null;
  /** The latest notice; null for none. */
  notice(nowMs: number): string | null;
}

export class LiveConnections implements LiveContent {
  #parts: LiveConnectionsParts;
  #scrolled = new ScrolledLines();

  constructor(parts: LiveConnectionsParts) {
    this.#parts = parts;
  }

  lines(columns: number, rows: number): readonly string[] {
    const { clock, paint, keys, report, notice } = this.#parts;
    const now = report();
    const all = now === null
      ? ["the first reading was made; the second one follows"]
      : connectionLines(now, columns, paint);
    const look = { columns, rows, keys, help: "q quits", notice: notice(clock.now()) };
    return this.#scrolled.shown(all, look);
  }

  key(key: Key): void {
    this.#scrolled.key(key);
  }
}
