/** A trace as text for people: a line a hop and address, or the table of a repeated one. Pure. */
import { counted } from "../text/words.ts";
import { millisInEight, millisText, percent } from "../text/number.ts";
import { shareOf } from "../domain/summary.ts";
import {
  type Hop,
  type HopAddress,
  type HopSample,
  type IcmpExtensions,
  type InterfaceInfo,
  isReached,
  type PathEnd,
  type PathMtu,
  type PlainHandshake,
  type TraceReport,
} from "../domain/path.ts";
import { shown } from "../text/quote.ts";
import { NONE } from "../domain/probe_record.ts";
import { hostPort } from "../domain/target.ts";
import { cut } from "../text/columns.ts";
import type { Paint } from "./paint.ts";

const HOP_COLUMN = 3;
/** Room for `12345.678`. */
const TIME_COLUMN = 10;
/** The table's columns behind the address: counts, and times of at most eight characters. */
const SENT_COLUMN = 6;
const LOSS_COLUMN = 7;
const TABLE_TIME_COLUMN = 9;
const TIMES: readonly (readonly [title: string, us: (of: HopAddress) => number])[] = [
  ["last", ({ lastUs }) => lastUs],
  ["min", ({ rtt }) => rtt.distribution()?.minUs ?? NONE],
  ["avg", ({ rtt }) => rtt.distribution()?.avgUs ?? NONE],
  ["max", ({ rtt }) => rtt.distribution()?.maxUs ?? NONE],
  ["stddev", ({ rtt }) => rtt.distribution()?.stddevUs ?? NONE],
  ["jitter", ({ jitter }) => jitter.avgUs],
];
/** Left out in this order where a line would be too long. */
const LEAST_WORTH: readonly string[] = ["stddev", "last"];
const ADDRESS_TITLE = "address";
/** Labels are padded up to here; a longer one pushes its own line's columns. */
const MAX_LABEL_COLUMN = 48;
/** An IPv4 address is not cut, whatever else has no place then. */
const MIN_LABEL_COLUMN = 15;

/** A line and its tone, which says how alarming it is. */
export interface TonedLine {
  readonly tone: "plain" | "warn" | "bad";
  readonly text: string;
}

export function painted({ tone, text }: TonedLine, paint: Paint): string {
  return tone === "plain" ? text : paint[tone](text);
}

const plainly = (text: string): TonedLine => ({ tone: "plain", text });
const warning = (text: string): TonedLine => ({ tone: "warn", text });
const bad = (text: string): TonedLine => ({ tone: "bad", text });

/** What a trace is about, in one line. */
export function introduction(report: TraceReport): string {
  const { host, address, port, protocol, paths, flow, maxHops, sizeBytes } = report;
  const to = host === address ? address : `${shown(host)} (${address})`;
  const flows = flow === "varied"
    ? "each probe a flow of its own"
    : paths === 1
    ? "one flow"
    : `${paths} flows`;
  const parts = [
    `trace to ${to}${port === null ? "" : ` port ${port}`} by ${protocol}`,
    flows,
    `at most ${maxHops} hops`,
    ...(sizeBytes === null ? [] : [`${sizeBytes} bytes`]),
  ];
  return parts.join(", ");
}

/** The lines of a single trace: each probe's round trip by itself. */
export function traceLines(report: TraceReport, paint: Paint): string[] {
  const width = labelWidth(report);
  const lines: string[] = [introduction(report)];
  for (const group of grouped(report.hops)) {
    if (group.length > 1) {
      lines.push(paint.warn(groupLine(group)));
    } else lines.push(...hopLines(group[0], report, width, paint));
  }
  return [...lines, ...endLines(report).map((line) => painted(line, paint))];
}

/** The lines of a repeated trace: each address's figures over all rounds, as many as fit into the columns. */
export function traceTable(report: TraceReport, paint: Paint, columns: number): string[] {
  return tableLines(report, columns, false).map((line) => painted(line, paint));
}

/** The same before they are painted; a screen that redraws has addresses cut, too. */
export function tableLines(report: TraceReport, columns: number, live: boolean): TonedLine[] {
  const look = lookOf(report, columns, live);
  const head = `${"hop".padStart(HOP_COLUMN)}  ${ADDRESS_TITLE.padEnd(look.width)}` +
    "sent".padStart(SENT_COLUMN) + "loss".padStart(LOSS_COLUMN) +
    look.times.map(([title]) => title.padStart(TABLE_TIME_COLUMN)).join("");
  const lines = [`${introduction(report)}, ${report.rounds} rounds`, head].map(plainly);
  for (const group of grouped(report.hops)) {
    if (group.length > 1) {
      lines.push(warning(groupLine(group)));
      continue;
    }
    const [hop] = group;
    if (hop.addresses.length === 0) lines.push(warning(tableRow(hop, null, true, look)));
    for (const [i, of] of hop.addresses.entries()) {
      const line = tableRow(hop, of, i === 0, look);
      lines.push(i === 0 && hop.answered < hop.sent ? warning(line) : plainly(line));
    }
  }
  // Before the first round is over, nobody knows how the path ends.
  const early = live && report.end === null && report.rounds < 2;
  return early ? lines : [...lines, ...endLines(report)];
}

