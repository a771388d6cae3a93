/**
 * OpenTelemetry metrics (opentelemetry-proto 1.x, metrics/v1) in protobuf: the counts and histograms
 * that Prometheus gets too, under names that OpenTelemetry's translation turns into the same ones.
 */
import { type HostPressure, RESOURCE_NAMES, RESOURCES } from "../domain/host_pressure.ts";
import { UsageError } from "../domain/exit.ts";
import { type Outcome, OUTCOMES } from "../domain/outcome.ts";
import { NO_PORT, type Target } from "../domain/target.ts";
import type { WallTime } from "../time/wall_anchor.ts";
import type { Naming } from "./naming.ts";
import type { HistogramView } from "./prometheus.ts";
import type { MetricFamily, MetricSample } from "./metric_family.ts";
import { OtlpDifferences, type Span, type Temporality } from "./otlp_differences.ts";
import { ProtobufWriter } from "./protobuf.ts";

/** The semantic conventions that the attributes of the resource follow. */
const SCHEMA_URL = "https://opentelemetry.io/schemas/1.26.0";
/** AggregationTemporality. */
const DELTA = 1;
const CUMULATIVE = 2;
/** Attributes that every point has. */
const OWN_ATTRIBUTES = new Set(["target", "az", "outcome"]);
/** A target's attributes take no more bytes than this; checked at start. */
const MAX_ATTRIBUTES_BYTES = 2048;
const MICROS = 1_000_000;

/** A name and its value, which is a text or a whole number of 0 or more. */
export type Attribute = readonly [key: string, value: string | number];

/** One target's figures, which only grow. */
export interface OtlpSeries {
  readonly target: Target;
  /** Since when they are counted. */
  readonly start: WallTime;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly synRetransmits: number | null;
  readonly repeatedHandshakes: number | null;
  readonly skipped: number;
  readonly success: boolean | null;
  readonly address: string;
  readonly rtt: OtlpHistogram;
  readonly cold: OtlpHistogram;
  readonly connect: OtlpHistogram;
  readonly lag: OtlpHistogram;
}

/** A histogram that knows its bounds, in µs. */
export interface OtlpHistogram extends HistogramView {
  readonly boundsUs: readonly number[];
  readonly total: number;
}

/** The prober's own figures. */
export interface OtlpProcess {
  readonly start: WallTime;
  readonly exportDropped: number;
  readonly residentBytes: number;
  readonly pressure: HostPressure | null;
}

/** The owner of the points of families, and of the prober's own points. */
const FAMILIES = {};
const OWN = {};

/** Units as OpenTelemetry spells them (UCUM). */
const UCUM = { seconds: "s", bytes: "By" } as const;

/** The sender of a request. */
export interface OtlpSender {
  readonly resource: readonly Attribute[];
  readonly version: string;
  readonly naming: Naming;
  readonly temporality: Temporality;
}

/** Throws UsageError when the target cannot be represented. */
export function checkOtlpTarget(target: Target): void {
  for (const [key] of target.labels) {
    if (!OWN_ATTRIBUTES.has(key)) continue;
    throw new UsageError(`target ${target.name}: label ${key} is one of wire-probe's own in OTLP`);
  }
  const length = attributesOf(target).reduce(
    (sum, [key, value]) => sum + new TextEncoder().encode(`${key}${value}`).length,
    0,
  );
  if (length > MAX_ATTRIBUTES_BYTES) {
    throw new UsageError(
      `target ${target.name}: its labels take ${length} bytes in OTLP, more than ` +
        `${MAX_ATTRIBUTES_BYTES}`,
    );
  }
}

/** A request with the figures of these targets at one time; `about` is in one request of several. */
export class OtlpFormat {
  #sender: OtlpSender;
  #out = new ProtobufWriter();
  #points = 0;
  #differences = new OtlpDifferences();
  /** The metric that is being written, and whether its points are differences. */
  #name = "";
  #delta = false;

  constructor(sender: OtlpSender) {
    this.#sender = sender;
  }

  /** How many data points the last request has. */
  get points(): number {
    return this.#points;
  }

  /** The receiver has taken the last request. */
  arrived(): void {
    this.#differences.arrived();
  }

