/** The options of `probe`, `ping` and `knock`, checked and typed. */
import type { CollectdOptions } from "../format/collectd.ts";
import { environment, hostName } from "../kernel/process.ts";
import type { Endpoint, Target } from "../domain/target.ts";
import type { CloseKind } from "../net/connector.ts";
import type { ProbeScope } from "../input/probe_scope.ts";
import type { TargetDefaults } from "../input/target_text.ts";
import type { HttpOptions } from "../net/http_access.ts";
import type { ClockChoice } from "../net/prober.ts";
import type { CollectdTypes } from "../format/collectd.ts";
import type { OutputName } from "../format/record_format.ts";
import type { LoopOptions } from "./loop_options.ts";
import type { Thresholds } from "./verdict.ts";

/** The options that the three commands share. */
export interface RunOptions {
  readonly targets: readonly Target[];
  readonly targetsFile: string | null;
  readonly defaults: TargetDefaults;
  readonly schedule: Omit<LoopOptions, "maxInFlight" | "idle">;
  /** Null for as many as this machine's limits allow. */
  readonly maxInFlight: number | null;
  readonly timeoutMs: number;
  /** The address to send from, or null for the kernel's choice. */
  readonly source: Endpoint | null;
  /** The interface to send from, or null for the kernel's choice. */
  readonly device: string | null;
  readonly clock: ClockChoice;
  readonly output: OutputName;
  readonly exports: ExportOptions;
  readonly quiet: boolean;
  /** A table that redraws, where stdout is a terminal. */
  readonly live: boolean;
  /** A histogram of the round trips in the text summary. */
  readonly histogram: boolean;
  readonly timestamps: boolean;
  readonly noColor: boolean;
  readonly thresholds: Thresholds;
}

export interface ProbeOptions extends RunOptions {
  readonly close: CloseKind;
}

export interface PingOptions extends RunOptions {
  /** Bytes behind the ICMP header. */
  readonly payloadBytes: number;
  /** TTL or hop limit; null for the system's. */
  readonly ttl: number | null;
}

export type KnockOptions = RunOptions;

/** Where results are exported to, as the command line names it. */
export type ExportTarget =
  | {
    readonly kind: "telegraf-udp";
    readonly host: string;
    readonly port: number;
    /** Payload bytes up to which lines share a datagram; `path`: what fits the usual MTU; null: one line each. */
    readonly batchBytes: number | "path" | null;
  }
  | { readonly kind: "influx-http"; readonly url: string }
  | { readonly kind: "otlp"; readonly url: string }
  | { readonly kind: "collectd-exec" }
  | { readonly kind: "collectd-uds"; readonly path: string }
  | {
    readonly kind: "prometheus";
    readonly address: string;
    readonly port: number;
    /** What `/probe` may be asked for; null for no such page. */
    readonly onDemand: ProbeScope | null;
  };

/** Exports and windows. */
export interface ExportOptions {
  readonly targets: readonly ExportTarget[];
  readonly collectdTypes: CollectdTypes;
  /** Aggregate over spans of this length, in ms; null for single probes only. */
  readonly windowMs: number | null;
  /** Whether single probes are printed and exported too. */
  readonly perProbe: boolean;
  /** Upper bounds of histograms' buckets, in µs. */
  readonly boundsUs: readonly number[];
  /** Whether Influx lines name this host in a tag, so that two probers of a target are two series. */
  readonly hostTag: boolean;
  readonly http: HttpOptions;
}

/** The part of a run's options that its exporters need. */
export interface ExportRun {
  readonly exports: ExportOptions;
  readonly schedule: { readonly intervalMs: number };
}

/** Host and interval of PUTVAL lines: collectd's environment variables first, then this run's options. */
export function collectdOptions({ exports, schedule }: ExportRun): CollectdOptions {
  const { collectdTypes, windowMs, perProbe } = exports;
  const windowed = windowMs !== null && (collectdTypes === "ping" || !perProbe);
  const stated = Number(environment("COLLECTD_INTERVAL") ?? "") * 1000;
  const usual = stated > 0 ? stated : schedule.intervalMs;
  return {
    host: environment("COLLECTD_HOSTNAME") ?? hostName(),
    intervalMs: windowed ? windowMs : usual,
    types: collectdTypes,
    windowed,
  };
}