/** Silent hops in a row together, all others alone. */
function grouped(hops: readonly Hop[]): Hop[][] {
  const groups: Hop[][] = [];
  for (const hop of hops) {
    const last = groups[groups.length - 1];
    const joins = hop.answered === 0 && last !== undefined && last[0].answered === 0 &&
      (hop.sent === 0) === (last[0].sent === 0);
    if (joins) last.push(hop);
    else groups.push([hop]);
  }
  return groups;
}

function silentLine(first: number, last: number, what = "no answer"): string {
  const which = first === last ? `${first}` : `${first}-${last}`;
  return `${which.padStart(HOP_COLUMN)}  ${what}`;
}

/** Of hops without an answer. */
function groupLine(group: readonly Hop[]): string {
  const what = group[0].sent === 0 ? "not sent" : "no answer";
  return silentLine(group[0].hops, group[group.length - 1].hops, what);
}

function hopLines(hop: Hop, report: TraceReport, width: number, paint: Paint): string[] {
  const number = `${hop.hops}`.padStart(HOP_COLUMN);
  if (hop.addresses.length === 0) return [paint.warn(groupLine([hop]))];
  const lines = hop.addresses.map((of, i) => {
    // Nobody knows which address lost a probe, so lost ones stand with the first.
    const samples = hop.samples.filter(({ address }) =>
      address === of.address || (i === 0 && address === null)
    );
    const parts = [
      `${i === 0 ? number : " ".repeat(HOP_COLUMN)}  ${label(of, report).padEnd(width)}`,
      samples.map((sample) => time(sample, paint)).join(""),
      " ms",
      report.paths > 1 ? `  ${flowsText(of)}` : "",
      of.kind === "router" ? "" : `  ${of.kind === "end" ? of.detail : paint.bad(of.detail)}`,
      extrasText(of),
    ];
    return parts.join("");
  });
  if (hop.others > 0) {
    lines.push(`${" ".repeat(HOP_COLUMN)}  ${counted(hop.others, "answer")} of others`);
  }
  return lines;
}

function time({ address, rttUs }: HopSample, paint: Paint): string {
  if (address === null) return paint.warn("*".padStart(TIME_COLUMN));
  return (rttUs === NONE ? "?" : millisText(rttUs)).padStart(TIME_COLUMN);
}

function flowsText({ flows }: HopAddress): string {
  const numbers = [...flows].toSorted((a, b) => a - b).map((flow) => flow + 1);
  return `flow${numbers.length === 1 ? "" : "s"} ${numbers.join(",")}`;
}

/** What a router adds to its answers, and what it shows of the way. */
function extrasText({ extensions, translation }: HopAddress): string {
  const { labels, interfaces } = extensions;
  const parts = [...mplsTexts(extensions), ...interfaces.map(interfaceText)];
  if (labels.length + interfaces.length === 0 && extensions.others > 0) {
    parts.push(counted(extensions.others, "other extension"));
  }
  const { source, destination } = translation ?? { source: null, destination: null };
  if (source !== null) parts.push(`NAT: came from ${source}`);
  if (destination !== null) parts.push(`NAT: went to ${destination}`);
  return parts.map((part) => `  ${part}`).join("");
}

function mplsTexts({ labels }: IcmpExtensions): string[] {
  if (labels.length === 0) return [];
  const entries = labels.map(({ label, trafficClass, ttl }) => `${label}/${trafficClass}/${ttl}`);
  return [`MPLS ${entries.join(" ")}`];
}

function interfaceText({ role, index, address, name, mtuBytes }: InterfaceInfo): string {
  const parts = [
    ...(name === null ? [] : [shown(name)]),
    ...(index === null ? [] : [`index ${index}`]),
    ...(address === null ? [] : [address]),
    ...(mtuBytes === null ? [] : [`MTU ${mtuBytes}`]),
  ];
  return `${role} interface ${parts.join(" ")}`;
}

interface TableLook {
  readonly report: TraceReport;
  /** Of the address's column. */
  readonly width: number;
  readonly times: typeof TIMES;
  /** A longer address is cut; else it pushes its line's other columns. */
  readonly cuts: boolean;
}

/** Leaves out columns of times, and on a screen cuts addresses, until the lines fit. */
function lookOf(report: TraceReport, columns: number, cuts: boolean): TableLook {
  const wanted = Math.max(labelWidth(report), ADDRESS_TITLE.length);
  const rows = cuts ? [] : report.hops.flatMap(({ addresses }) => addresses);
  const tail = Math.max(0, ...rows.map((of) => tailOf(of, report).length));
  const room = columns - HOP_COLUMN - 2 - SENT_COLUMN - LOSS_COLUMN - tail;
  const least = cuts ? Math.min(wanted, MIN_LABEL_COLUMN) : wanted;
  let times = TIMES;
  for (const title of LEAST_WORTH) {
    if (least + times.length * TABLE_TIME_COLUMN <= room) break;
    times = times.filter(([of]) => of !== title);
  }
  const left = room - times.length * TABLE_TIME_COLUMN;
  return { report, width: cuts ? Math.min(wanted, Math.max(least, left)) : wanted, times, cuts };
}

