/** One JSON object a line (NDJSON): schemas wire-probe.probe.v1, .window.v1 and .summary.v1. */
import { NONE, type ProbeRecord } from "../domain/probe_record.ts";
import { type Distribution, lossRatio, type Summary } from "../domain/summary.ts";
import type { Target } from "../domain/target.ts";
import type { Window } from "../domain/window.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { writeIsoTime } from "./iso_time.ts";
import { PerTarget } from "./per_target.ts";
import type { RecordFormat, Step } from "./record_format.ts";

export class JsonFormat implements RecordFormat {
  #prefixes = new PerTarget(makePrefix);

  record(out: ByteWriter, record: ProbeRecord): void {
    const prefix = this.#prefixes.of(record.target);
    out.ascii('{"schema":"wire-probe.probe.v1","time":"');
    writeIsoTime(out, record.wallSeconds, record.wallNanos);
    out.raw(prefix.beforeAddress);
    nullableString(out, record.address === "" ? null : record.address);
    out.raw(prefix.afterAddress);
    out.ascii(',"seq":');
    out.int(record.seq);
    out.ascii(',"outcome":"');
    out.ascii(record.outcome);
    out.ascii('","rtt_ms":');
    nullableMillis(out, record.rttUs);
    out.ascii(',"rtt_source":');
    nullableString(out, record.rttSource);
    out.ascii(',"connect_ms":');
    nullableMillis(out, record.connectUs);
    out.ascii(',"syn_retransmits":');
    if (record.synRetransmits === NONE) out.ascii("null");
    else out.int(record.synRetransmits);
    out.ascii(',"cold":');
    out.ascii(record.cold ? "true" : "false");
    out.ascii(',"lag_ms":');
    out.millis(record.lagUs);
    out.ascii(',"error":');
    nullableString(out, record.error);
    out.ascii("}\n");
  }

  *summaries(summaries: readonly Summary[]): Iterable<Step> {
    for (const summary of summaries) yield (out) => this.#summary(out, summary);
  }

  window(out: ByteWriter, window: Window): void {
    out.ascii('{"schema":"wire-probe.window.v1","time":"');
    writeIsoTime(out, window.wallSeconds, window.wallNanos);
    out.ascii('","window_ms":');
    out.ascii(String(window.windowMs));
    out.byte(44);
    // The figures without the brace that opens them.
    out.utf8(JSON.stringify(figures(window)).slice(1));
    out.byte(10);
  }

  #summary(out: ByteWriter, summary: Summary): void {
    out.utf8(JSON.stringify({ schema: "wire-probe.summary.v1", ...figures(summary) }));
    out.byte(10);
  }
}

/** What a summary and a window have in common, in the order of the schema. */
function figures(summary: Summary): Record<string, unknown> {
  const { target, address } = summary;
  const ratio = lossRatio(summary);
  return {
    target: target.name,
    address: address === "" ? null : address,
    port: target.port,
    az: target.az,
    labels: Object.fromEntries(target.labels),
    sent: summary.sent,
    answered: summary.answered,
    lost: summary.lost,
    refused: summary.refused,
    unreachable: summary.unreachable,
    skipped: summary.skipped,
    errors: summary.errors,
    syn_retransmits: summary.synRetransmits,
    loss_ratio: ratio === null ? null : Number(ratio.toFixed(6)),
    longest_loss_run: summary.longestLossRun,
    rtt_ms: distribution(summary.rtt),
    connect_ms: distribution(summary.connect),
    cold_rtt_ms: short(summary.cold),
    delay_variation_ms: pair(summary.delayVariation),
    lag_ms: pair(summary.lag),
    export_dropped: summary.exportDropped,
  };
}

/** A target's constant parts of a line, made once. */
interface Prefix {
  readonly beforeAddress: Uint8Array;
  readonly afterAddress: Uint8Array;
}

function makePrefix(target: Target, writer: ByteWriter): Prefix {
  writer.ascii('","target":');
  writer.jsonString(target.name);
  writer.ascii(',"address":');
  const beforeAddress = writer.takeCopy();
  writer.ascii(',"port":');
  writer.int(target.port);
  writer.ascii(',"az":');
  writer.jsonString(target.az);
  writer.ascii(',"labels":{');
  for (const [i, [key, value]] of target.labels.entries()) {
    if (i > 0) writer.byte(44);
    writer.jsonString(key);
    writer.byte(58);
    writer.jsonString(value);
  }
  writer.byte(125);
  return { beforeAddress, afterAddress: writer.takeCopy() };
}

function nullableMillis(out: ByteWriter, micros: number): void {
  if (micros === NONE) out.ascii("null");
  else out.millis(micros);
}

function nullableString(out: ByteWriter, text: string | null): void {
  if (text === null) out.ascii("null");
  else out.jsonString(text);
}

/** µs to ms, to the microsecond. */
function millis(micros: number): number {
  return Math.round(micros) / 1000;
}

function distribution(of: Distribution | null): Record<string, number | null> {
  return {
    ...short(of),
    stddev: of === null ? null : millis(of.stddevUs),
    p50: of === null ? null : millis(of.p50Us),
    p90: of === null ? null : millis(of.p90Us),
    p99: of === null ? null : millis(of.p99Us),
    p99_9: of === null ? null : millis(of.p999Us),
  };
}

function short(of: Distribution | null): Record<string, number | null> {
  return {
    count: of?.count ?? 0,
    min: of === null ? null : millis(of.minUs),
    avg: of === null ? null : millis(of.avgUs),
    max: of === null ? null : millis(of.maxUs),
  };
}

function pair(of: Distribution | null): Record<string, number | null> {
  return {
    p50: of === null ? null : millis(of.p50Us),
    p99: of === null ? null : millis(of.p99Us),
  };
}
