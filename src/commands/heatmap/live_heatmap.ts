/** The content of a screen that shows a watched mesh's matrix. */
import { type Metric, METRICS } from "../../format/heatmap/metric.ts";
import type { Clock } from "../../time/clock.ts";
import type { LiveContent } from "../../sink/live_screen.ts";
import { ScrolledLines } from "../../sink/scrolled_lines.ts";
import type { Key } from "../../sink/keys.ts";

export interface LiveHeatmapParts {
  readonly clock: Clock;
  /** What is drawn first. */
  readonly metric: Metric;
  /** Whether keys can be had. */
  readonly keys: boolean;
  /** The newest picture in lines of at most `columns`; null before the first. */
  text(metric: Metric, columns: number): string | null;
  /** The latest notice; null for none. */
  notice(nowMs: number): string | null;
}

export class LiveHeatmap implements LiveContent {
  #parts: LiveHeatmapParts;
  #metric: Metric;
  #scrolled = new ScrolledLines();

  constructor(parts: LiveHeatmapParts) {
    this.#parts = parts;
    this.#metric = parts.metric;
  }

  lines(columns: number, rows: number): readonly string[] {
    const { clock, keys, text, notice } = this.#parts;
    const all = (text(this.#metric, columns) ?? "gathering the nodes' rows\n").trimEnd();
    const help = "q quits, m shows another metric";
    const look = { columns, rows, keys, help, notice: notice(clock.now()) };
    return this.#scrolled.shown(all.split("\n"), look);
  }

  key(key: Key): void {
    if (key === "m") {
      this.#metric = METRICS[(METRICS.indexOf(this.#metric) + 1) % METRICS.length];
    } else this.#scrolled.key(key);
  }
}
