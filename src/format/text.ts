/** Text for people: a line a probe in the manner of ping, and a summary to read at a glance. */
import { NONE, type ProbeRecord } from "../domain/probe_record.ts";
import { type Distribution, lossRatio, type Summary } from "../domain/summary.ts";
import { hostPort, type Target } from "../domain/target.ts";
import type { Window } from "../domain/window.ts";
import { durationText } from "../time/duration.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { writeIsoTime } from "./iso_time.ts";
import { PerTarget } from "./per_target.ts";
import type { RecordFormat, Step } from "./record_format.ts";
import type { Paint } from "./paint.ts";

export interface TextStyle {
  /** Each line starts with the time the probe was sent. */
  readonly timestamps: boolean;
  readonly paint: Paint;
}

/** Names are padded up to here; a longer one pushes its own line's columns. */
const MAX_NAME_COLUMN = 40;
/** Room for `12345.678 ms`. */
const RTT_COLUMN = 14;

export class TextFormat implements RecordFormat {
  #style: TextStyle;
  #nameColumn: number;
  #prefixes: PerTarget<Uint8Array>;

  constructor(targets: readonly Target[], style: TextStyle) {
    this.#style = style;
    const longest = targets.reduce((most, target) => Math.max(most, target.name.length), 0);
    this.#nameColumn = Math.min(longest, MAX_NAME_COLUMN);
    this.#prefixes = new PerTarget((target, scratch) => {
      scratch.utf8(target.name.padEnd(this.#nameColumn));
      scratch.ascii("  seq=");
      return scratch.takeCopy();
    });
  }

  record(out: ByteWriter, record: ProbeRecord): void {
    if (this.#style.timestamps) {
      writeIsoTime(out, record.wallSeconds, record.wallNanos);
      out.ascii("  ");
    }
    out.raw(this.#prefixes.of(record.target));
    const start = out.column;
    out.int(record.seq);
    out.padTo(start + 5);
    out.ascii("  ");
    this.#fate(out, record);
    out.byte(10);
  }

  #fate(out: ByteWriter, record: ProbeRecord): void {
    const { paint } = this.#style;
    switch (record.outcome) {
      case "established":
        this.#rtt(out, record);
        break;
      case "refused":
        out.ascii(paint.warn("refused"));
        out.ascii(" after ");
        out.millis(record.connectUs);
        out.ascii(" ms");
        break;
      case "timeout":
        out.ascii(paint.bad("timeout"));
        break;
      case "unreachable":
      case "unresolved":
      case "error":
        out.ascii(paint.bad(record.outcome));
        break;
      default:
        record.outcome satisfies never;
    }
    if (record.cold) out.ascii("  cold");
    if (record.error !== null) {
      out.ascii("  ");
      out.utf8(record.error);
    }
  }

