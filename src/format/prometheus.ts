/**
 * Prometheus text exposition, format 0.0.4 (prometheus.io, "Exposition formats"): all targets'
 * counters and histograms as one page, in steps of bounded size. Base units: seconds and bytes.
 */
import { type HostPressure, RESOURCE_NAMES, RESOURCES } from "../domain/host_pressure.ts";
import { roundedShare } from "../text/number.ts";
import { UsageError } from "../domain/exit.ts";
import { type Outcome, OUTCOMES } from "../domain/outcome.ts";
import { NO_PORT, type Target } from "../domain/target.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { NAMING, type Naming } from "./naming.ts";
import type { Step } from "./record_format.ts";

/** Prometheus 3 refuses a page without it. */
export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Bound on a target's labels as they are written, in bytes; checked at start. */
const MAX_LABELS_BYTES = 2048;
/** What a line holds beside its labels: the longest name, `le` and the longest value. */
const MAX_REST_BYTES = 96;
/** No step writes more: a whole histogram of one target, so that its lines belong together. */
export const MAX_STEP_BYTES = 65_536;
/** The lines of a histogram of the most buckets that fit a step. */
const MAX_BUCKETS = Math.floor(MAX_STEP_BYTES / (MAX_LABELS_BYTES + MAX_REST_BYTES)) - 2;

/** Labels that the lines have anyway. */
const OWN_LABELS = new Set(["target", "az", "outcome", "le"]);
/** Names beginning with two underscores are Prometheus's own. */
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;
const MICROS = 1_000_000;
const NEWLINE = 10;
const DOT = 46;

/** A histogram of as many buckets as there are bounds, and one more. */
export interface HistogramView {
  /** A bucket's own count, not added up. */
  count(bucket: number): number;
  readonly sumUs: number;
}

/** One target's figures. */
export interface SeriesView {
  /** From `labelsOf`. */
  readonly labels: Uint8Array;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Null where the kernel does not tell. */
  readonly synRetransmits: number | null;
  /** Handshakes whose SYN was sent more than once; null where the kernel does not tell. */
  readonly repeatedHandshakes: number | null;
  readonly skipped: number;
  /** Whether the last probe was established; null before the first one. */
  readonly success: boolean | null;
  readonly target: Target;
  /** The address last probed; empty before the first probe. */
  readonly address: string;
  readonly rtt: HistogramView;
  readonly cold: HistogramView;
  readonly connect: HistogramView;
  readonly lag: HistogramView;
}

/** The prober's own figures. */
export interface ProcessView {
  readonly version: string;
  readonly exportDropped: number;
  readonly residentBytes: number;
  readonly pressure: HostPressure | null;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
}

/** Throws UsageError when the target cannot be represented. */
export function checkPrometheusTarget(target: Target): void {
  const seen = new Set<string>();
  for (const [key] of target.labels) {
    const why = OWN_LABELS.has(key)
      ? "is one of wire-probe's own in Prometheus"
      : !LABEL_NAME.test(key)
      ? "is no label name in Prometheus"
      : seen.has(key)
      ? "is there twice"
      : null;
    if (why !== null) throw new UsageError(`target ${target.name}: label ${key} ${why}`);
    seen.add(key);
  }
  const { length } = new TextEncoder().encode(labelsText(target));
  if (length > MAX_LABELS_BYTES) {
    throw new UsageError(
      `target ${target.name}: its labels take ${length} bytes in Prometheus, ` +
        `more than ${MAX_LABELS_BYTES}`,
    );
  }
}

/** The target's labels as they stand between the braces; targets alike in them are one series. */
export function labelsText(target: Target): string {
  const pairs = [["target", target.name], ["az", target.az], ...target.labels];
  return pairs.map(([key, value]) => `${key}="${escapeValue(value)}"`).join(",");
}

/** The same with the host, the port and the address; a label of the user's with such a key stays. */
function infoText({ target, address }: SeriesView): string {
  const own = new Set(target.labels.map(([key]) => key));
  const port = target.port === NO_PORT ? "" : String(target.port);
  const about = [["host", target.host], ["port", port], ["address", address]];
  const pairs = about.filter(([key]) => !own.has(key));
  return [labelsText(target), ...pairs.map(([key, value]) => `${key}="${escapeValue(value)}"`)]
    .join(",");
}

