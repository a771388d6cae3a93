/** A run's summary for people: one target in full, several in a table with their totals below. */
import {
  type Bar,
  type DelayKind,
  delayKind,
  type Distribution,
  type Figures,
  type Judged,
  lossRatio,
  type RunSummary,
  type Shape,
  shownDelays,
  type Summary,
  synLossRatio,
  type Total,
} from "../domain/summary.ts";
import { targetTitle } from "../domain/target.ts";
import { cells, type Column } from "../text/columns.ts";
import { finePercent, millisText, percent } from "../text/number.ts";
import { counted } from "../text/words.ts";
import type { Paint } from "./paint.ts";
import type { Step } from "./record_format.ts";

/** Names are padded up to here; a longer one pushes its own line's columns. */
export const MAX_NAME_COLUMN = 40;
/** After more lines than this the head of the table is written again. */
const HEAD_IN_SIGHT = 20;

/** The summary's lines, each in a step of its own; `clock` is the word for connect times. */
export function* textSummary(run: RunSummary, paint: Paint, clock: string): Iterable<Step> {
  const { targets, shape } = run;
  const [first, second] = targets;
  const lines = first !== undefined && second === undefined
    ? oneTarget(first, paint, clock)
    : manyTargets(run, paint, clock);
  for (const line of lines) yield (out) => out.utf8(`${line}\n`);
  if (shape === null) return;
  for (const line of shapeLines(shape, clock)) yield (out) => out.utf8(`${line}\n`);
}

/** The block for a single target: counts, then a table of distributions. */
function* oneTarget(
  summary: Judged<Summary>,
  paint: Paint,
  clock: string,
): Iterable<string> {
  const { target, address, crossed } = summary;
  const rows: [string, Distribution | null][] = [
    ["rtt", summary.rtt],
    ["cold rtt", summary.cold],
    [clock, summary.connect],
    ["variation", summary.delayVariation],
    ["lag", summary.lag],
  ];
  const table = rows.flatMap(([name, figures]) => figures === null ? [] : [row(name, figures)]);
  const head = "ms         count       min       avg       p50       p90       p99     p99.9" +
    "       max    stddev";
  yield* ["", `--- ${targetTitle(target, address)} ---`, counts(summary, paint)];
  if (table.length > 0) yield* [head, ...table];
  if (crossed.length > 0) yield paint.bad(overThreshold(summary));
}

function counts(summary: Summary, paint: Paint): string {
  const { lost, longestLossRun, refused, skipped, errors } = summary;
  const run = lost > 1 ? `, at most ${longestLossRun} in a row` : "";
  const loss = `${lost} lost (${percent(lossRatio(summary))}${run})`;
  const parts = [
    `${summary.sent} sent`,
    `${summary.answered} answered`,
    lost > 0 ? paint.bad(loss) : loss,
  ];
  if (refused > 0) parts.push(paint.warn(`${refused} refused`));
  if (summary.unreachable > 0) parts.push(`${summary.unreachable} unreachable`);
  if (skipped > 0) parts.push(paint.warn(`${skipped} skipped`));
  if (errors > 0) parts.push(paint.bad(`${errors} not sent`));
  parts.push(...retransmits(summary, paint));
  if (summary.exportDropped > 0) parts.push(paint.bad(`${summary.exportDropped} not exported`));
  return parts.join(", ");
}

/** SYN retransmits, and the SYN loss in percent. */
function retransmits(summary: Summary, paint: Paint): string[] {
  const { synRetransmits } = summary;
  if (synRetransmits === null) return [];
  const text = counted(synRetransmits, "SYN retransmit");
  if (synRetransmits === 0) return [text];
  return [paint.warn(`${text} (SYN loss ${finePercent(synLossRatio(summary))})`)];
}

function row(name: string, figures: Distribution): string {
  const { minUs, avgUs, p50Us, p90Us, p99Us, p999Us, maxUs, stddevUs } = figures;
  const cells = [minUs, avgUs, p50Us, p90Us, p99Us, p999Us, maxUs, stddevUs];
  return name.padEnd(9) + String(figures.count).padStart(7) +
    cells.map((micros) => millisText(micros).padStart(10)).join("");
}

/** The columns of the table behind the name, with their widths. */
const COLUMNS: readonly Column[] = [
  ["sent", 8],
  ["answered", 9],
  ["lost", 7],
  ["loss", 7],
  ["refused", 8],
  ["skipped", 8],
  ["not sent", 9],
  ["SYN retr", 9],
  ["SYN loss", 9],
  ["min", 10],
  ["p50", 10],
  ["p99", 10],
  ["max ms", 10],
];

