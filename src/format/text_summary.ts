/** A run's summary for people: one target in full, several in a table with their totals below. */
import {
  type DelayKind,
  delayKind,
  type Distribution,
  type Figures,
  type Judged,
  lossRatio,
  type RunSummary,
  samplesFor,
  shownDelays,
  type Summary,
  synLossRatio,
  type Threshold,
  type Total,
} from "../domain/summary.ts";
import { hostPort, targetTitle } from "../domain/target.ts";
import { columnsOf, cut, fit, showable } from "../text/columns.ts";
import { finePercent, millisText, percent } from "../text/number.ts";
import { counted, wrap } from "../text/words.ts";
import { type Paint, plain } from "./paint.ts";
import { shapeLines } from "./text_histogram.ts";

/** How a summary looks. */
export interface SummaryStyle {
  readonly paint: Paint;
  /** The word for connect times. */
  readonly clock: string;
  /** Columns that a line may take; tables leave out columns to fit. */
  readonly columns: number;
}

/** The summary's lines: a block for a single target, a table for several, and the histogram. */
export function* summaryLines(run: RunSummary, style: SummaryStyle): Iterable<string> {
  const { targets, shape } = run;
  const [first, second] = targets;
  if (first !== undefined && second === undefined) yield* oneTarget(first, style);
  else yield* manyTargets(run, style);
  if (shape !== null) yield* shapeLines(shape, style);
}

/** A line for each target, for scripts, and the histogram. */
export function* scriptLines(run: RunSummary, style: SummaryStyle): Iterable<string> {
  for (const summary of run.targets) yield scriptLine(summary);
  if (run.shape !== null) yield* shapeLines(run.shape, style);
}

/**
 * A column of a table. The higher `worth` is, the later the column is left out; null for never,
 * `silent` for a column that is left out only where it says nothing.
 */
interface TableColumn {
  readonly title: string;
  readonly width: number;
  readonly worth: number | "silent" | null;
}

const widthOf = (columns: readonly TableColumn[]): number =>
  columns.reduce((sum, { width }) => sum + width, 0);

/** The columns that fit: where all do not, those that say nothing go first, then those worth least. */
function fitting<T extends TableColumn>(
  all: readonly T[],
  silent: ReadonlySet<TableColumn>,
  room: number,
): T[] {
  let kept = [...all];
  const fits = () => widthOf(kept) <= room;
  if (!fits()) kept = kept.filter((column) => column.worth === null || !silent.has(column));
  const order = kept.flatMap((column) =>
    typeof column.worth === "number" ? [{ column, worth: column.worth }] : []
  ).sort((a, b) => a.worth - b.worth);
  for (const { column: least } of order) {
    if (fits()) break;
    kept = kept.filter((column) => column !== least);
  }
  return kept;
}

const headOf = (columns: readonly TableColumn[]): string =>
  columns.map(({ title, width }) => title.padStart(width)).join("");

/** A column of the table of a single target. */
interface DelayColumn extends TableColumn {
  readonly us: (of: Distribution) => number;
  /** The quantile that it shows. */
  readonly quantile?: number;
}

const DELAY_COLUMNS: readonly DelayColumn[] = [
  { title: "min", width: 10, worth: null, us: (of) => of.minUs },
  { title: "avg", width: 10, worth: 4, us: (of) => of.avgUs },
  { title: "p50", width: 10, worth: null, us: (of) => of.p50Us, quantile: 0.5 },
  { title: "p90", width: 10, worth: 3, us: (of) => of.p90Us, quantile: 0.9 },
  { title: "p99", width: 10, worth: null, us: (of) => of.p99Us, quantile: 0.99 },
  { title: "p99.9", width: 10, worth: 2, us: (of) => of.p999Us, quantile: 0.999 },
  { title: "max", width: 10, worth: null, us: (of) => of.maxUs },
  { title: "stddev", width: 10, worth: 1, us: (of) => of.stddevUs },
];