/** What an address says, and its flows where there are several. */
function tailOf(of: HopAddress, { paths }: TraceReport): string {
  return (of.kind === "router" ? "" : `  ${of.detail}`) + (paths > 1 ? `  ${flowsText(of)}` : "");
}

function tableRow(
  hop: Hop,
  of: HopAddress | null,
  first: boolean,
  { report, width, times, cuts }: TableLook,
): string {
  const nobody = hop.sent === 0 ? "not sent" : "no answer";
  const who = of === null ? nobody : label(of, report);
  const lost = hop.sent - hop.answered;
  const counts = first ? [`${hop.sent}`, percent(shareOf(lost, hop.sent))] : ["", ""];
  const figures = times.map(([, usOf]) => {
    const us = of === null || of.rtt.distribution() === null ? NONE : usOf(of);
    return us === NONE ? "-" : millisInEight(us);
  });
  return `${(first ? `${hop.hops}` : "").padStart(HOP_COLUMN)}  ` +
    (cuts ? cut(who, width) : who).padEnd(width) +
    counts[0].padStart(SENT_COLUMN) + counts[1].padStart(LOSS_COLUMN) +
    figures.map((text) => text.padStart(TABLE_TIME_COLUMN)).join("") +
    (of === null ? "" : tailOf(of, report) + extrasText(of));
}

function labelWidth(report: TraceReport): number {
  const lengths = report.hops.flatMap(({ addresses }) =>
    addresses.map((of) => label(of, report).length)
  );
  return Math.min(MAX_LABEL_COLUMN, Math.max(0, ...lengths));
}

function label({ address }: HopAddress, report: TraceReport): string {
  const { name, origin } = report.namesOf(address);
  const who = name === null ? address : `${shown(name)} (${address})`;
  return origin === null ? who : `${who}  ${origin.numbers.map((n) => `AS${n}`).join(" ")}`;
}

/** How the path ends, and what is known beyond the hops. */
function endLines(report: TraceReport): TonedLine[] {
  const { end, silentTail, mtu, handshake, address } = report;
  const last = report.hops.at(-1)?.hops ?? report.firstHop - 1;
  const lines: TonedLine[] = [];
  if (silentTail > 0) lines.push(warning(silentLine(last + 1, last + silentTail)));
  if (end !== null && isReached(report)) lines.push(plainly(reachedLine(address, end)));
  else if (end !== null) {
    lines.push(bad(`not reached: ${end.address} at hop ${end.hops} says ${end.detail}`));
  } else if (report.refusal !== null && report.hops.every(({ sent }) => sent === 0)) {
    lines.push(bad("not reached: nothing was sent"));
  } else lines.push(bad(`not reached: no answer behind hop ${last}`));
  const times = report.hops.reduce((sum, { notSent }) => sum + notSent, 0);
  if (report.refusal !== null && times > 0) {
    lines.push(warning(`${counted(times, "probe")} not sent: ${report.refusal}`));
  }
  if (mtu !== null) lines.push(...mtuLines(mtu).map(plainly));
  if (handshake !== null) lines.push(handshakeLine(address, handshake));
  return lines;
}

function reachedLine(address: string, end: PathEnd): string {
  const took = end.rttUs === NONE ? "" : `, ${millisText(end.rttUs)} ms`;
  const most = end.isAtMost ? "at most " : "";
  return `reached ${address} (${end.detail}) in ${most}${counted(end.hops, "hop")}${took}`;
}

/** What the packets have shown, and who said it. */
function mtuLines({ hops, address, arrivedBytes, lostBytes, linkBytes, steps }: PathMtu): string[] {
  if (arrivedBytes === null) {
    return [`path MTU unknown: nobody answers; the first link takes ${linkBytes} bytes`];
  }
  const where = `hop ${hops}, ${address}`;
  const arrived = `path MTU ${arrivedBytes} bytes to ${where}`;
  const how = lostBytes === null
    ? "the longest that the first link takes arrived"
    : `${arrivedBytes} arrived, ${lostBytes} did not`;
  const names = steps.map(({ hops: to, address: by, mtuBytes, sizeBytes }) => {
    const named = mtuBytes === 0 ? "named no MTU" : `named ${mtuBytes}`;
    return `${by} refused ${sizeBytes} and ${named}${
      to === null ? "" : `, on the way to hop ${to}`
    }`;
  });
  const silent = lostBytes !== null && steps.length === 0 ? ["nobody said why"] : [];
  return [`${arrived}: ${[how, ...names, ...silent].join("; ")}`];
}

function handshakeLine(address: string, handshake: PlainHandshake): TonedLine {
  const { port, outcome, rttUs } = handshake;
  const what = `a handshake with ${hostPort(address, port)}, its hops not limited`;
  const took = rttUs === NONE ? "" : `, ${millisText(rttUs)} ms`;
  return outcome === "established" || outcome === "refused"
    ? plainly(`${what}: ${outcome}${took}`)
    : bad(`${what}: ${outcome}`);
}
