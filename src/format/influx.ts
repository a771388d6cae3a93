/**
 * Influx line protocol (InfluxData, "Line protocol reference"), one line a probe, byte-compatible
 * with the original tool's up to its last field; further fields follow. Nothing is allocated per
 * line: what a target contributes is escaped once.
 */
import { pressureFields } from "../domain/host_pressure.ts";
import { roundedShare } from "../text/number.ts";
import { UsageError } from "../domain/exit.ts";
import { hasSynCount, NONE, type ProbeRecord, serviceRttOf } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import type { Window } from "../domain/summary.ts";
import type { WallTime } from "../time/wall_anchor.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { NAMING, type Naming } from "./naming.ts";
import { PerTarget, type RecordFormat } from "./record_format.ts";

const COMMA = 44;
const NEWLINE = 10;
/** Tag keys that every line has. */
const OWN_TAGS = new Set(["target", "az"]);
/** Tag keys whose points InfluxDB discards (line protocol reference, "Naming restrictions"). */
const RESERVED_TAGS = new Set(["time", "_field", "_measurement"]);

/** A target's tags, and the last timestamp given to one of its lines. */
interface Series {
  readonly prefix: Uint8Array;
  /** The greatest timestamp given, and how many ns it lies past the stamp it was made from. */
  newestSeconds: number;
  newestNanos: number;
  spill: number;
  /** The nanoseconds that the last line behind the newest was given. */
  late: number;
}

export class InfluxFormat implements RecordFormat {
  /** By all tags: targets that differ in their address alone are one series to InfluxDB. */
  #known = new Map<string, Series>();
  #host: string | null;
  #series: PerTarget<Series>;
  #windows: PerTarget<Series>;