  /** ExportMetricsServiceRequest; the bytes are valid until the next call. */
  request(
    series: readonly OtlpSeries[],
    about: OtlpProcess | null,
    at: WallTime,
    families: Iterable<MetricFamily> = [],
  ): Uint8Array<ArrayBuffer> {
    const out = this.#out;
    const { resource, version } = this.#sender;
    out.clear();
    this.#points = 0;
    this.#differences.begin();
    out.message(1, () => {
      out.message(1, () => {
        for (const attribute of resource) this.#attribute(1, attribute);
      });
      out.message(2, () => {
        out.message(1, () => {
          out.string(1, "wire-probe");
          out.string(2, version);
        });
        if (series.length > 0) {
          this.#counts(series, at);
          this.#histograms(series, at);
        }
        for (const family of families) this.#family(family, at);
        if (about !== null) this.#ownFigures(about, at);
      });
      out.string(3, SCHEMA_URL);
    });
    return out.bytes;
  }

  #counts(series: readonly OtlpSeries[], at: WallTime): void {
    const { meter } = this.#sender.naming;
    this.#sum(`${meter}.probes`, "{probe}", "Probes whose fate is known, by outcome.", () => {
      for (const one of series) {
        for (const outcome of OUTCOMES) {
          this.#number(one, at, one.outcomes[outcome], [["outcome", outcome]]);
        }
      }
    });
    const sum = (
      name: string,
      unit: string,
      help: string,
      of: (one: OtlpSeries) => number | null,
    ) =>
      this.#sum(`${meter}.${name}`, unit, help, () => {
        for (const one of series) this.#number(one, at, of(one), []);
      });
    sum("syn_retransmits", "{segment}", "SYNs sent again.", (one) => one.synRetransmits);
    const repeats = "Handshakes whose SYN was sent more than once.";
    sum("repeated_handshakes", "{handshake}", repeats, (one) => one.repeatedHandshakes);
    sum("skipped", "{probe}", "Scheduled probes that were not sent.", (one) => one.skipped);
    this.#metric(
      `${meter}.success`,
      "",
      "Whether the last probe was established: 1 or 0.",
      5,
      () => {
        for (const one of series) {
          this.#number(
            one,
            at,
            one.success === null ? null : +one.success,
            [],
          );
        }
      },
    );
    this.#metric(`${meter}.target_info`, "", "Always 1; the address is an attribute.", 5, () => {
      for (const one of series) {
        if (one.address !== "") this.#number(one, at, 1, [["network.peer.address", one.address]]);
      }
    });
  }

  #histograms(series: readonly OtlpSeries[], at: WallTime): void {
    const { meter, roundTrip } = this.#sender.naming;
    const histogram = (name: string, help: string, of: (one: OtlpSeries) => OtlpHistogram) =>
      this.#metric(`${meter}.${name}`, "s", help, 9, () => {
        this.#delta = this.#sender.temporality !== "cumulative";
        for (const one of series) this.#histogram(one, at, of(one));
        this.#out.uint(2, this.#delta ? DELTA : CUMULATIVE);
      });
    histogram(
      "rtt",
      `${roundTrip} as the kernel measured it, without cold ones.`,
      ({ rtt }) => rtt,
    );
    histogram("cold_rtt", "Kernel round trip of the first probes of flows.", ({ cold }) => cold);
    histogram("connect", "Time that a client waited for its answer.", ({ connect }) => connect);
    histogram("lag", "How long after it was due a probe was really sent.", ({ lag }) => lag);
  }

  #ownFigures({ start, exportDropped, residentBytes, pressure }: OtlpProcess, at: WallTime): void {
    const help = "Lines or points that an output could not deliver.";
    this.#sum("wire_probe.export_dropped", "{line}", help, () => {
      this.#point(this.#span(OWN, [], start, [exportDropped], at), at, []);
    }, true);
    this.#metric("wire_probe.resident_memory", "By", "Resident memory.", 7, () => {
      this.#point({ start, sums: [residentBytes] }, at, []);
      this.#out.uint(2, CUMULATIVE);
    });
    for (const name of RESOURCE_NAMES) {
      const share = pressure?.[name] ?? null;
      if (share === null) continue;
      this.#metric(`wire_probe.host.${name}_ratio`, "1", RESOURCES[name].help, 5, () => {
        this.#double({ start, sums: [share] }, at, []);
      });
    }
  }

  /** A summary is two counters: quantiles are not there to be sent. */
  #family({ name, kind, unit, help, samples, sums }: MetricFamily, at: WallTime): void {
    if (samples.length === 0) return;
    // `wire_probe_connections_sent` is `wire_probe.connections.sent`.
    const full = name.replace(/^wire_probe_([a-z]+)_/, "wire_probe.$1.");
    const ucum = unit === null ? "1" : UCUM[unit];
    const points = (of: readonly MetricSample[]) => () => {
      for (const { labels, start, value } of of) {
        this.#double(this.#span(FAMILIES, labels, start, [value], at), at, labels);
      }
    };
    switch (kind) {
      case "gauge":
        return this.#metric(full, ucum, help, 5, points(samples));
      case "counter":
        return this.#sum(full, ucum, help, points(samples), true);
      case "summary":
        this.#sum(`${full}.sum`, ucum, help, points(sums), true);
        return this.#sum(`${full}.count`, "1", help, points(samples), true);
      default:
        return kind satisfies never;
    }
  }

  /** NumberDataPoint with a fraction. */
  #double({ start, sums }: Span, at: WallTime, attributes: readonly Attribute[]): void {
    const out = this.#out;
    this.#points++;
    out.message(1, () => {
      this.#times(start, at);
      out.double(4, sums[0]);
      for (const attribute of attributes) this.#attribute(7, attribute);
    });
  }

  /** A counter; `read`: of sums that something else counts. */
  #sum(name: string, unit: string, help: string, points: () => void, read = false): void {
    const { temporality } = this.#sender;
    this.#metric(name, unit, help, 7, () => {
      this.#delta = temporality === "delta" || (temporality === "lowmemory" && !read);
      points();
      this.#out.uint(2, this.#delta ? DELTA : CUMULATIVE);
      this.#out.bool(3, true);
    });
  }

  /** `kind`: 5 gauge, 7 sum, 9 histogram. */
  #metric(name: string, unit: string, help: string, kind: number, data: () => void): void {
    const out = this.#out;
    this.#name = name;
    this.#delta = false;
    out.message(2, () => {
      out.string(1, name);
      out.string(2, help);
      out.string(3, unit);
      out.message(kind, data);
    });
  }

  #number(
    series: OtlpSeries,
    at: WallTime,
    value: number | null,
    more: readonly Attribute[],
  ): void {
    if (value === null) return;
    const span = this.#span(series, more, series.start, [value], at);
    this.#point(span, at, [...attributesOf(series.target), ...more]);
  }

  /**
   * The span and sums of a point of the current metric; `more` distinguishes it from the owner's
   * others.
   */
  #span(
    owner: object,
    more: readonly Attribute[],
    start: WallTime,
    sums: readonly number[],
    at: WallTime,
  ): Span {
    if (!this.#delta) return { start, sums };
    return this.#differences.since(owner, JSON.stringify([this.#name, more]), start, sums, at);
  }

  /** NumberDataPoint. */
  #point(span: Span, at: WallTime, attributes: readonly Attribute[]): void {
    const out = this.#out;
    this.#points++;
    out.message(1, () => {
      this.#times(span.start, at);
      out.fixed64(6, span.sums[0]);
      for (const attribute of attributes) this.#attribute(7, attribute);
    });
  }

  /** HistogramDataPoint. */
  #histogram(series: OtlpSeries, at: WallTime, of: OtlpHistogram): void {
    const out = this.#out;
    const { boundsUs } = of;
    this.#points++;
    const counts = Array.from({ length: boundsUs.length + 1 }, (_, i) => of.count(i));
    const all = [of.total, of.sumUs, ...counts];
    const { start, sums } = this.#span(series, [], series.start, all, at);
    const [total, sumUs, ...each] = sums;
    out.message(1, () => {
      this.#times(start, at);
      out.fixed64(4, total);
      out.double(5, sumUs / MICROS);
      out.packedFixed64(6, each);
      out.packedDouble(7, boundsUs.map((us) => us / MICROS));
      for (const attribute of attributesOf(series.target)) this.#attribute(9, attribute);
    });
  }

  #times(start: WallTime, at: WallTime): void {
    this.#out.nanos(2, start.wallSeconds, start.wallNanos);
    this.#out.nanos(3, at.wallSeconds, at.wallNanos);
  }

  /** KeyValue. */
  #attribute(field: number, [key, value]: Attribute): void {
    const out = this.#out;
    out.message(field, () => {
      out.string(1, key);
      out.message(2, () => {
        if (typeof value === "number") out.uint(3, value);
        else out.string(1, value);
      });
    });
  }
}

/** A target as attributes; what is its own has the names of the semantic conventions. */
function attributesOf({ name, az, host, port, labels }: Target): readonly Attribute[] {
  return [
    ["target", name],
    ["az", az],
    ...labels,
    ["server.address", host],
    ...(port === NO_PORT ? [] : [["server.port", port]] as const),
  ];
}
