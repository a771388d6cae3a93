/** Text for people: a line a probe in the manner of ping, and a summary to read at a glance. */
import { counted } from "../text/words.ts";
import { isRepeated, NONE, type ProbeRecord } from "../domain/probe_record.ts";
import { delayKind, type RunSummary, shownDelays, type Window } from "../domain/summary.ts";
import type { Target } from "../domain/target.ts";
import { durationText } from "../text/duration.ts";
import { type ByteWriter, writeIsoTime } from "./byte_writer.ts";
import { NAMING, type Naming } from "./naming.ts";
import { PerTarget, type RecordFormat, type Step } from "./record_format.ts";
import type { Paint } from "./paint.ts";
import { MAX_NAME_COLUMN, scriptLines, standIn, summaryLines } from "./text_summary.ts";
import { millisText } from "../text/number.ts";

export interface TextStyle {
  /** Each line starts with the time the probe was sent. */
  readonly timestamps: boolean;
  readonly paint: Paint;
  /** Columns that a line of a summary may take. */
  readonly columns: number;
  /** A summary is a line a target, for scripts. */
  readonly brief: boolean;
}

/** Room for `12345.678 ms`. */
const RTT_COLUMN = 14;

export class TextFormat implements RecordFormat {
  #style: TextStyle;
  #nameColumn: number;
  #prefixes: PerTarget<Uint8Array>;
  #clockWord: string;

  constructor(
    targets: readonly Target[],
    style: TextStyle,
    { clock }: Naming = NAMING.probe,
  ) {
    this.#style = style;
    this.#clockWord = clock;
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
        out.millis(record.rttUs === NONE ? record.connectUs : record.rttUs);
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
    out.ascii(this.#clockWord);
    out.byte(32);
    out.millisFixed(record.connectUs);
    if (record.rttSource === "clock") out.ascii("  (by the clock)");
    if (isRepeated(record)) {
      const text = counted(record.synRetransmits, "SYN retransmit");
      out.ascii(`  ${this.#style.paint.warn(text)}`);
    }
  }

  window(out: ByteWriter, window: Window): void {
    if (this.#style.timestamps) {
      writeIsoTime(out, window.wallSeconds, window.wallNanos);
      out.ascii("  ");
    }
    const { paint } = this.#style;
    const { target, sent, lost, refused } = window;
    const figures = shownDelays(window);
    const times = figures === null
      ? "no answer"
      : `min ${millisText(figures.minUs)}  p50 ${millisText(figures.p50Us)}  ` +
        `p99 ${millisText(figures.p99Us)}  max ${millisText(figures.maxUs)} ms` +
        standIn(delayKind(window), this.#clockWord);
    const loss = `${lost} lost`;
    const counts = [`${sent} sent`, lost > 0 ? paint.bad(loss) : loss];
    if (refused > 0) counts.push(paint.warn(`${refused} refused`));
    out.utf8(`${target.name.padEnd(this.#nameColumn)}  ${durationText(window.windowMs)}: `);
    out.utf8(`${counts.join(", ")}, ${times}\n`);
  }

  summary(run: RunSummary): Iterable<Step> {
    const { paint, columns, brief } = this.#style;
    const style = { paint, columns, clock: this.#clockWord };
    return inSteps(brief ? scriptLines(run, style) : summaryLines(run, style));
  }
}

/** Each line in a step of its own. */
function* inSteps(lines: Iterable<string>): Iterable<Step> {
  for (const line of lines) yield (out) => out.utf8(`${line}\n`);
}
