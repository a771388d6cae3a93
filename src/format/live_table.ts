/** The live table as lines that fit the screen. Small screens show less of it. */
import { counted, wrap } from "../text/words.ts";
import { type HostPressure, shortOf } from "../domain/host_pressure.ts";
import { millisInEight, percentInWords, percentNotZero } from "../text/number.ts";
import { shareOf } from "../domain/summary.ts";
import { columnsOf, cut, fit } from "../text/columns.ts";
import type { LivePaint } from "./paint.ts";
import { MARK, sparkline, SPARKLINE_LEGEND } from "./sparkline.ts";

/** A target's figures; times in µs, null where there is none. */
export interface LiveRow {
  /** Showable. */
  readonly name: string;
  readonly sent: number;
  /** Sent, and the fate is not known yet. */
  readonly waiting: number;
  readonly lost: number;
  readonly answered: number;
  /** The last probe's RTT or its MARK. */
  readonly last: number | null;
  readonly p50Us: number | null;
  readonly p99Us: number | null;
  readonly maxUs: number | null;
  /** The three are of cold RTTs or connect times, since there is no steady kernel RTT. */
  readonly standIn: boolean;
  /** Null where the kernel does not tell. */
  readonly synRetransmits: number | null;
  /** The last `count` values, oldest first: times in µs, or MARKs. */
  history(count: number): Iterable<number>;
  /** The target's best time, for the foot of its sparkline. */
  readonly leastUs: number;
}

/** All targets together. */
export interface LiveTotals {
  readonly targets: number;
  readonly sent: number;
  /** Sent, and the fate is not known yet. */
  readonly waiting: number;
  readonly answered: number;
  readonly lost: number;
  readonly skipped: number;
  readonly notSent: number;
  readonly lagP99Us: number | null;
  /** Of this host; null where the system does not tell. */
  readonly pressure: HostPressure | null;
}

export interface LiveTable {
  /** What is probed. */
  readonly title: string;
  /** How far the run is. */
  readonly progress: string;
  readonly totals: LiveTotals;
  /** Those that are shown, as many as the layout has room for. */
  readonly rows: readonly LiveRow[];
  /** How many come before them. */
  readonly before: number;
  /** The order in words. */
  readonly order: string;
  /** Columns of the longest name of all, shown or not: pages do not shift. */
  readonly nameColumns: number;
  /** The last thing said on stderr, showable. */
  readonly notice: string | null;
  /** Whether the keys work. */
  readonly keys: boolean;
}

/** Which lines a screen has room for. */
export interface Layout {
  readonly rows: number;
  readonly titles: boolean;
  readonly header: boolean;
  readonly totals: boolean;
  readonly notice: boolean;
  readonly footer: boolean;
  /** Lines of help; none when it is not wanted. */
  readonly help: readonly string[];
}

/** Phrases of the help; they are wrapped to the screen's width. */
const HELP = [
  "q quit",
  "w worst first: loss, then p99",
  "n by name",
  "o as given",
  "↑ ↓ PgUp PgDn space Home End page",
  "Ctrl-L draws anew",
  "? ends this help",
  "~ cold or connect times, where there is no steady kernel RTT",
  ...SPARKLINE_LEGEND,
];

/** Chooses the parts that fit the height. The first line of the table comes first, then the most useful parts. */
export function layoutOf(
  width: number,
  height: number,
  wanted: { readonly notice: boolean; readonly help: boolean },
): Layout {
  let room = height - 1;
  const help = wanted.help
    ? wrap(HELP.map((phrase) => cut(phrase, width)), width, "  ").slice(0, Math.max(0, room))
    : [];
  room -= help.length;
  const take = (wish: boolean) => {
    const fits = wish && room > 0;
    if (fits) room--;
    return fits;
  };
  const titles = take(true);
  const header = take(true);
  const notice = take(wanted.notice);
  const totals = take(true);
  const footer = take(!wanted.help);
  return { rows: Math.max(0, room + 1), titles, header, totals, notice, footer, help };
}

