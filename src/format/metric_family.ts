/** Metrics as data, for what is not a target's: written as Prometheus' text here, by OTLP's encoder elsewhere. */
import { escapeValue } from "./prometheus.ts";
import type { Step } from "./record_format.ts";

/** A label, or an attribute: its key and its value. */
export type MetricLabel = readonly [key: string, value: string | number];

export interface MetricSample {
  readonly labels: readonly MetricLabel[];
  readonly value: number;
  /** Of a counter: since when it counts. */
  readonly start: { readonly wallSeconds: number; readonly wallNanos: number };
}

/** `summary`: a sum and a count of the same labels, without quantiles. */
export interface MetricFamily {
  /** Without what the formats add: `wire_probe_connections_opened`. */
  readonly name: string;
  readonly kind: "gauge" | "counter" | "summary";
  /** The base unit, as it ends a name in Prometheus; null for a plain number. */
  readonly unit: "seconds" | "bytes" | null;
  readonly help: string;
  /** Of a summary: the counts. */
  readonly samples: readonly MetricSample[];
  /** Of a summary: the sums, in the order of the counts. */
  readonly sums: readonly MetricSample[];
}

/** What a metric is called and means. */
export interface DescribedMetric {
  /** Behind the prefix of its kind. */
  readonly name: string;
  readonly unit: MetricFamily["unit"];
  readonly help: string;
}

/** A metric that is a plain number. */
export function plainMetric(name: string, help: string): DescribedMetric {
  return { name, unit: null, help };
}

/** A family of metrics whose names begin alike: `wire_probe_path`. */
export function metricFamily(
  prefix: string,
  kind: MetricFamily["kind"],
  { name, unit, help }: DescribedMetric,
  samples: readonly MetricSample[],
  sums: readonly MetricSample[] = [],
): MetricFamily {
  return { name: `${prefix}_${name}`, kind, unit, help, samples, sums };
}

/** The families of `families` that have a sample: a step for the head, one for each sample (text format 0.0.4). */
export function* prometheusFamilies(families: Iterable<MetricFamily>): Iterable<Step> {
  for (const { name, kind, unit, help, samples, sums } of families) {
    if (samples.length === 0) continue;
    const base = unit === null ? name : `${name}_${unit}`;
    const full = kind === "counter" ? `${base}_total` : base;
    yield (out) => out.ascii(`# HELP ${full} ${help}\n# TYPE ${full} ${kind}\n`);
    for (const [i, sample] of samples.entries()) {
      yield (out) => {
        if (kind === "summary") out.utf8(line(`${full}_sum`, sums[i]));
        out.utf8(line(kind === "summary" ? `${full}_count` : full, sample));
      };
    }
  }
}

function line(name: string, { labels, value }: MetricSample): string {
  const pairs = labels.map(([key, text]) => `${key}="${escapeValue(String(text))}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
}