  #rtt(out: ByteWriter, record: ProbeRecord): void {
    const start = out.column;
    if (record.rttUs === NONE) out.ascii("no kernel RTT");
    else {
      out.millisFixed(record.rttUs);
      out.ascii(" ms");
    }
    out.padTo(start + RTT_COLUMN);
    out.ascii("connect ");
    out.millisFixed(record.connectUs);
    if (record.rttSource === "clock") out.ascii("  (by the clock)");
    if (record.synRetransmits > 0) {
      const plural = record.synRetransmits === 1 ? "" : "s";
      out.ascii(
        `  ${this.#style.paint.warn(`${record.synRetransmits} SYN retransmit${plural}`)}`,
      );
    }
  }

  window(out: ByteWriter, window: Window): void {
    if (this.#style.timestamps) {
      writeIsoTime(out, window.wallSeconds, window.wallNanos);
      out.ascii("  ");
    }
    const { target, sent, lost, rtt, cold, connect } = window;
    const figures = rtt ?? cold ?? connect;
    const times = figures === null
      ? "no answer"
      : `min ${ms(figures.minUs)}  p50 ${ms(figures.p50Us)}  p99 ${ms(figures.p99Us)}  ` +
        `max ${ms(figures.maxUs)} ms`;
    const loss = `${lost} lost`;
    out.utf8(`${target.name.padEnd(this.#nameColumn)}  ${durationText(window.windowMs)}: `);
    out.utf8(`${sent} sent, ${lost > 0 ? this.#style.paint.bad(loss) : loss}, ${times}\n`);
  }

  *summaries(summaries: readonly Summary[]): Iterable<Step> {
    if (summaries.length === 1) yield (out) => out.utf8(oneTarget(summaries[0], this.#style.paint));
    else yield* manyTargets(summaries, this.#style.paint);
  }
}

/** The block for a single target: counts, then a table of distributions. */
function oneTarget(summary: Summary, paint: Paint): string {
  const { target, address } = summary;
  const shown = hostPort(address === "" ? target.host : address, target.port);
  const title = target.name === shown ? shown : `${target.name} (${shown})`;
  const rows: [string, Distribution | null][] = [
    ["rtt", summary.rtt],
    ["cold rtt", summary.cold],
    ["connect", summary.connect],
    ["variation", summary.delayVariation],
    ["lag", summary.lag],
  ];
  const table = rows.flatMap(([name, figures]) => figures === null ? [] : [row(name, figures)]);
  const head = "ms         count       min       avg       p50       p90       p99     p99.9" +
    "       max    stddev";
  return ["", `--- ${title} ---`, counts(summary, paint)]
    .concat(table.length === 0 ? [] : [head, ...table]).join("\n") + "\n";
}

function counts(summary: Summary, paint: Paint): string {
  const { lost, longestLossRun, synRetransmits, refused, skipped, errors } = summary;
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
  if (synRetransmits !== null) {
    const text = `${synRetransmits} SYN retransmit${synRetransmits === 1 ? "" : "s"}`;
    parts.push(synRetransmits > 0 ? paint.warn(text) : text);
  }
  if (summary.exportDropped > 0) parts.push(paint.bad(`${summary.exportDropped} not exported`));
  return parts.join(", ");
}

function row(name: string, figures: Distribution): string {
  const { minUs, avgUs, p50Us, p90Us, p99Us, p999Us, maxUs, stddevUs } = figures;
  const cells = [minUs, avgUs, p50Us, p90Us, p99Us, p999Us, maxUs, stddevUs];
  return name.padEnd(9) + String(figures.count).padStart(7) +
    cells.map((micros) => ms(micros).padStart(10)).join("");
}

/** The columns of the table behind the name, with their widths. */
const COLUMNS: readonly (readonly [string, number])[] = [
  ["sent", 8],
  ["answered", 9],
  ["lost", 7],
  ["loss", 7],
  ["refused", 8],
  ["skipped", 8],
  ["not sent", 9],
  ["SYN retr", 9],
  ["min", 10],
  ["p50", 10],
  ["p99", 10],
  ["max ms", 10],
];

/** One aligned line a target. */
function* manyTargets(summaries: readonly Summary[], paint: Paint): Iterable<Step> {
  const longest = summaries.reduce((most, { target }) => Math.max(most, target.name.length), 6);
  const width = Math.min(longest, MAX_NAME_COLUMN);
  const head = "target".padEnd(width) + cells(COLUMNS.map(([title]) => title));
  yield (out) => out.utf8(`\n${head}\n`);
  for (const summary of summaries) {
    const line = tableLine(summary, width);
    const painted = summary.answered === 0 || summary.lost > 0 ? paint.bad(line) : line;
    yield (out) => out.utf8(`${painted}\n`);
  }
  const dropped = summaries[0]?.exportDropped ?? 0;
  if (dropped > 0) yield (out) => out.utf8(`${dropped} lines were not exported\n`);
}

function tableLine(summary: Summary, width: number): string {
  const [figures, what] = shownFigures(summary);
  const times = figures === null
    ? ["-", "-", "-", "-"]
    : [figures.minUs, figures.p50Us, figures.p99Us, figures.maxUs].map(ms);
  const { sent, answered, lost, refused, skipped, errors, synRetransmits } = summary;
  const counts = [sent, answered, lost, percent(lossRatio(summary)), refused, skipped, errors];
  const all = [...counts.map(String), String(synRetransmits ?? "-"), ...times];
  return summary.target.name.padEnd(width) + cells(all) + what;
}

/** Steady kernel RTTs as a rule; what stands in for them is named. */
function shownFigures(summary: Summary): [Distribution | null, string] {
  if (summary.rtt !== null) return [summary.rtt, ""];
  if (summary.cold !== null) return [summary.cold, "  cold"];
  return [summary.connect, summary.connect === null ? "" : "  connect"];
}

function cells(texts: readonly string[]): string {
  return texts.map((text, i) => text.padStart(COLUMNS[i][1])).join("");
}

function percent(ratio: number | null): string {
  return ratio === null ? "-" : `${(ratio * 100).toFixed(1)}%`;
}

function ms(micros: number): string {
  return (micros / 1000).toFixed(3);
}

/** What to say before the first line of a run. */
export function textIntroduction(targets: readonly Target[], schedule: string): string {
  const [first] = targets;
  const what = targets.length === 1 ? describe(first) : `${targets.length} targets`;
  return `probing ${what}, ${schedule}`;
}

function describe(target: Target): string {
  const shown = hostPort(target.host, target.port);
  return target.name === shown ? shown : `${target.name} (${shown})`;
}
