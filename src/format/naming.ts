/** The names of each diagnostic's results in every format: echoes and handshakes must not be mixed up. */
import { type Target, targetTitle } from "../domain/target.ts";
import type { Diagnostic } from "../domain/probe_record.ts";

export interface Naming {
  /** What a run does, for people. */
  readonly doing: string;
  /** The userland clock's time around a probe, in text. */
  readonly clock: string;
  /** Before `.v1` in the schemas of a probe, a window, a summary and a total. */
  readonly schemas: {
    readonly record: string;
    readonly window: string;
    readonly summary: string;
    readonly total: string;
  };
  /** Influx: the measurement of single probes. */
  readonly measurement: string;
  /** collectd: plugin and instance. */
  readonly plugin: string;
  /** Prometheus: what metric names begin with. */
  readonly metrics: string;
  /** OpenTelemetry: what metric names begin with. */
  readonly meter: string;
  /** What rtt is, in the help of a metric. */
  readonly roundTrip: string;
}

export const NAMING: Readonly<Record<Diagnostic, Naming>> = {
  // The original tool's names: `tcp_latency`, and plugin `wire` with its instance `probe-tcp`.
  probe: {
    doing: "probing",
    clock: "connect",
    schemas: { record: "probe", window: "window", summary: "summary", total: "total" },
    measurement: "tcp_latency",
    plugin: "wire-probe-tcp",
    metrics: "wire_probe",
    meter: "wire_probe",
    roundTrip: "TCP handshake round trip",
  },
  ping: {
    doing: "pinging",
    clock: "clock",
    schemas: {
      record: "ping",
      window: "ping-window",
      summary: "ping-summary",
      total: "ping-total",
    },
    measurement: "icmp_latency",
    plugin: "wire-probe-icmp",
    metrics: "wire_probe_icmp",
    meter: "wire_probe.icmp",
    roundTrip: "ICMP echo round trip",
  },
  knock: {
    doing: "knocking at",
    clock: "clock",
    schemas: {
      record: "knock",
      window: "knock-window",
      summary: "knock-summary",
      total: "knock-total",
    },
    measurement: "syn_latency",
    plugin: "wire-probe-syn",
    metrics: "wire_probe_syn",
    meter: "wire_probe.syn",
    roundTrip: "SYN to SYN-ACK round trip",
  },
};

/** The line before the first line of a run. */
export function textIntroduction(
  targets: readonly Target[],
  schedule: string,
  { doing }: Pick<Naming, "doing">,
): string {
  const [first] = targets;
  const what = targets.length === 1 ? targetTitle(first) : `${targets.length} targets`;
  return `${doing} ${what}, ${schedule}`;
}
