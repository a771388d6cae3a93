/** Where results are exported to, as the command line names it. */
import type { CollectdTypes } from "../format/collectd.ts";

export type ExportTarget =
  | {
    readonly kind: "telegraf-udp";
    readonly host: string;
    readonly port: number;
    /** Lines share a datagram of so many bytes at most; `path`: what fits the usual MTU. */
    readonly batchBytes: number | "path" | null;
  }
  | { readonly kind: "influx-http"; readonly url: string }
  | { readonly kind: "collectd-exec" }
  | { readonly kind: "collectd-uds"; readonly path: string }
  | { readonly kind: "prometheus"; readonly address: string; readonly port: number };

/** How results leave, beside stdout. */
export interface ExportOptions {
  readonly targets: readonly ExportTarget[];
  readonly collectdTypes: CollectdTypes;
  /** Aggregate over spans of this length, in ms; null for single probes only. */
  readonly windowMs: number | null;
  /** Whether single probes are printed and exported too. */
  readonly perProbe: boolean;
}
