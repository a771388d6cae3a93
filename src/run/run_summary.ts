/** Sums a run up: figures of each target, of groups of targets, and of all. */
import {
  delayKind,
  type Figures,
  type Judged,
  type RunSummary,
  type Shape,
  type Summary,
  type Total,
} from "../domain/summary.ts";
import type { Label } from "../domain/target.ts";
import { groupsOf } from "../stats/groups.ts";
import { PASSING } from "../stats/counts.ts";
import { Tally } from "../stats/tally.ts";
import type { TargetStats } from "../stats/target_stats.ts";
import { crossed, type Thresholds } from "./verdict.ts";

export interface SummaryOptions {
  readonly thresholds: Thresholds;
  /** Whether a histogram of the delays is wanted. */
  readonly histogram: boolean;
}

/**
 * Sums up targets, those that are probed now. Groups and the total are merged here, so that a
 * probe pays for its target's statistics alone. `exportDropped` is the run's.
 */
export function sumUp(
  all: readonly TargetStats[],
  exportDropped: number,
  { thresholds, histogram }: SummaryOptions,
): RunSummary {
  const several = all.length > 1;
  const onTargets = thresholds.on === "target" || !several;
  const judged = <T extends Figures>(figures: T, judges: boolean): Judged<T> => {
    return { ...figures, crossed: judges ? crossed(figures, thresholds) : [] };
  };
  const targets = {
    *[Symbol.iterator](): Iterator<Judged<Summary>> {
      for (const stats of all) yield judged(stats.summary(exportDropped), onTargets);
    },
  };
  const tally = histogram || several ? merged(all) : null;
  const shape = tally !== null && histogram ? shapeOf(tally) : null;
  if (tally === null || !several) return { targets, totals: [], ungrouped: [], shape };
  const { groups, ungrouped } = groupsOf(all);
  const total = (of: Tally, group: Label | null, size: number): Total => {
    return { ...of.figures(exportDropped), group, targets: size };
  };
  const totals = [
    ...groups.map(({ label, members }) =>
      judged(total(merged(members), label, members.length), false)
    ),
    judged(total(tally, null, all.length), thresholds.on === "total"),
  ];
  return { targets, totals, ungrouped, shape };
}

function merged(all: readonly TargetStats[]): Tally {
  const tally = new Tally(PASSING);
  for (const stats of all) stats.addTo(tally);
  return tally;
}

function shapeOf(tally: Tally): Shape | null {
  const kind = delayKind(tally.figures(0));
  return kind === null ? null : { kind, bars: tally.bars(kind) };
}
