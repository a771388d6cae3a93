/** What a run's figures come to: the exit code, and a line for each threshold crossed. */
import { EXIT, type ExitCode } from "../../domain/exit.ts";
import { lossRatio, type Summary } from "../../domain/summary.ts";

export interface Thresholds {
  readonly failLossPercent: number | null;
  readonly failP99Ms: number | null;
}

export interface Verdict {
  readonly code: ExitCode;
  readonly reasons: readonly string[];
}

/** A name that never resolved outweighs a target that never answered. */
export function verdict(summaries: readonly Summary[], thresholds: Thresholds): Verdict {
  const reasons = summaries.flatMap((summary) => crossed(summary, thresholds));
  const unresolved = summaries.some(({ address }) => address === "");
  const silent = summaries.some(({ answered }) => answered === 0);
  const code = unresolved ? EXIT.unresolved : silent || reasons.length > 0 ? EXIT.failed : EXIT.ok;
  return { code, reasons };
}

function crossed(summary: Summary, thresholds: Thresholds): string[] {
  const { failLossPercent, failP99Ms } = thresholds;
  const reasons: string[] = [];
  const loss = (lossRatio(summary) ?? 0) * 100;
  if (failLossPercent !== null && loss > failLossPercent) {
    reasons.push(`${summary.target.name}: loss ${loss.toFixed(1)}% is above ${failLossPercent}%`);
  }
  const figures = summary.rtt ?? summary.connect;
  if (failP99Ms !== null && figures !== null && figures.p99Us / 1000 > failP99Ms) {
    const p99 = (figures.p99Us / 1000).toFixed(3);
    reasons.push(`${summary.target.name}: p99 ${p99} ms is above ${failP99Ms} ms`);
  }
  return reasons;
}
