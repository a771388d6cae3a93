/**
 * A matrix as text: in colour where the terminal has it, and readable without, since each cell also
 * holds its figure or the digit of its level. What does not fit the width gets smaller cells, then
 * becomes one cell a group; no line is longer than the width.
 */
import { type Coverage, dayOf, type Matrix, ninesOf } from "../../domain/matrix.ts";
import { percent } from "../../text/number.ts";
import {
  blockValue,
  type CellMark,
  isShare,
  MARK_TEXTS,
  markOf,
  type Metric,
  METRIC_TITLES,
  shortText,
  valueOf,
} from "./metric.ts";
import { type Group, groupTitle } from "../../domain/mesh_node.ts";
import { levelOf, LEVELS, levelStart, type Scale, scaleFor } from "./scale.ts";
import { columnsOf, cut, fit, showable } from "../../text/columns.ts";
import { counted, wrap } from "../../text/words.ts";
import { roughDuration } from "../../text/duration.ts";
import { TERMINAL_LEVELS } from "./palette.ts";
import type { Finding } from "../../domain/finding.ts";
import type { Paint } from "../paint.ts";

export interface TerminalStyle {
  readonly columns: number;
  readonly colour: boolean;
}

const MAX_NAME = 24;
/** Columns of a cell, from roomy to narrow; the roomy one shows figures. */
const CELL_WIDTHS = [6, 2, 1] as const;
const FIGURES_WIDTH = 6;
const MARKS: Readonly<Record<CellMark, string>> = {
  silent: "x",
  refused: "r",
  missing: ".",
  self: "\\",
};
/** Where a text was cut; ASCII, as is all of the matrix. */
const CUT_MARK = "~";

/** With a title and a legend; ends in a newline. */
export function terminalMatrix(matrix: Matrix, metric: Metric, style: TerminalStyle): string {
  const scale = scaleFor(matrix, metric);
  const width = CELL_WIDTHS.find((cell) => neededColumns(matrix, cell) <= style.columns);
  const unit = isShare(metric) ? "" : ", ms";
  const lines = [`${METRIC_TITLES[metric]}${unit}: from the node of the row to that of the column`];
  if (width !== undefined) lines.push(...nodeLines(matrix, scale, width, style));
  else {
    lines.push(
      `${matrix.size} nodes do not fit: groups by ${matrix.key} (--html draws every pair)`,
      ...groupLines(matrix, scale, style),
    );
  }
  lines.push(...legendLines(scale, style, hasRefused(matrix)));
  // Lines with colours already fit. Others are cut here.
  return lines.map((line) =>
    `${line.includes("\u001b") ? line : cut(line, style.columns, CUT_MARK)}\n`
  )
    .join("");
}

/** How the last day was of the whole mesh; null where no node has a target. */
export function dayText(matrix: Matrix): string | null {
  const day = dayOf(matrix, matrix.nodes.map((_, node) => node));
  if (day === null || Number.isNaN(day.met)) return null;
  const { windows, met, sent, established } = day;
  return `the last day: ${percent(met / windows)} of ${
    counted(windows, "window")
  } of five minutes met ` +
    `the target, connectivity ${ninesOf(day).toFixed(1)} nines ` +
    `(${sent - established} of ${counted(sent, "handshake")} not established)`;
}

/** `12 of 12 rows, 132 pairs, window 5m`. */
export function coverageText(of: Coverage): string {
  const parts = [`${of.rows} of ${counted(of.nodes, "row")}`];
  if (of.stale > 0) parts.push(`${of.stale} of them stale`);
  parts.push(counted(of.pairs, "pair"));
  if (of.windowMs > 0) parts.push(`window ${roughDuration(of.windowMs)}`);
  if (of.oldestMs >= 1000) parts.push(`the oldest row ${roughDuration(of.oldestMs)} old`);
  return parts.join(", ");
}

/** Whether some pair is refused now. */
function hasRefused(matrix: Matrix): boolean {
  for (let from = 0; from < matrix.size; from++) {
    for (let to = 0; to < matrix.size; to++) {
      if (matrix.state(from, to) === "refused") return true;
    }
  }
  return false;
}

