/** A run's verdict: the exit code, and a line for each threshold crossed. */
import { millisText, percent } from "../text/number.ts";
import { EXIT, type ExitCode } from "../domain/exit.ts";
import {
  type Figures,
  type Judged,
  lossRatio,
  type RunSummary,
  shownDelays,
  type Threshold,
} from "../domain/summary.ts";

/** Limits, null where there is none, and whether each target must keep them or all targets together. */
export interface Thresholds {
  readonly lossPercent: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly on: "target" | "total";
}

export interface Verdict {
  readonly code: ExitCode;
  readonly reasons: readonly string[];
}

/** Crossings that have a line each; a last line counts the others. */
export const MAX_REASONS = 10;

/** The thresholds that these figures cross. */
export function crossed(figures: Figures, thresholds: Thresholds): Threshold[] {
  const { lossPercent, p50Ms, p99Ms } = thresholds;
  const all: Threshold[] = [];
  if (lossPercent !== null && (lossRatio(figures) ?? 0) * 100 > lossPercent) all.push("loss");
  const delays = shownDelays(figures);
  if (delays === null) return all;
  if (p50Ms !== null && delays.p50Us / 1000 > p50Ms) all.push("p50");
  if (p99Ms !== null && delays.p99Us / 1000 > p99Ms) all.push("p99");
  return all;
}

/** A name that never resolved decides before a target that never answered. */
export function verdict({ targets, totals }: RunSummary, thresholds: Thresholds): Verdict {
  const reasons: string[] = [];
  let more = 0;
  const note = (name: string, figures: Judged<Figures>) => {
    for (const threshold of figures.crossed) {
      if (reasons.length === MAX_REASONS) more++;
      else reasons.push(`${name}: ${reason(threshold, figures, thresholds)}`);
    }
  };
  let unresolved = false;
  let silent = false;
  for (const summary of targets) {
    note(summary.target.name, summary);
    unresolved ||= summary.address === "";
    silent ||= summary.answered === 0;
  }
  for (const total of totals) note("total", total);
  if (more > 0) reasons.push(`and ${more} more beyond their thresholds`);
  const code = unresolved ? EXIT.unresolved : silent || reasons.length > 0 ? EXIT.failed : EXIT.ok;
  return { code, reasons };
}

function reason(threshold: Threshold, figures: Figures, thresholds: Thresholds): string {
  const delays = shownDelays(figures);
  switch (threshold) {
    case "loss":
      return `loss ${percent(lossRatio(figures) ?? 0)} is above ${thresholds.lossPercent}%`;
    case "p50":
      return `p50 ${millisText(delays?.p50Us ?? NaN)} ms is above ${thresholds.p50Ms} ms`;
    case "p99":
      return `p99 ${millisText(delays?.p99Us ?? NaN)} ms is above ${thresholds.p99Ms} ms`;
    default:
      return threshold satisfies never;
  }
}
