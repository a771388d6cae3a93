/** One JSON object a line (NDJSON): schemas wire-probe.probe.v1, .window.v1, .summary.v1 and .total.v1. */
import { millisOf, roundedShare } from "../text/number.ts";
import { hasSynCount, NONE, type ProbeRecord } from "../domain/probe_record.ts";
import {
  type Distribution,
  type Figures,
  lossRatio,
  type RunSummary,
  type Summary,
  synLossRatio,
  type Window,
} from "../domain/summary.ts";
import { NO_PORT, type Target } from "../domain/target.ts";
import { type ByteWriter, writeIsoTime } from "./byte_writer.ts";
import { NAMING, type Naming } from "./naming.ts";
import { PerTarget, type RecordFormat, type Step } from "./record_format.ts";

export class JsonFormat implements RecordFormat {
  #prefixes = new PerTarget(makePrefix);
  #schemas: Naming["schemas"];
  /** How each record begins. */
  #start: string;

  constructor(naming: Naming = NAMING.probe) {
    this.#schemas = naming.schemas;
    this.#start = `{"schema":"wire-probe.${naming.schemas.record}.v1","time":"`;
  }

  record(out: ByteWriter, record: ProbeRecord): void {
    const prefix = this.#prefixes.of(record.target);
    out.ascii(this.#start);
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
    if (hasSynCount(record)) out.int(record.synRetransmits);
    else out.ascii("null");
    out.ascii(',"cold":');
    out.ascii(record.cold ? "true" : "false");
    out.ascii(',"lag_ms":');
    nullableMillis(out, record.lagUs);
    out.ascii(',"error":');
    nullableString(out, record.error);
    out.ascii("}\n");
  }

  *summary({ targets, totals }: RunSummary): Iterable<Step> {
    const schemas = this.#schemas;
    for (const summary of targets) {
      const { crossed } = summary;
      yield object({ schema: `wire-probe.${schemas.summary}.v1`, ...ofTarget(summary), crossed });
    }
    for (const total of totals) {
      const group = total.group === null ? null : Object.fromEntries([total.group]);
      const schema = `wire-probe.${schemas.total}.v1`;
      const about = { schema, group, targets: total.targets };
      yield object({ ...about, ...figures(total), crossed: total.crossed });
    }
  }

  window(out: ByteWriter, window: Window): void {
    out.ascii(`{"schema":"wire-probe.${this.#schemas.window}.v1","time":"`);
    writeIsoTime(out, window.wallSeconds, window.wallNanos);
    out.ascii('","window_ms":');
    out.ascii(String(window.windowMs));
    out.byte(44);
    // The figures without the brace that opens them.
    const { pressure } = window;
    out.utf8(JSON.stringify({ ...ofTarget(window), pressure }).slice(1));
    out.byte(10);
  }
}

/** An object on a line of its own. */
function object(of: Record<string, unknown>): Step {
  return (out) => out.utf8(`${JSON.stringify(of)}\n`);
}

/** What a target's summary and a window have in common, in the order of the schema. */
function ofTarget(summary: Summary): Record<string, unknown> {
  const { target, address } = summary;
  return {
    target: target.name,
    address: address === "" ? null : address,
    port: target.port === NO_PORT ? null : target.port,
    az: target.az,
    labels: Object.fromEntries(target.labels),
    ...figures(summary),
  };
}

/** The figures of a summary, in the order of the schema. */
export function figures(of: Figures): Record<string, unknown> {
  return {
    sent: of.sent,
    answered: of.answered,
    lost: of.lost,
    refused: of.refused,
    unreachable: of.unreachable,
    skipped: of.skipped,
    not_sent: of.notSent,
    waiting: of.waiting,
    syn_retransmits: of.synRetransmits,
    repeated_handshakes: of.synCounted === 0 ? null : of.synRepeated,
    loss_ratio: roundedShare(lossRatio(of)),
    syn_loss_ratio: roundedShare(synLossRatio(of)),
    longest_loss_run: of.longestLossRun,
    rtt_ms: distribution(of.rtt),
    connect_ms: distribution(of.connect),
    cold_rtt_ms: short(of.cold),
    delay_variation_ms: pair(of.delayVariation),
    lag_ms: pair(of.lag),
    export_dropped: of.exportDropped,
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
  if (target.port === NO_PORT) writer.ascii("null");
  else writer.int(target.port);
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

function distribution(of: Distribution | null): Record<string, number | null> {
  return {
    ...short(of),
    stddev: millisOf(of?.stddevUs),
    p50: millisOf(of?.p50Us),
    p90: millisOf(of?.p90Us),
    p99: millisOf(of?.p99Us),
    p99_9: millisOf(of?.p999Us),
  };
}

function short(of: Distribution | null): Record<string, number | null> {
  return {
    count: of?.count ?? 0,
    min: millisOf(of?.minUs),
    avg: millisOf(of?.avgUs),
    max: millisOf(of?.maxUs),
  };
}

function pair(of: Distribution | null): Record<string, number | null> {
  return {
    p50: millisOf(of?.p50Us),
    p99: millisOf(of?.p99Us),
  };
}