/** Before the columns: the row's name and its count. */
const ROW_NAME_COLUMN = 9;
const COUNT_COLUMN = 7;
/** Printed once below a table with such a figure. */
const TOO_FEW = "* too few samples for this quantile: it is the maximum";

/** Whether a distribution has too few samples to tell this quantile from the maximum. */
const tooFew = (of: Distribution, quantile = 0) => of.count < samplesFor(quantile);

function delayText(
  of: Distribution,
  { us, quantile }: Pick<DelayColumn, "us" | "quantile">,
): string {
  return tooFew(of, quantile) ? `${millisText(of.maxUs)}*` : millisText(us(of));
}

/** Names are padded up to here; a longer one pushes its own line's columns. */
export const MAX_NAME_COLUMN = 40;
/** A name has so many columns at least, however narrow the terminal. */
const MIN_NAME_COLUMN = 8;

/** The block for a single target: counts, then a table of distributions. */
function* oneTarget(
  summary: Judged<Summary>,
  { paint, clock, columns: width }: SummaryStyle,
): Iterable<string> {
  const { target, address, crossed } = summary;
  const named: readonly (readonly [string, Distribution | null])[] = [
    ["rtt", summary.rtt],
    ["cold rtt", summary.cold],
    [clock, summary.connect],
    ["variation", summary.delayVariation],
    ["lag", summary.lag],
  ];
  const rows = named.flatMap(([name, of]) => of === null ? [] : [{ name, of }]);
  const title = cut(showable(targetTitle(target, address)), Math.max(MIN_NAME_COLUMN, width - 8));
  yield* ["", `--- ${title} ---`, ...counts(summary, paint, width)];
  if (rows.length > 0) {
    const silent = new Set(
      DELAY_COLUMNS.filter(({ quantile }) => rows.every(({ of }) => tooFew(of, quantile))),
    );
    const columns = fitting(DELAY_COLUMNS, silent, width - ROW_NAME_COLUMN - COUNT_COLUMN);
    yield "ms".padEnd(ROW_NAME_COLUMN) + "count".padStart(COUNT_COLUMN) + headOf(columns);
    for (const { name, of } of rows) {
      const cells = columns.map((column) => delayText(of, column).padStart(column.width));
      yield name.padEnd(ROW_NAME_COLUMN) + String(of.count).padStart(COUNT_COLUMN) +
        cells.join("");
    }
    if (columns.some(({ quantile }) => rows.some(({ of }) => tooFew(of, quantile)))) yield TOO_FEW;
  }
  if (crossed.length > 0) {
    yield paint.bad(`over threshold: ${crossed.map(thresholdWords).join(", ")}`);
  }
}

const thresholdWords = (threshold: Threshold) =>
  threshold.replace("syn_", "SYN ").replace("_", " ");

/** The counts in lines that fit; each count is coloured by what it means. */
function counts(summary: Summary, paint: Paint, width: number): string[] {
  const { sent, answered, lost, longestLossRun, refused, unreachable, waiting } = summary;
  const { skipped, notSent, exportDropped } = summary;
  const run = lost > 1 ? `, at most ${longestLossRun} in a row` : "";
  const same = (text: string) => text;
  const parts: [number, string, (text: string) => string][] = [
    [1, `${sent} sent`, same],
    [1, `${answered} answered`, same],
    [1, `${lost} lost (${percent(lossRatio(summary))}${run})`, lost > 0 ? paint.bad : same],
    [refused, `${refused} refused`, paint.warn],
    [unreachable, `${unreachable} unreachable`, same],
    [waiting, `${waiting} waiting`, paint.warn],
    [skipped, `${skipped} skipped`, paint.warn],
    [notSent, `${notSent} not sent`, paint.bad],
    ...retransmits(summary, paint),
    [exportDropped, `${exportDropped} not exported`, paint.bad],
  ];
  const shown = parts.filter(([count]) => count > 0);
  const paints = new Map(shown.map(([, text, painted]) => [text, painted]));
  return wrap(shown.map(([, text]) => text), width - 1, ", ").map((line, i, { length }) =>
    line.split(/, (?=[0-9])/).map((text) => paints.get(text)?.(text) ?? text).join(", ") +
    (i < length - 1 ? "," : "")
  );
}

