/** What a heatmap can show: a figure of each pair, its text and its place on the colour scale. */
import { shortPercent, shortTime } from "../../text/number.ts";
import { type Group } from "../../domain/mesh_node.ts";
import { MAX_WEIGHT, type PairFigures } from "../../domain/matrix.ts";
import { median } from "../../stats/quantile.ts";
import { isShare, type Metric } from "./metric_names.ts";

export { isShare, type Metric, METRIC_NAMES, METRIC_TITLES, METRICS } from "./metric_names.ts";

/** A pair's figure: µs or a share; NaN where there is none. */
export function valueOf(matrix: PairFigures, metric: Metric, from: number, to: number): number {
  switch (metric) {
    case "p50":
      return matrix.currentP50(from, to);
    case "p99":
      return matrix.figure("rttP99", from, to);
    case "cold":
      return matrix.figure("coldP50", from, to);
    case "loss":
      return matrix.figure("lost", from, to) / matrix.figure("sent", from, to);
    case "retransmits":
      return matrix.figure("retransmits", from, to) / matrix.figure("sent", from, to);
    default:
      return metric satisfies never;
  }
}

/** What a cell shows: its figure, or why it has none. */
export type CellMark = "self" | "silent" | "refused" | "missing";

export const MARK_TEXTS: Readonly<Record<CellMark, string>> = {
  self: "itself",
  silent: "no answer",
  refused: "refused",
  missing: "not measured",
};

/**
 * A cell's mark; null where its figure stands for it. A pair that has stopped answering is marked by
 * its last two bursts, whatever the window still holds.
 */
export function markOf(
  figures: PairFigures,
  metric: Metric,
  from: number,
  to: number,
): CellMark | null {
  if (from === to) return "self";
  const value = valueOf(figures, metric, from, to);
  switch (figures.state(from, to)) {
    case "refused":
      return "refused";
    case "silent":
      // A loss of 1 says by itself that all were lost.
      return metric === "loss" && value === 1 ? null : "silent";
    case "established":
    case "unmeasured":
      return Number.isNaN(value) ? "missing" : null;
  }
}

/** A block's figure: the median of its pairs' times, the share of all its probes. */
export function blockValue(matrix: PairFigures, metric: Metric, from: Group, to: Group): number {
  const values: number[] = [];
  const counts: number[] = [];
  for (let i = from.from; i < from.to; i++) {
    for (let j = to.from; j < to.to; j++) {
      const value = valueOf(matrix, metric, i, j);
      if (Number.isNaN(value)) continue;
      values.push(value);
      counts.push(matrix.figure("sent", i, j));
    }
  }
  if (!isShare(metric)) return median(values);
  const most = MAX_WEIGHT * median(counts);
  const weights = counts.map((count) => Math.min(count, most));
  const sum = (of: readonly number[]) => of.reduce((total, value) => total + value, 0);
  return sum(values.map((value, i) => value * weights[i])) / sum(weights);
}

/** `0.412`, `12.3`, `1.2s` or `0.3%`, in at most five characters where a value is below 1,000 s. */
export function shortText(metric: Metric, value: number): string {
  return isShare(metric) ? shortPercent(value) : shortTime(value);
}

/** The same with its unit: `0.412 ms`, `1.2s`, `0.3%`. */
export function valueText(metric: Metric, value: number): string {
  const text = shortText(metric, value);
  return isShare(metric) || text.endsWith("s") ? text : `${text} ms`;
}
