/** Which nodes stand out from the others by their rows and columns, and in which direction. */
import { median, spread } from "../../stats/quantile.ts";
import type { Direction } from "../../domain/finding.ts";
import type { NodeMedians } from "./mesh_view.ts";

/** How far beyond the nodes' or pairs' usual differences. */
export const SPREADS = 4;

export interface Outlier {
  readonly node: number;
  readonly direction: Direction;
  /** By how much its row or column exceeds the other nodes', in µs: the larger of the two. */
  readonly excessUs: number;
  readonly pairThresholdUs: number;
}

/** Once one direction stands out, this share of the threshold is enough for the other one. */
const SAME_SHARE = 0.5;

/**
 * Nodes whose row or column is above the median of all by the node's threshold, and by `spreads`
 * times what the nodes differ anyway.
 */
export function outliersOf(
  medians: NodeMedians,
  thresholdOf: (node: number) => number,
  spreads: number,
): Outlier[] {
  const rows = deviations(medians.rows);
  const columns = deviations(medians.columns);
  return medians.rows.flatMap((_, node) => {
    const thresholdUs = thresholdOf(node);
    const least = (side: Deviations) => Math.max(thresholdUs, spreads * side.spread);
    const [row, column] = [rows.from[node], columns.from[node]];
    const [rowHigh, columnHigh] = [row >= least(rows), column >= least(columns)];
    if (!rowHigh && !columnHigh) return [];
    const both = (rowHigh || row >= SAME_SHARE * thresholdUs) &&
      (columnHigh || column >= SAME_SHARE * thresholdUs);
    const direction = both ? "both" : rowHigh ? "from" : "to";
    // A missing row or column is no number, which a maximum would be too.
    const excessUs = Math.max(...[row, column].filter((value) => !Number.isNaN(value)));
    return [{ node, direction, excessUs, pairThresholdUs: thresholdUs }];
  });
}

interface Deviations {
  readonly from: readonly number[];
  readonly spread: number;
}

function deviations(values: readonly number[]): Deviations {
  const known = values.filter((value) => !Number.isNaN(value));
  const middle = median(known);
  return { from: values.map((value) => value - middle), spread: spread(known) };
}
