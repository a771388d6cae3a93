/** The table of a trace under way, as a screen that redraws shows it. Pure but for its clock. */
import type { TraceReport } from "../../domain/path.ts";
import { cut } from "../../text/columns.ts";
import type { Paint } from "../../format/paint.ts";
import type { Clock } from "../../time/clock.ts";
import type { LiveContent } from "../../sink/live_screen.ts";
import { painted, tableLines } from "../../format/path_text.ts";

export interface LiveTraceParts {
  readonly clock: Clock;
  readonly paint: Paint;
  /** Rounds there are to be; Infinity for no end. */
  readonly rounds: number;
  /** Whether keys can be had. */
  readonly keys: boolean;
  /** The report so far. */
  report(): TraceReport;
  /** The latest notice; null for none. */
  notice(nowMs: number): string | null;
}

export class LiveTrace implements LiveContent {
  #parts: LiveTraceParts;

  constructor(parts: LiveTraceParts) {
    this.#parts = parts;
  }

  lines(columns: number, rows: number): readonly string[] {
    const { clock, paint, rounds, keys, report, notice } = this.#parts;
    const now = report();
    const table = tableLines(now, columns, true);
    const said = notice(clock.now());
    const foot = [
      ...(said === null ? [] : [said]),
      `round ${now.rounds}${rounds === Infinity ? "" : ` of ${rounds}`}, ${
        keys ? "q" : "Ctrl-C"
      } quits`,
    ];
    const room = Math.max(0, rows - foot.length);
    return [
      ...table.slice(0, room).map(({ tone, text }) =>
        painted({ tone, text: cut(text, columns) }, paint)
      ),
      ...foot.map((text) => cut(text, columns)),
    ];
  }

  /** There is nothing to choose. */
  key(): void {}
}
