/** A report of connections as text for people, in the columns of a terminal. */
import {
  type ConnectionGroup,
  type ConnectionReport,
  retransmittedRatio,
  type RttSpread,
} from "../domain/connection.ts";
import { columnsOf, cut, fit, showable } from "../text/columns.ts";
import { durationText } from "../text/duration.ts";
import { millisInEight, percent } from "../text/number.ts";
import { counted, wrap } from "../text/words.ts";
import type { Paint } from "./paint.ts";

/** The columns behind the group's name; those that fit are shown, in this order. */
const COLUMNS: readonly {
  readonly title: string;
  readonly width: number;
  text(group: ConnectionGroup, seconds: number): string;
}[] = [
  { title: "conns", width: 7, text: ({ connections }) => String(connections) },
  {
    title: "min",
    width: 9,
    text: ({ minRttUs }) => minRttUs === null ? "-" : millisInEight(minRttUs),
  },
  { title: "p50", width: 9, text: (group) => roundTrip(group, ({ p50Us }) => p50Us) },
  { title: "p99 ms", width: 9, text: (group) => roundTrip(group, ({ p99Us }) => p99Us) },
  { title: "resent", width: 8, text: (group) => percent(retransmittedRatio(group)) },
  { title: "in/s", width: 8, text: ({ bytesIn }, seconds) => size(bytesIn / seconds) },
  { title: "out/s", width: 8, text: ({ bytesOut }, seconds) => size(bytesOut / seconds) },
  { title: "opened", width: 8, text: ({ opened }) => String(opened) },
  { title: "closed", width: 8, text: ({ closed }) => String(closed) },
];
/** Columns that a report has at least, however narrow the terminal. */
const LEAST_COLUMNS = 4;
const MIN_NAME_COLUMNS = 21;
const MAX_NAME_COLUMNS = 48;
/** The mark before a round trip that includes the peer's own time. */
const REPLY_MARK = "~";

export function connectionLines(
  report: ConnectionReport,
  width: number,
  paint: Paint,
): string[] {
  const look = lookOf(report.groups, width);
  const out = report.groups.filter(({ direction }) => direction === "out");
  const others = report.groups.filter(({ direction }) => direction === null);
  const accepted = report.groups.filter(({ direction }) => direction === "in");
  const seconds = report.intervalMs / 1000;
  const section = (title: string, groups: readonly ConnectionGroup[]) =>
    groups.length === 0 ? [] : [
      "",
      heading(title, look),
      ...groups.flatMap((group) => groupLines(group, seconds, look, paint)),
    ];
  return [
    ...headLines(report, width),
    ...section("opened here", out),
    ...section("accepted here", accepted),
    ...portLines(report, width, paint),
    ...section("others", others),
    ...footLines(report.groups, width),
  ];
}

interface Look {
  readonly width: number;
  readonly nameColumns: number;
  /** How many of COLUMNS fit. */
  readonly columns: number;
}

function lookOf(groups: readonly ConnectionGroup[], width: number): Look {
  const longest = Math.max(MIN_NAME_COLUMNS, ...groups.map((group) => columnsOf(nameOf(group))));
  let columns = COLUMNS.length;
  const taken = () => COLUMNS.slice(0, columns).reduce((sum, { width }) => sum + width, 0);
  while (columns > LEAST_COLUMNS && taken() + MIN_NAME_COLUMNS > width) columns--;
  const nameColumns = Math.max(
    MIN_NAME_COLUMNS,
    Math.min(MAX_NAME_COLUMNS, longest, width - taken()),
  );
  return { width, nameColumns, columns };
}

function headLines({ totals, intervalMs }: ConnectionReport, width: number): string[] {
  const { connections, groups, activeOpens, passiveOpens, listenOverflows } = totals;
  const counts = `${counted(connections, "connection")} in ${counted(groups, "group")} over ` +
    shortTime(intervalMs);
  const opens = activeOpens === null
    ? []
    : [`this machine opened ${activeOpens} and accepted ${passiveOpens}`];
  const overflows = (listenOverflows ?? 0) > 0
    ? [`accept queues were too full ${listenOverflows} times (all ports together)`]
    : [];
  const parts = [counts, ...opens, ...overflows];
  if (totals.untracked > 0) parts.push(`${totals.untracked} more sockets than are kept`);
  if (totals.incomplete) parts.push("the kernel's tables changed meanwhile: some may be missing");
  return lines(parts.join("; "), width);
}

