/** The content of a screen that shows a watched mesh's matrix. */
import { cut } from "../../text/columns.ts";
import { type Metric, METRICS } from "../../format/heatmap/metric.ts";
import type { Clock } from "../../time/clock.ts";
import type { LiveContent } from "../../sink/live_screen.ts";
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
  /** The first line that is shown. */
  #top = 0;
  /** Lines on the screen when it was last drawn. */
  #page = 1;

  constructor(parts: LiveHeatmapParts) {
    this.#parts = parts;
    this.#metric = parts.metric;
  }

  lines(columns: number, rows: number): readonly string[] {
    const { clock, keys, text, notice } = this.#parts;
    const all = (text(this.#metric, columns) ?? "gathering the nodes' rows\n").trimEnd().split(
      "\n",
    );
    const said = notice(clock.now());
    this.#page = Math.max(1, rows - (said === null ? 1 : 2));
    this.#top = Math.min(this.#top, Math.max(0, all.length - this.#page));
    const more = all.length > this.#page ? ", up and down scroll" : "";
    const foot = [
      ...(said === null ? [] : [said]),
      keys ? `q quits, m shows another metric${more}` : "Ctrl-C quits",
    ];
    return [
      ...all.slice(this.#top, this.#top + this.#page),
      ...foot.map((line) => cut(line, columns)),
    ].slice(-rows);
  }

  key(key: Key): void {
    if (key === "m") {
      this.#metric = METRICS[(METRICS.indexOf(this.#metric) + 1) % METRICS.length];
    } else if (key === "home") this.#top = 0;
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
