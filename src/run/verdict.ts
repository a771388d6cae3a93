/** The verdict on a run: the exit code, and a `FAIL` line for each target that failed. */
import { EXIT, type ExitCode } from "../domain/exit.ts";
import {
  dueLossRatio,
  establishedCount,
  type Figures,
  type Judged,
  type RunSummary,
  shownDelays,
  type Summary,
  synLossRatio,
  type Threshold,
} from "../domain/summary.ts";
import { hostPort } from "../domain/target.ts";
import { Failures } from "./failures.ts";

/** Limits that must not be exceeded (null: no limit), and what counts as an answer. */
export interface Thresholds {
  readonly lossPercent: number | null;
  readonly synLossPercent: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly connectP99Ms: number | null;
  /** Whether the limits apply to each target, or to all targets together. */
  readonly on: "target" | "total";
  /** Whether a refusal is as good as an established handshake. */
  readonly allowRefused: boolean;
}

/** The thresholds of a command that has none. */
export const NO_THRESHOLDS: Thresholds = {
  lossPercent: null,
  synLossPercent: null,
  p50Ms: null,
  p99Ms: null,
  connectP99Ms: null,
  on: "target",
  allowRefused: false,
};

export interface Verdict {
  readonly code: ExitCode;
  /** A line for each failing target, and for the total: `FAIL db: refused 5 of 5: …`. */
  readonly failures: readonly string[];
}

/** One threshold: its limit, and the figure that is compared with it (null: no sample). */
interface Rule {
  readonly option: string;
  readonly figure: string;
  readonly unit: "%" | " ms";
  limit(thresholds: Thresholds): number | null;
  value(figures: Figures): number | null;
}

const millis = (micros: number | undefined) => micros === undefined ? null : micros / 1000;
const percent = (ratio: number | null) => ratio === null ? null : Number((ratio * 100).toFixed(9));

const RULES: Readonly<Record<Threshold, Rule>> = {
  loss: {
    option: "--fail-loss",
    figure: "loss",
    unit: "%",
    limit: ({ lossPercent }) => lossPercent,
    value: (figures) => percent(dueLossRatio(figures)),
  },
  syn_loss: {
    option: "--fail-syn-loss",
    figure: "SYN loss",
    unit: "%",
    limit: ({ synLossPercent }) => synLossPercent,
    value: (figures) => percent(synLossRatio(figures)),
  },
  p50: {
    option: "--fail-p50",
    figure: "p50",
    unit: " ms",
    limit: ({ p50Ms }) => p50Ms,
    value: (figures) => millis(shownDelays(figures)?.p50Us),
  },
  p99: {
    option: "--fail-p99",
    figure: "p99",
    unit: " ms",
    limit: ({ p99Ms }) => p99Ms,
    value: (figures) => millis(shownDelays(figures)?.p99Us),
  },
  connect_p99: {
    option: "--fail-connect-p99",
    figure: "connect p99",
    unit: " ms",
    limit: ({ connectP99Ms }) => connectP99Ms,
    value: (figures) => millis(figures.connect?.p99Us),
  },
};

/** The thresholds that figures exceed. One without a sample counts as exceeded. */
export function crossed(figures: Figures, thresholds: Thresholds): Threshold[] {
  return (Object.keys(RULES) as Threshold[]).filter((name) => {
    const limit = RULES[name].limit(thresholds);
    if (limit === null) return false;
    const value = RULES[name].value(figures);
    return value === null || value > limit;
  });
}

/**
 * Code 2 where a name never resolved; else 1 where a target had no handshake or crossed a
 * threshold; else 0.
 */
export function verdict({ targets, totals }: RunSummary, thresholds: Thresholds): Verdict {
  const failures = new Failures();
  let unresolved = false;
  for (const summary of targets) {
    unresolved ||= summary.address === "";
    const silence = noService(summary, thresholds.allowRefused);
    const beyond = exceeded(summary, thresholds, silence !== null);
    failures.note(summary.target.name, silence === null ? beyond : [silence, ...beyond]);
  }
  for (const total of totals) failures.note("total", exceeded(total, thresholds, false));
  const code = unresolved ? EXIT.unresolved : failures.count > 0 ? EXIT.failed : EXIT.ok;
  return { code, failures: failures.lines() };
}

/** Why a target had no handshake (no echo was answered); null where it had one. */
function noService(summary: Summary, allowRefused: boolean): string | null {
  const { target, address, answered, refused, lost, unreachable, notSent, waiting } = summary;
  if (address === "") return summary.lastError ?? `cannot resolve ${target.host}`;
  if (establishedCount(summary) > 0 || allowRefused && answered > 0) return null;
  const place = hostPort(address, target.port);
  const all = summary.sent + notSent;
  const because = summary.lastError === null ? "" : `: ${summary.lastError}`;
  if (refused > 0) return `refused ${refused} of ${all}: nothing listens on ${place}`;
  if (unreachable > 0) return `unreachable ${unreachable} of ${all}${because}`;
  if (lost > 0) return `no answer in ${lost} of ${all}: ${place} is silent`;
  if (notSent > 0) return `not sent ${notSent} of ${all}${because}`;
  return waiting > 0 ? `no answer yet ${waiting} of ${all}` : "no probe was sent";
}

/** A reason for each threshold that is exceeded; those without a sample only where `silent` is false. */
function exceeded(
  figures: Judged<Figures>,
  thresholds: Thresholds,
  silent: boolean,
): readonly string[] {
  return figures.crossed.flatMap((name) => {
    const { option, figure, unit, limit, value } = RULES[name];
    const most = `${limit(thresholds)}${unit}`;
    const found = value(figures);
    // The reason for the silence is stated already.
    if (found === null) return silent ? [] : [`no sample for ${option} ${most}`];
    const shown = unit === "%" ? found.toFixed(1) : found.toFixed(3);
    return [`${figure} ${shown}${unit} is above ${most}${name === "loss" ? parts(figures) : ""}`];
  });
}

/** What the loss is made of, where it is not only lost probes. */
function parts({ sent, waiting, lost, notSent, skipped }: Figures): string {
  if (notSent + skipped === 0) return "";
  const due = sent - waiting + notSent + skipped;
  return ` (${lost} lost, ${notSent} not sent, ${skipped} skipped of ${due} due)`;
}