/** One aligned line a target, then one for each group of them and one for all. */
function* manyTargets(
  { targets, totals }: RunSummary,
  paint: Paint,
  clock: string,
): Iterable<string> {
  let longest = Math.max("target".length, ...totals.map((total) => totalName(total).length));
  for (const { target } of targets) longest = Math.max(longest, target.name.length);
  const width = Math.min(longest, MAX_NAME_COLUMN);
  const line = (name: string, figures: Judged<Figures>) =>
    tableLine(name, figures, { width, paint, clock });
  const head = (title: string) =>
    title.padEnd(width) + cells(COLUMNS.map(([text]) => text), COLUMNS);
  yield* ["", head("target")];
  let lines = 0;
  let dropped = 0;
  for (const summary of targets) {
    yield line(summary.target.name, summary);
    lines++;
    dropped = summary.exportDropped;
  }
  if (totals.length > 0) yield "";
  if (lines > HEAD_IN_SIGHT) yield head("");
  for (const total of totals) yield line(totalName(total), total);
  if (dropped > 0) yield `${dropped} lines were not exported`;
}

function totalName({ group, targets }: Total): string {
  const name = group === null ? "total" : group.join("=");
  return `${name} (${counted(targets, "target")})`;
}

interface LineStyle {
  readonly width: number;
  readonly paint: Paint;
  readonly clock: string;
}

function tableLine(
  name: string,
  figures: Judged<Figures>,
  { width, paint, clock }: LineStyle,
): string {
  const delays = shownDelays(figures);
  const times = delays === null
    ? ["-", "-", "-", "-"]
    : [delays.minUs, delays.p50Us, delays.p99Us, delays.maxUs].map(millisText);
  const { sent, answered, lost, refused, skipped, errors, synRetransmits, crossed } = figures;
  const counts = [sent, answered, lost, percent(lossRatio(figures)), refused, skipped, errors];
  const syn = [String(synRetransmits ?? "-"), finePercent(synLossRatio(figures))];
  const mark = crossed.length === 0 ? "" : `  ${overThreshold(figures)}`;
  const line = name.padEnd(width) + cells([...counts.map(String), ...syn, ...times], COLUMNS) +
    standIn(delayKind(figures), clock) + mark;
  return answered === 0 || lost > 0 || crossed.length > 0 ? paint.bad(line) : line;
}

function overThreshold({ crossed }: Judged<Figures>): string {
  return `over threshold: ${crossed.join(", ")}`;
}

/** The name of the delays behind the figures, where they are not steady kernel RTTs. */
export function standIn(kind: DelayKind | null, clock: string): string {
  if (kind === null || kind === "rtt") return "";
  return `  ${kind === "connect" ? clock : kind}`;
}

/** Columns of the longest bar; with the figures before it a line has 79. */
const BAR_COLUMNS = 36;
/** Blocks by eighths of a column (Unicode, Block Elements). */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const FULL = "█";

/**
 * A head, then each bar's bounds in ms (both inclusive), its count and its share of all. `clock` is
 * the word for connect times.
 */
export function* shapeLines({ kind, bars }: Shape, clock: string): Iterable<string> {
  const titles: Readonly<Record<DelayKind, string>> = {
    rtt: "rtt",
    cold: "cold rtt",
    connect: clock,
  };
  const all = bars.reduce((sum, { count }) => sum + count, 0);
  const most = bars.reduce((longest, { count }) => Math.max(longest, count), 0);
  yield* ["", `${titles[kind]} in ms`.padEnd(23) + "count".padStart(10) + "share".padStart(8)];
  for (const [i, bar] of bars.entries()) {
    if (i > 0 && bars[i - 1].toUs + 1 < bar.fromUs) yield "...".padStart(10);
    const figures = String(bar.count).padStart(10) + percent(bar.count / all).padStart(8);
    yield `${boundsOf(bar)}${figures}  ${block(bar.count / most)}`;
  }
}

function boundsOf({ fromUs, toUs }: Bar): string {
  const [from, to] = [fromUs, toUs].map((us) => millisText(us).padStart(10));
  return `${from} - ${to}`;
}

/** A bar of a share (0..1) of the longest; never nothing for something. */
function block(share: number): string {
  const eighths = Math.max(1, Math.round(share * BAR_COLUMNS * 8));
  return FULL.repeat(eighths >> 3) + EIGHTHS[eighths & 7];
}
