/** CSV (RFC 4180 but for plain newlines, as shells like them), one a probe, with a header; labels as `key=value` joined by semicolons. */
import { pressureFields } from "../domain/host_pressure.ts";
import { hasSynCount, NONE, type ProbeRecord } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import type { RunSummary, Summary, Window } from "../domain/summary.ts";
import { roundedShare } from "../text/number.ts";
import { type ByteWriter, writeIsoTime } from "./byte_writer.ts";
import { PerTarget, type RecordFormat, type Step } from "./record_format.ts";

const HEADER = "time,target,address,port,az,labels,seq,outcome,rtt_ms,rtt_source,connect_ms," +
  "syn_retransmits,cold,lag_ms,error\n";
const SUMMARY_COLUMNS = "target,address,port,az,labels,sent,answered,lost,refused,unreachable," +
  "skipped,not_sent,syn_retransmits,longest_loss_run,rtt_count,rtt_min_ms,rtt_avg_ms,rtt_p50_ms," +
  "rtt_p90_ms,rtt_p99_ms,rtt_max_ms";
/** The host's pressure comes last. */
const WINDOW_HEADER =
  ["time", "window_ms", SUMMARY_COLUMNS, ...pressureFields(null).map(([name]) => name)].join() +
  "\n";
const COMMA = 44;

export class CsvFormat implements RecordFormat {
  #fields = new PerTarget(makeFields);
  #windows: boolean;

  #quiet: boolean;

  /** A CSV file has one kind of line: probes, or windows, or summaries with `quiet`. */
  constructor(windows: boolean, quiet = false) {
    this.#windows = windows;
    this.#quiet = quiet;
  }

  /** A line a target, where nothing else is printed. */
  *summary({ targets }: RunSummary): Iterable<Step> {
    if (!this.#quiet) return;
    yield (out) => out.ascii(`${SUMMARY_COLUMNS}\n`);
    for (const summary of targets) {
      yield (out) => {
        out.raw(this.#fields.of(summary.target).name.subarray(1));
        this.#figures(out, summary);
        out.ascii("\n");
      };
    }
  }

  header(out: ByteWriter): void {
    out.ascii(this.#windows ? WINDOW_HEADER : HEADER);
  }

  record(out: ByteWriter, record: ProbeRecord): void {
    const fields = this.#fields.of(record.target);
    writeIsoTime(out, record.wallSeconds, record.wallNanos);
    out.raw(fields.name);
    out.ascii(record.address);
    out.raw(fields.rest);
    out.int(record.seq);
    out.byte(COMMA);
    out.ascii(record.outcome);
    out.byte(COMMA);
    if (record.rttUs !== NONE) out.millis(record.rttUs);
    out.byte(COMMA);
    if (record.rttSource !== null) out.ascii(record.rttSource);
    out.byte(COMMA);
    if (record.connectUs !== NONE) out.millis(record.connectUs);
    out.byte(COMMA);
    if (hasSynCount(record)) out.int(record.synRetransmits);
    out.byte(COMMA);
    out.ascii(record.cold ? "true" : "false");
    out.byte(COMMA);
    if (record.lagUs !== NONE) out.millis(record.lagUs);
    out.byte(COMMA);
    if (record.error !== null) out.utf8(quoted(record.error));
    out.ascii("\n");
  }

  window(out: ByteWriter, window: Window): void {
    const fields = this.#fields.of(window.target);
    writeIsoTime(out, window.wallSeconds, window.wallNanos);
    out.byte(COMMA);
    out.ascii(String(window.windowMs));
    out.raw(fields.name);
    this.#figures(out, window);
    for (const [, share] of pressureFields(window.pressure)) {
      out.byte(COMMA);
      if (share !== null) out.ascii(String(roundedShare(share)));
    }
    out.ascii("\n");
  }

  /** From the address to the round trips. */
  #figures(out: ByteWriter, window: Summary): void {
    out.ascii(window.address);
    out.raw(this.#fields.of(window.target).rest);
    const { sent, answered, lost, refused, unreachable, skipped, notSent, rtt } = window;
    const counts = [sent, answered, lost, refused, unreachable, skipped, notSent];
    counts.push(window.synRetransmits ?? NaN, window.longestLossRun, rtt?.count ?? 0);
    out.ascii(counts.map((count) => Number.isNaN(count) ? "" : count).join(","));
    const times = rtt === null
      ? new Array<number>(6).fill(NaN)
      : [rtt.minUs, rtt.avgUs, rtt.p50Us, rtt.p90Us, rtt.p99Us, rtt.maxUs];
    for (const micros of times) {
      out.byte(COMMA);
      if (!Number.isNaN(micros)) out.millis(Math.round(micros));
    }
  }
}

/** A target's constant parts of a line, made once. */
interface TargetFields {
  readonly name: Uint8Array;
  readonly rest: Uint8Array;
}

function makeFields(target: Target, writer: ByteWriter): TargetFields {
  const labels = target.labels.map(([key, value]) => `${key}=${value}`).join(";");
  writer.utf8(`,${quoted(target.name)},`);
  const name = writer.takeCopy();
  writer.utf8(`,${target.port},${quoted(target.az)},${quoted(labels)},`);
  return { name, rest: writer.takeCopy() };
}

/** Quotes a field that needs it. */
export function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