/** A label's value as it stands between quotes. */
export function escapeValue(value: string): string {
  return value.replaceAll(/[\\"\n]/g, (c) => c === "\n" ? "\\n" : `\\${c}`);
}

/** The page for these targets, whose histograms all have these bounds in µs. */
export function* prometheusPage(
  about: ProcessView,
  series: readonly SeriesView[],
  boundsUs: readonly number[],
  naming: Naming = NAMING.probe,
): Iterable<Step> {
  if (boundsUs.length >= MAX_BUCKETS) throw new RangeError("too many buckets for a step");
  yield processStep(about);
  yield* countsAndGauges(series, naming);
  const ends = boundsUs.map((us) => ascii(`,le="${leText(us)}"} `));
  ends.push(ascii(',le="+Inf"} '));
  for (const { name, help, of } of histogramsOf(naming)) {
    yield (out) => writeFamily(out, name, "histogram", help);
    const names = { bucket: ascii(`${name}_bucket{`), sum: ascii(`${name}_sum{`) };
    const count = ascii(`${name}_count{`);
    for (const one of series) {
      yield (out) => writeHistogram(out, { ...names, count, ends }, one.labels, of(one));
    }
  }
}

/** The process's own metrics, which every page begins with. */
export function processStep(about: ProcessView): Step {
  return (out) => writeProcess(out, about);
}

interface HistogramFamily {
  readonly name: string;
  readonly help: string;
  readonly of: (series: SeriesView) => HistogramView;
}

function histogramsOf({ metrics, roundTrip }: Naming): readonly HistogramFamily[] {
  return [
    {
      name: `${metrics}_rtt_seconds`,
      help: `${roundTrip} as the kernel measured it, without cold ones.`,
      of: (series) => series.rtt,
    },
    {
      name: `${metrics}_cold_rtt_seconds`,
      help: "Kernel round trip of the first probes of flows, which pay for their set-up.",
      of: (series) => series.cold,
    },
    {
      name: `${metrics}_connect_seconds`,
      help: "Time that a client waited for its answer, with scheduling and SYN retransmits in it.",
      of: (series) => series.connect,
    },
    {
      name: `${metrics}_lag_seconds`,
      help: "How long after it was due a probe was really sent.",
      of: (series) => series.lag,
    },
  ];
}

function* countsAndGauges(
  series: readonly SeriesView[],
  { metrics }: Naming,
): Iterable<Step> {
  const probes = `${metrics}_probes_total`;
  yield (out) => writeFamily(out, probes, "counter", "Probes whose fate is known, by outcome.");
  const ends = OUTCOMES.map((outcome) => ascii(`,outcome="${outcome}"} `));
  const start = ascii(`${probes}{`);
  for (const one of series) {
    yield (out) => {
      for (let i = 0; i < ends.length; i++) {
        writeCount(out, start, one.labels, ends[i], one.outcomes[OUTCOMES[i]]);
      }
    };
  }
  const retransmits = `${metrics}_syn_retransmits_total`;
  yield* values(series, retransmits, "SYNs sent again.", (one) => one.synRetransmits);
  const repeated = `${metrics}_repeated_handshakes_total`;
  const repeats = "Handshakes whose SYN was sent more than once: the sign of lost packets.";
  yield* values(series, repeated, repeats, (one) => one.repeatedHandshakes);
  const skipped = `${metrics}_skipped_total`;
  yield* values(series, skipped, "Scheduled probes that were not sent.", (one) => one.skipped);
  const success = `${metrics}_success`;
  const succeeded = "Whether the last probe was established: 1 or 0.";
  yield* values(series, success, succeeded, ({ success }) => success === null ? null : +success);
  const info = `${metrics}_target_info`;
  yield (out) => writeFamily(out, info, "gauge", "Always 1; host, port and address are labels.");
  for (const one of series) yield (out) => out.utf8(`${info}{${infoText(one)}} 1\n`);
}

/** A counter, or a gauge where the name says so, with a line for each series that has a value. */
function* values(
  series: readonly SeriesView[],
  name: string,
  help: string,
  of: (series: SeriesView) => number | null,
): Iterable<Step> {
  yield (out) => writeFamily(out, name, name.endsWith("_total") ? "counter" : "gauge", help);
  const start = ascii(`${name}{`);
  for (const one of series) {
    const value = of(one);
    if (value !== null) yield (out) => writeCount(out, start, one.labels, END_OF_LABELS, value);
  }
}

function writeProcess(out: ByteWriter, about: ProcessView): void {
  const info = "wire_probe_build_info";
  writeFamily(out, info, "gauge", "Always 1; the version is in its label.");
  out.utf8(`${info}{version="${escapeValue(about.version)}"} 1\n`);
  const dropped = "wire_probe_export_dropped_total";
  writeFamily(out, dropped, "counter", "Lines that an output or exporter could not deliver.");
  out.ascii(`${dropped} `);
  out.int(about.exportDropped);
  const memory = "process_resident_memory_bytes";
  out.byte(NEWLINE);
  writeFamily(out, memory, "gauge", "Resident memory size in bytes.");
  out.ascii(`${memory} `);
  out.int(about.residentBytes);
  out.byte(NEWLINE);
  const start = "process_start_time_seconds";
  writeFamily(out, start, "gauge", "When this process started, in seconds since the epoch.");
  out.ascii(`${start} `);
  writeSeconds(out, Math.round(about.startMs * 1000));
  out.byte(NEWLINE);
  writePressure(out, about.pressure);
}

/** How short the host is: latency at such a time may be its own. */
function writePressure(out: ByteWriter, pressure: HostPressure | null): void {
  for (const name of RESOURCE_NAMES) {
    const share = pressure?.[name] ?? null;
    if (share === null) continue;
    const metric = `wire_probe_host_${name}_ratio`;
    writeFamily(out, metric, "gauge", RESOURCES[name].help);
    out.ascii(`${metric} ${roundedShare(share)}\n`);
  }
}

/** Writes the head of a metric. All its lines must follow before the next head (the format demands it). */
export function writeFamily(
  out: ByteWriter,
  name: string,
  type: "counter" | "gauge" | "histogram",
  help: string,
): void {
  out.ascii(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
}

const END_OF_LABELS = ascii("} ");

function writeCount(
  out: ByteWriter,
  start: Uint8Array,
  labels: Uint8Array,
  end: Uint8Array,
  value: number,
): void {
  out.raw(start);
  out.raw(labels);
  out.raw(end);
  out.int(value);
  out.byte(NEWLINE);
}

/** The parts of a histogram's lines that are the same for all targets. */
interface HistogramParts {
  readonly bucket: Uint8Array;
  readonly sum: Uint8Array;
  readonly count: Uint8Array;
  readonly ends: readonly Uint8Array[];
}

function writeHistogram(
  out: ByteWriter,
  parts: HistogramParts,
  labels: Uint8Array,
  histogram: HistogramView,
): void {
  let total = 0;
  for (let i = 0; i < parts.ends.length; i++) {
    total += histogram.count(i);
    writeCount(out, parts.bucket, labels, parts.ends[i], total);
  }
  out.raw(parts.sum);
  out.raw(labels);
  out.raw(END_OF_LABELS);
  writeSeconds(out, histogram.sumUs);
  out.byte(NEWLINE);
  writeCount(out, parts.count, labels, END_OF_LABELS, total);
}

/** Whole microseconds as seconds, in the shortest decimal form. */
export function writeSeconds(out: ByteWriter, micros: number): void {
  const whole = Math.floor(micros / MICROS);
  let part = micros - whole * MICROS;
  out.int(whole);
  if (part === 0) return;
  let digits = 6;
  for (; part % 10 === 0; digits--) part /= 10;
  out.byte(DOT);
  out.padded(part, digits);
}

/**
 * A bound in seconds, spelled as Prometheus's own libraries and its normalisation spell it
 * (`5e-05`, `0.0001`, `1.0`), so that every version stores the same label.
 */
export function leText(us: number): string {
  const seconds = us / MICROS;
  if (Number.isInteger(seconds)) return seconds.toFixed(1);
  return us < 100 ? seconds.toExponential().replace(/-([0-9])$/, "-0$1") : String(seconds);
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}