function nameWidth(matrix: Matrix): number {
  const widths = matrix.nodes.map(({ name }) => columnsOf(showable(name)));
  return Math.min(MAX_NAME, Math.max(4, ...widths));
}

/** The name, the node's number, the cells, and a bar between groups. */
function neededColumns(matrix: Matrix, cell: number): number {
  return nameWidth(matrix) + 1 + String(matrix.size).length + 1 + matrix.size * cell +
    matrix.groups.length - 1;
}

function nodeLines(
  matrix: Matrix,
  scale: Scale,
  cell: number,
  style: TerminalStyle,
): string[] {
  const digits = String(matrix.size).length;
  const margin = nameWidth(matrix) + 1 + digits + 1;
  const lines = headLines(matrix, cell, margin);
  for (const group of matrix.groups) {
    if (matrix.groups.length > 1) {
      lines.push(cut(showable(`${matrix.key}=${groupTitle(group)}`), style.columns, CUT_MARK));
    }
    for (let from = group.from; from < group.to; from++) {
      const name = fit(showable(matrix.nodes[from].name), nameWidth(matrix), CUT_MARK);
      const cells = betweenGroups(matrix, (to) => cellText(matrix, scale, from, to, cell, style));
      const room = style.columns - neededColumns(matrix, cell) - 2;
      const note = rowNote(matrix, from);
      const tail = note === "" || room < note.length ? "" : `  ${note}`;
      lines.push(`${name} ${String(from + 1).padStart(digits)} ${cells}${tail}`);
    }
  }
  lines.push(...rowNotes(matrix, style.columns));
  return lines;
}

/** The numbers of the columns, in as many lines as they have digits where cells are narrow. */
function headLines(matrix: Matrix, cell: number, margin: number): string[] {
  const blank = " ".repeat(margin);
  if (cell === FIGURES_WIDTH) {
    return [blank + betweenGroups(matrix, (to) => String(to + 1).padStart(cell))];
  }
  const digits = String(matrix.size).length;
  return Array.from({ length: digits }, (_, line) =>
    (blank + betweenGroups(matrix, (to) => {
      const number = String(to + 1).padStart(digits);
      // With many nodes, tens and hundreds stand only at the first column they change in.
      const first = to === 0 || to % 10 ** (digits - 1 - line) === 10 ** (digits - 1 - line) - 1;
      return (first || line === digits - 1 ? number[line] : " ").padEnd(cell);
    })).trimEnd());
}

function betweenGroups(matrix: Matrix, of: (node: number) => string): string {
  return matrix.groups.map(({ from, to }) =>
    Array.from({ length: to - from }, (_, i) => of(from + i)).join("")
  ).join("|");
}

function cellText(
  matrix: Matrix,
  scale: Scale,
  from: number,
  to: number,
  width: number,
  style: TerminalStyle,
): string {
  const mark = markOf(matrix, scale.metric, from, to);
  if (mark !== null) return MARKS[mark].padStart(width === FIGURES_WIDTH ? width : 1).padEnd(width);
  const value = valueOf(matrix, scale.metric, from, to);
  const level = levelOf(scale, value);
  const text = width === FIGURES_WIDTH
    ? shortText(scale.metric, value).padStart(width)
    : String(level).padEnd(width);
  return painted(text, level, style);
}

function painted(text: string, level: number, { colour }: TerminalStyle): string {
  if (!colour) return text;
  const { background, text: on } = TERMINAL_LEVELS[level];
  return `\u001b[48;5;${background};38;5;${on}m${text}\u001b[0m`;
}

function rowNote(matrix: Matrix, node: number): string {
  const row = matrix.row(node);
  if (row.kind === "missing") return "no row";
  return row.kind === "stale" ? `stale, ${roughDuration(row.ageMs)} old` : "";
}

/** Why rows are missing, below the matrix where there is room for words. */
function rowNotes(matrix: Matrix, columns: number): string[] {
  const reasons = Map.groupBy(
    matrix.nodes.flatMap(({ name }, i) => {
      const row = matrix.row(i);
      return row.kind === "missing" ? [{ name, reason: row.reason }] : [];
    }),
    ({ reason }) => reason,
  );
  return [...reasons].map(([reason, rows]) =>
    cut(
      showable(`no row (${reason}): ${rows.map(({ name }) => name).join(", ")}`),
      columns,
      CUT_MARK,
    )
  );
}