  /** `host`: the prober, as a tag of every line but those of targets with such a label; null for none. */
  constructor({ measurement }: Naming = NAMING.probe, host: string | null = null) {
    this.#host = host;
    const seriesIn = (name: string) =>
      new PerTarget((target, scratch) => this.#seriesOf(name, target, scratch));
    this.#series = seriesIn(measurement);
    this.#windows = seriesIn(`${measurement}_window`);
  }

  #seriesOf(measurement: string, target: Target, scratch: ByteWriter): Series {
    const made = makeSeries(measurement, this.#host, target, scratch);
    const key = made.prefix.join();
    const series = this.#known.get(key) ?? made;
    this.#known.set(key, series);
    return series;
  }

  /** Throws UsageError when the target cannot be represented. */
  check(target: Target): void {
    checkTag("name", target.name);
    checkTag("az", target.az);
    for (const [key, value] of target.labels) {
      if (OWN_TAGS.has(key)) {
        throw new UsageError(
          `target ${target.name}: label ${key} is a tag of its own in Influx lines`,
        );
      }
      if (RESERVED_TAGS.has(key)) {
        throw new UsageError(`target ${target.name}: InfluxDB reserves the label ${key}`);
      }
      checkTag(`label ${key}`, value);
    }
  }

  record(out: ByteWriter, record: ProbeRecord): void {
    const series = this.#series.of(record.target);
    out.raw(series.prefix);
    const rttUs = serviceRttOf(record);
    if (rttUs !== NONE) {
      out.ascii("rtt_ms=");
      out.millis(rttUs);
      out.byte(COMMA);
    }
    out.ascii(record.outcome === "established" ? "success=1i" : "success=0i");
    if (record.connectUs !== NONE) {
      out.ascii(",connect_ms=");
      out.millis(record.connectUs);
    }
    if (hasSynCount(record)) {
      out.ascii(",syn_retransmits=");
      out.int(record.synRetransmits);
      out.byte(105); // i
    }
    if (record.lagUs !== NONE) {
      out.ascii(",lag_ms=");
      out.millis(record.lagUs);
    }
    out.ascii(record.cold ? ",cold=true" : ",cold=false");
    out.ascii(',outcome="');
    out.ascii(record.outcome);
    out.ascii('" ');
    writeTimestamp(out, series, record);
  }

  window(out: ByteWriter, window: Window): void {
    const series = this.#windows.of(window.target);
    const { sent, answered, lost, refused, unreachable, skipped, notSent } = window;
    const { synRetransmits, rtt } = window;
    const integers = { sent, answered, lost, refused, unreachable, skipped, not_sent: notSent };
    out.raw(series.prefix);
    out.ascii(Object.entries(integers).map(([key, count]) => `${key}=${count}i`).join(","));
    if (synRetransmits !== null) out.ascii(`,syn_retransmits=${synRetransmits}i`);
    if (rtt !== null) {
      writeMillis(out, "rtt_min_ms", rtt.minUs);
      writeMillis(out, "rtt_avg_ms", rtt.avgUs);
      writeMillis(out, "rtt_p50_ms", rtt.p50Us);
      writeMillis(out, "rtt_p90_ms", rtt.p90Us);
      writeMillis(out, "rtt_p99_ms", rtt.p99Us);
      writeMillis(out, "rtt_max_ms", rtt.maxUs);
    }
    for (const [name, share] of pressureFields(window.pressure)) {
      if (share !== null) out.ascii(`,${name}=${roundedShare(share)}`);
    }
    out.byte(32);
    writeTimestamp(out, series, window);
  }
}

function writeMillis(out: ByteWriter, field: string, micros: number): void {
  out.byte(COMMA);
  out.ascii(field);
  out.ascii("=");
  out.millis(Math.round(micros));
}

/** Nanoseconds below a microsecond, where stamps have none of their own. */
const MAX_SUB_NANOS = 999;

/**
 * Nanoseconds since the epoch, digit by digit, since they exceed 2^53. Two lines of one series
 * never bear the same one: they would merge to a single point. Stamps are whole microseconds, so
 * the nanoseconds below are free to tell lines apart: upwards from 1 for those of the newest
 * microsecond, downwards from 999 for those behind it (late results, a clock that stepped back).
 */
function writeTimestamp(out: ByteWriter, series: Series, at: WallTime): void {
  let { wallSeconds: seconds, wallNanos: nanos } = at;
  const behind = (series.newestSeconds - seconds) * 1e9 + series.newestNanos - nanos;
  if (behind < 0) {
    series.newestSeconds = seconds;
    series.newestNanos = nanos;
    series.spill = 0;
  } else if (behind <= series.spill) {
    series.spill++;
    if (++series.newestNanos === 1e9) {
      series.newestSeconds++;
      series.newestNanos = 0;
    }
    seconds = series.newestSeconds;
    nanos = series.newestNanos;
  } else {
    series.late = series.late > 1 ? series.late - 1 : MAX_SUB_NANOS;
    nanos += series.late;
  }
  out.int(seconds);
  out.padded(nanos, 9);
  out.byte(NEWLINE);
}

function makeSeries(
  measurement: string,
  host: string | null,
  target: Target,
  scratch: ByteWriter,
): Series {
  scratch.ascii(measurement);
  writeTag(scratch, "target", target.name);
  writeTag(scratch, "az", target.az);
  const named = target.labels.some(([key]) => key === "host");
  if (host !== null && host !== "" && !named) writeTag(scratch, "host", host);
  for (const [key, value] of target.labels) writeTag(scratch, key, value);
  scratch.byte(32);
  return { prefix: scratch.takeCopy(), newestSeconds: 0, newestNanos: 0, spill: 0, late: 0 };
}

function writeTag(out: ByteWriter, key: string, value: string): void {
  out.byte(COMMA);
  out.utf8(escapeTag(key));
  out.ascii("=");
  out.utf8(escapeTag(value));
}

/** Comma, equals sign and space bear a backslash in tag keys and values. */
export function escapeTag(text: string): string {
  return text.replaceAll(/[,= ]/g, "\\$&");
}

/** A backslash at the end would escape what follows; there is no way to write it. */
function checkTag(what: string, value: string): void {
  if (value === "" || value.endsWith("\\")) {
    throw new UsageError(
      `${what} ${JSON.stringify(value)} cannot be an Influx tag: ${
        value === "" ? "it is empty" : "it ends in a backslash"
      }`,
    );
  }
}
