/** What `probe` is asked to do, checked and typed. */
import type { Endpoint, Target } from "../../domain/target.ts";
import type { CloseKind } from "../../net/deno_connector.ts";
import type { TargetDefaults } from "../../net/target_text.ts";
import type { ClockChoice } from "../../net/tcp_prober.ts";
import type { FORMATS } from "../../format/registry.ts";
import type { ExportOptions } from "./export_target.ts";
import type { LoopOptions } from "./probe_loop.ts";

export interface ProbeOptions {
  readonly targets: readonly Target[];
  readonly targetsFile: string | null;
  readonly defaults: TargetDefaults;
  readonly schedule: Omit<LoopOptions, "maxInFlight" | "idle">;
  /** Null for as many as the descriptor limit allows. */
  readonly maxInFlight: number | null;
  readonly timeoutMs: number;
  /** The address to send from, or null for the kernel's choice. */
  readonly source: Endpoint | null;
  readonly close: CloseKind;
  readonly clock: ClockChoice;
  readonly output: OutputName;
  readonly exports: ExportOptions;
  readonly quiet: boolean;
  readonly timestamps: boolean;
  readonly noColor: boolean;
  /** Thresholds a target must not exceed, or null. */
  readonly failLossPercent: number | null;
  readonly failP99Ms: number | null;
}

export type OutputName = keyof typeof FORMATS;