function shortTime(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)}s` : durationText(Math.round(ms / 1000) * 1000);
}

function heading(title: string, { nameColumns, columns }: Look): string {
  const titles = COLUMNS.slice(0, columns).map(({ title, width }) => title.padStart(width));
  return fit(title, nameColumns) + titles.join("");
}

function groupLines(
  group: ConnectionGroup,
  seconds: number,
  { width, nameColumns, columns }: Look,
  paint: Paint,
): string[] {
  const cells = COLUMNS.slice(0, columns)
    .map(({ text, width }) => text(group, seconds).padStart(width));
  const name = nameOf(group);
  // The name is the subject of the line: one that is too long has a line of its own.
  const above = columnsOf(name) > nameColumns ? [cut(name, width)] : [];
  const line = fit(above.length > 0 ? "" : name, nameColumns) + cells.join("");
  const more = moreOf(group);
  const notes = [
    ...(more === "" ? [] : lines(more, width, "  ", "  ")),
    ...group.verdicts.flatMap(({ verdict, evidence }) =>
      lines(`${verdictTitle(verdict)}: ${evidence}`, width, "  ", "    ").map(paint.bad)
    ),
  ];
  const own = [...above, line];
  return [...(group.verdicts.length > 0 ? own.map(paint.bad) : own), ...notes];
}

function verdictTitle(verdict: string): string {
  return verdict.replaceAll("_", " ");
}

/** Figures that most groups do not have. */
function moreOf({ connecting, closeWait, handshake }: ConnectionGroup): string {
  const parts = [];
  if (connecting > 0) parts.push(`${connecting} connecting`);
  if (closeWait > 0) parts.push(`${closeWait} in CLOSE_WAIT`);
  if (handshake !== null) {
    parts.push(`handshake beside ${millisInEight(handshake.p50Us)} ms (p50 of ${handshake.count})`);
  }
  return parts.join(", ");
}

function portLines(
  { listening }: ConnectionReport,
  width: number,
  paint: Paint,
): string[] {
  return listening.flatMap(({ port, waiting, limit, drops }) => {
    const text = `port ${port}: accept queue ${waiting} of ${limit}, ${drops} dropped`;
    const wrapped = lines(text, width, "", "  ");
    return waiting > limit || drops > 0 ? wrapped.map(paint.bad) : wrapped;
  });
}

function footLines(groups: readonly ConnectionGroup[], width: number): string[] {
  const marked = groups.some(({ rtt, replyRtt }) => rtt === null && replyRtt !== null);
  if (!marked) return [];
  return [
    "",
    ...lines(
      `${REPLY_MARK} acknowledgements may have waited for replies, so the peer's thinking is in it; ` +
        "min is the network's",
      width,
      "",
      "  ",
    ),
  ];
}

function nameOf({ group, peerName, owner }: ConnectionGroup): string {
  const parts = [group, ...(peerName === null ? [] : [peerName])];
  const names = parts.join(" ");
  return showable(owner === null ? names : `${names} [${owner}]`);
}

function roundTrip(
  { rtt, replyRtt }: ConnectionGroup,
  of: (spread: RttSpread) => number,
): string {
  if (rtt !== null) return millisInEight(of(rtt));
  return replyRtt === null ? "-" : `${REPLY_MARK}${millisInEight(of(replyRtt))}`;
}

/** A text in lines of at most so many columns, the first and the others with their indents. */
function lines(text: string, width: number, first = "", others = ""): string[] {
  return wrap(text.split(" "), width - others.length)
    .map((line, i) => `${i === 0 ? first : others}${line}`);
}

const UNITS = ["B", "K", "M", "G", "T"];

/** Bytes in powers of 1000 and at most six columns. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return value === 0 ? "0" : `${value.toFixed(digits)}${UNITS[unit]}`;
}

/** The lines cut to a screen that must not wrap them. */
export function cutLines(lines: readonly string[], columns: number): string[] {
  return lines.map((line) => cut(line, columns));
}