/** SYN retransmits, and the share of handshakes that met one. */
function retransmits(
  summary: Summary,
  paint: Paint,
): [number, string, (text: string) => string][] {
  const { synRetransmits } = summary;
  if (synRetransmits === null) return [];
  const text = counted(synRetransmits, "SYN retransmit");
  if (synRetransmits === 0) return [[1, text, (same) => same]];
  return [[1, `${text} (SYN loss ${finePercent(synLossRatio(summary))})`, paint.warn]];
}

/** A column of the table of several targets, as wide as its widest cell. */
interface FigureColumn extends Omit<TableColumn, "width"> {
  text(of: Figures): string;
}

/** Between two columns. */
const GAP = 2;

function countColumn(
  title: string,
  worth: TableColumn["worth"],
  count: (of: Figures) => number | null,
): FigureColumn {
  return { title, worth, text: (of) => String(count(of) ?? "-") };
}

function timeColumn(
  title: string,
  worth: number | null,
  us: (of: Distribution) => number,
  quantile?: number,
): FigureColumn {
  const column = quantile === undefined ? { us } : { us, quantile };
  const text = (of: Figures) => {
    const delays = shownDelays(of);
    return delays === null ? "-" : delayText(delays, column);
  };
  return { title, worth, text };
}

/**
 * Columns of failures are left out later than columns of times: a count that is not 0 in some line
 * stays.
 */
const FIGURE_COLUMNS: readonly FigureColumn[] = [
  countColumn("sent", null, (of) => of.sent),
  countColumn("answered", 2, (of) => of.answered),
  countColumn("lost", null, (of) => of.lost),
  { title: "loss", worth: 5, text: (of) => percent(lossRatio(of)) },
  countColumn("refused", "silent", (of) => of.refused),
  countColumn("waiting", "silent", (of) => of.waiting),
  countColumn("skipped", "silent", (of) => of.skipped),
  countColumn("not sent", "silent", (of) => of.notSent),
  countColumn("SYN retr", 3, (of) => of.synRetransmits),
  { title: "SYN loss", worth: 4, text: (of) => finePercent(synLossRatio(of)) },
  timeColumn("min", 1, (of) => of.minUs),
  timeColumn("p50", 6, (of) => of.p50Us, 0.5),
  timeColumn("p99", null, (of) => of.p99Us, 0.99),
  timeColumn("max ms", null, (of) => of.maxUs),
];

/** Left out in this order where the shortest names leave no room for them. */
const LAST_RESORT = ["p99", "max ms"];

/** Cells that say nothing. */
const SILENT_CELLS = new Set(["0", "-", "0.0%"]);

/** What is known of the whole table before its first line. */
interface TableFacts {
  nameColumns: number;
  readonly columns: readonly (FigureColumn & { width: number })[];
  readonly silent: Set<TableColumn>;
  /** Columns of the longest word behind a line. */
  standIn: number;
  /** A quantile has too few samples. */
  few: boolean;
}

function factsOf({ targets, totals }: RunSummary, clock: string): TableFacts {
  const columns = FIGURE_COLUMNS.map((of) => ({ ...of, width: of.title.length + GAP }));
  const silent = new Set<TableColumn>(columns);
  const facts = { nameColumns: "target".length, columns, silent, standIn: 0, few: false };
  const note = (name: string, of: Figures) => {
    facts.nameColumns = Math.max(facts.nameColumns, columnsOf(showable(name)));
    facts.standIn = Math.max(facts.standIn, standIn(delayKind(of), clock).length);
    for (const column of columns) {
      const text = column.text(of);
      column.width = Math.max(column.width, text.length + GAP);
      if (!SILENT_CELLS.has(text)) silent.delete(column);
    }
    const delays = shownDelays(of);
    facts.few ||= delays !== null && tooFew(delays, 0.99);
  };
  for (const summary of targets) note(summary.target.name, summary);
  for (const total of totals) note(totalName(total), total);
  return facts;
}