/** The lines of a screen, from its top; none is wider than `width` columns. */
export function liveTable(
  table: LiveTable,
  layout: Layout,
  width: number,
  paint: LivePaint,
): string[] {
  const plan = planOf(table.nameColumns, width);
  const lines: string[] = [];
  if (layout.header) lines.push(headerLine(table, width, paint));
  if (layout.totals) lines.push(totalsLine(table.totals, width, paint));
  if (layout.titles) lines.push(paint.heading(titleLine(plan, width)));
  for (const row of table.rows.slice(0, layout.rows)) lines.push(rowLine(row, plan, paint));
  // Empty rows keep the foot at the bottom of the screen.
  for (let i = table.rows.length; i < layout.rows; i++) lines.push("");
  if (layout.notice) lines.push(paint.warn(cut(table.notice ?? "", width)));
  lines.push(...layout.help);
  if (layout.footer) lines.push(paint.faint(cut(footer(table, layout), width)));
  return lines;
}

/** A column of figures: its title, its width with the gap before it, what it holds. */
interface Column {
  readonly title: string;
  readonly width: number;
  /** Columns with a lower rank are left out later. */
  readonly rank: number;
  cell(row: LiveRow): string;
  looks?(row: LiveRow): "bad" | "warn" | null;
}

const COLUMNS: readonly Column[] = [
  { title: "sent", width: 8, rank: 6, cell: ({ sent }) => String(sent) },
  {
    title: "last",
    width: 10,
    rank: 3,
    cell: ({ last }) => last === null ? "-" : lastText(last),
    looks: ({ last }) => last === null || last >= 0 ? null : lastLooks(last),
  },
  { title: "p50", width: 10, rank: 4, cell: (row) => figure(row.p50Us, row) },
  { title: "p99", width: 10, rank: 2, cell: (row) => figure(row.p99Us, row) },
  { title: "max ms", width: 10, rank: 7, cell: (row) => figure(row.maxUs, row) },
  {
    title: "loss",
    width: 7,
    rank: 1,
    cell: lossText,
    looks: ({ lost }) => lost > 0 ? "bad" : null,
  },
  {
    title: "retr",
    width: 6,
    rank: 5,
    cell: ({ synRetransmits }) => String(synRetransmits ?? "-"),
    looks: ({ synRetransmits }) => (synRetransmits ?? 0) > 0 ? "warn" : null,
  },
];

const RANKED = COLUMNS.toSorted((a, b) => a.rank - b.rank);

/** The sparkline is chosen after the columns up to this rank. */
const SPARKLINE_RANK = 4;
/** Longer names are chosen after the columns up to this rank. */
const NAME_RANK = 5;
/** The gap before the sparkline, and the least of it that is of use. */
const SPARKLINE_GAP = 2;
const MIN_SPARKLINE = 8;
const SPARKLINE_TITLE = "history";
/** Columns of names: at least, before any figure is chosen, and at most. */
const MIN_NAME = 12;
const MAX_NAME = 40;

interface Plan {
  readonly name: number;
  readonly columns: readonly Column[];
  readonly sparkline: number;
}

/** Chooses the columns that fit the width, the most useful first. The sparkline takes what is left. */
function planOf(longestName: number, width: number): Plan {
  const wanted = Math.min(Math.max(longestName, "target".length), MAX_NAME);
  let name = Math.min(wanted, MIN_NAME, width);
  let room = width - name;
  const taken = new Set<Column>();
  const take = (above: number, upTo: number) => {
    for (const column of RANKED) {
      if (column.rank <= above || column.rank > upTo || room < column.width) continue;
      room -= column.width;
      taken.add(column);
    }
  };
  take(0, SPARKLINE_RANK);
  const sparkline = room >= SPARKLINE_GAP + MIN_SPARKLINE ? MIN_SPARKLINE : 0;
  if (sparkline > 0) room -= SPARKLINE_GAP + MIN_SPARKLINE;
  take(SPARKLINE_RANK, NAME_RANK);
  const more = Math.min(wanted - name, room);
  name += more;
  room -= more;
  take(NAME_RANK, Infinity);
  const columns = COLUMNS.filter((column) => taken.has(column));
  return { name, columns, sparkline: sparkline > 0 ? sparkline + room : 0 };
}

