/** What `probe` and its kin are asked to do, checked and typed. */
import type { Endpoint, Target } from "../domain/target.ts";
import type { CloseKind } from "../net/deno_connector.ts";
import type { TargetDefaults } from "../input/target_text.ts";
import type { ClockChoice } from "../net/tcp_prober.ts";
import type { FORMATS } from "../format/registry.ts";
import type { ExportOptions } from "./export_target.ts";
import type { LoopOptions } from "./probe_loop.ts";
import type { Thresholds } from "./verdict.ts";

/** What a run is, whatever it probes with. */
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

export type OutputName = keyof typeof FORMATS;