/** After more lines than this the head of the table is written again. */
const HEAD_IN_SIGHT = 20;

/** One aligned line a target, then one for each group of them and one for all. */
function* manyTargets(run: RunSummary, style: SummaryStyle): Iterable<string> {
  const { targets } = run;
  const totals = tellingTotals(run.totals);
  const { paint, clock } = style;
  const facts = factsOf({ ...run, totals }, clock);
  const name = Math.min(facts.nameColumns, MAX_NAME_COLUMN);
  const room = style.columns - facts.standIn;
  let columns = fitting(facts.columns, facts.silent, room - name);
  for (const least of LAST_RESORT) {
    if (widthOf(columns) <= room - MIN_NAME_COLUMN) break;
    columns = columns.filter(({ title }) => title !== least);
  }
  const taken = facts.standIn + widthOf(columns);
  const width = Math.min(name, Math.max(MIN_NAME_COLUMN, style.columns - taken));
  const line = (name: string, of: Judged<Figures>) => {
    const cells = columns.map((column) => column.text(of).padStart(column.width)).join("");
    const text = fit(showable(name), width) + cells + standIn(delayKind(of), clock);
    const bad = of.answered === 0 || of.lost > 0 || of.crossed.length > 0;
    return bad ? paint.bad(text) : text;
  };
  const head = (title: string) => title.padEnd(width) + headOf(columns);
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
  if (facts.few) yield TOO_FEW;
  if (dropped > 0) {
    yield `${counted(dropped, "line")} ${dropped === 1 ? "was" : "were"} not exported`;
  }
}

/** The totals without those by a label whose groups have one target each: they repeat the targets' lines. */
function tellingTotals<T extends Total>(totals: readonly T[]): readonly T[] {
  const telling = new Set(
    totals.flatMap(({ group, targets }) => group !== null && targets > 1 ? [group[0]] : []),
  );
  return totals.filter(({ group }) => group === null || telling.has(group[0]));
}

/** The last summary of a target that is probed no more: its counts. */
export function goneLine(summary: Summary): string {
  return `${showable(summary.target.name)} gone: ${counts(summary, plain, Infinity).join("")}`;
}

function totalName({ group, targets }: Total): string {
  const name = group === null ? "total" : group.join("=");
  return `${name} (${counted(targets, "target")})`;
}

/** The name of the delays behind the figures, where they are not steady kernel RTTs. */
export function standIn(kind: DelayKind | null, clock: string): string {
  if (kind === null || kind === "rtt") return "";
  return `  ${kind === "connect" ? clock : kind}`;
}

/**
 * A target's line for scripts: its name, then `key=value` with fixed keys, times in ms, `-` where
 * nothing was measured.
 */
function scriptLine(summary: Summary): string {
  // A refused probe has a connect time, and no RTT.
  const mixed = summary.refused > 0 && delayKind(summary) === "connect";
  const delays = mixed ? null : shownDelays(summary);
  const ms = (us: number | undefined) => us === undefined ? "-" : millisText(us);
  const { sent, answered, lost, refused, waiting, skipped, notSent } = summary;
  const pairs = {
    address: summary.address === "" ? "-" : hostPort(summary.address, summary.target.port),
    sent,
    answered,
    lost,
    loss: percent(lossRatio(summary)),
    refused,
    waiting,
    skipped,
    not_sent: notSent,
    min_ms: ms(delays?.minUs),
    p50_ms: ms(delays?.p50Us),
    p99_ms: ms(delays?.p99Us),
    max_ms: ms(delays?.maxUs),
  };
  const text = Object.entries(pairs).map(([key, value]) => `${key}=${value}`).join(" ");
  return `${showable(summary.target.name)} ${text}`;
}