function headerLine({ title, progress }: LiveTable, width: number, paint: LivePaint): string {
  const room = width - columnsOf(progress) - 2;
  // A narrow screen shows only what is probed.
  if (room < MIN_NAME) return paint.strong(cut(title, width));
  return `${paint.strong(fit(title, room))}  ${progress}`;
}

function totalsLine(totals: LiveTotals, width: number, paint: LivePaint): string {
  const { targets, sent, answered, lost, skipped, notSent, waiting, lagP99Us, pressure } = totals;
  const parts = [counted(targets, "target"), `${answered} answered`];
  const loss = lost === 0 ? "" : ` (${percentNotZero(shareOf(lost, sent - waiting))})`;
  parts.push(`${lost} lost${loss}`, `${skipped} skipped`);
  if (notSent > 0) parts.push(`${notSent} not sent`);
  if (lagP99Us !== null) parts.push(`lag p99 ${millisInEight(lagP99Us)} ms`);
  const short = shortOf(pressure);
  const shares = short.map((name) => `${name} ${percentInWords(pressure?.[name] ?? 0)}`);
  if (shares.length > 0) parts.push(`host pressure: ${shares.join(", ")}`);
  const line = cut(parts.join("  "), width);
  if (lost === 0 && notSent === 0 && short.length > 0) return paint.warn(line);
  return lost > 0 || notSent > 0 ? paint.bad(line) : skipped > 0 ? paint.warn(line) : line;
}

function titleLine({ name, columns, sparkline }: Plan, width: number): string {
  const titles = columns.map(({ title, width }) => title.padStart(width)).join("");
  const spark = sparkline === 0 ? "" : " ".repeat(SPARKLINE_GAP) + SPARKLINE_TITLE;
  return fit(fit("target", name) + titles + spark, width);
}

function rowLine(row: LiveRow, plan: Plan, paint: LivePaint): string {
  const silent = row.answered === 0 && row.last !== null && row.last !== MARK.skipped;
  const name = fit(row.name, plan.name);
  let line = silent ? paint.bad(name) : name;
  for (const { cell, width, looks } of plan.columns) {
    const text = cell(row).padStart(width);
    const looksLike = looks?.(row) ?? null;
    line += looksLike === null ? text : paint[looksLike](text);
  }
  if (plan.sparkline === 0) return line;
  const spark = sparkline(row.history(plan.sparkline), row.leastUs, paint);
  return line + " ".repeat(SPARKLINE_GAP) + spark;
}

function footer({ before, rows, totals, order, keys }: LiveTable, layout: Layout): string {
  const shown = Math.min(rows.length, layout.rows);
  const what = shown === totals.targets
    ? `all ${totals.targets}`
    : `${before + 1}-${before + shown} of ${totals.targets}`;
  const hint = keys ? "q quit  ? help  w n o order  PgUp PgDn page" : "Ctrl-C ends";
  return `${what}, ${order}  ${hint}`;
}

function lastText(last: number): string {
  if (last === MARK.lost) return "lost";
  if (last === MARK.refused) return "refused";
  if (last === MARK.skipped) return "skipped";
  return last === MARK.unsent
    ? "not sent"
    : last === MARK.retransmitted
    ? "SYN again"
    : millisInEight(last);
}

function lastLooks(last: number): "bad" | "warn" {
  return last === MARK.lost || last === MARK.unsent ? "bad" : "warn";
}

function lossText({ lost, sent, waiting }: LiveRow): string {
  return percentNotZero(shareOf(lost, sent - waiting));
}

function figure(us: number | null, { standIn }: LiveRow): string {
  return us === null ? "-" : `${standIn ? "~" : ""}${millisInEight(us)}`;
}