const BLOCK_WIDTH = 7;

/** Groups that fit; what does not is counted. */
function groupLines(matrix: Matrix, scale: Scale, style: TerminalStyle): string[] {
  const titles = matrix.groups.map((group) => showable(groupTitle(group)));
  const width = Math.min(MAX_NAME, Math.max(4, ...titles.map(columnsOf)));
  const digits = String(titles.length).length;
  const margin = width + 1 + digits + 1;
  const shown = Math.max(
    1,
    Math.min(titles.length, Math.floor((style.columns - margin) / BLOCK_WIDTH)),
  );
  const some = matrix.groups.slice(0, shown);
  const lines = [
    " ".repeat(margin) + some.map((_, i) => String(i + 1).padStart(BLOCK_WIDTH)).join(""),
    ...some.map((from, i) =>
      `${fit(titles[i], width, CUT_MARK)} ${String(i + 1).padStart(digits)} ` +
      some.map((to) => blockText(matrix, scale, from, to, style)).join("")
    ),
  ];
  if (shown < titles.length) lines.push(`and ${titles.length - shown} more groups`);
  return [...lines, ...rowNotes(matrix, style.columns)];
}

function blockText(
  matrix: Matrix,
  scale: Scale,
  from: Group,
  to: Group,
  style: TerminalStyle,
): string {
  const value = blockValue(matrix, scale.metric, from, to);
  if (Number.isNaN(value)) return MARKS.missing.padStart(BLOCK_WIDTH);
  const text = shortText(scale.metric, value).padStart(BLOCK_WIDTH);
  return painted(text, levelOf(scale, value), style);
}

function legendLines(scale: Scale, style: TerminalStyle, anyRefused: boolean): string[] {
  const steps = Array.from({ length: LEVELS }, (_, level) => {
    const text = ` ${level} ${shortText(scale.metric, levelStart(scale, level))} `;
    return { text: painted(text, level, style), length: text.length };
  });
  const lines = [""];
  let used = 0;
  for (const { text, length } of steps) {
    if (used + length > style.columns) {
      lines.push("");
      used = 0;
    }
    lines[lines.length - 1] += text;
    used += length;
  }
  const shown: readonly CellMark[] = anyRefused
    ? ["silent", "refused", "missing", "self"]
    : ["silent", "missing", "self"];
  const marks = shown.map((mark) => `${MARKS[mark]} ${MARK_TEXTS[mark]}`).join("  ");
  return [
    ...lines.map((line) => style.colour ? line : line.trim()),
    cut(marks, style.columns, CUT_MARK),
  ];
}

/** Lines of no more than the terminal's columns, however long a sentence is; ends in a newline. */
export function findingsText(
  findings: readonly Finding[],
  of: Coverage,
  paint: Paint,
  columns: number,
): string {
  if (of.pairs === 0) return `triage: nothing to judge (${coverageText(of)})\n`;
  if (findings.length === 0) return `triage: nothing stands out (${coverageText(of)})\n`;
  const alarms = findings.filter(({ severity }) => severity !== "notice").length;
  const head = alarms === 0
    ? "nothing stands out, but"
    : alarms === 1
    ? "1 thing stands out"
    : `${alarms} things stand out`;
  const lines = findings.flatMap((finding) => {
    const mark = `${finding.severity.padEnd(8)}  `;
    const [first, ...rest] = foldedText(`${finding.layer}: ${finding.text}`, columns - mark.length);
    const word = paintOf(finding, paint)(finding.severity);
    return [`${word}${mark.slice(finding.severity.length)}${first}`]
      .concat(rest.map((line) => " ".repeat(mark.length) + line));
  });
  const title = foldedText(`triage: ${head} (${coverageText(of)})`, columns);
  return `${[...title, ...lines].join("\n")}\n`;
}

/** Lines of words; never narrower than a few of them. */
function foldedText(text: string, columns: number): string[] {
  return wrap(text.split(" "), Math.max(20, columns));
}

function paintOf({ severity }: Finding, paint: Paint): (text: string) => string {
  if (severity === "critical") return paint.bad;
  return severity === "warning" ? paint.warn : (text) => text;
}
