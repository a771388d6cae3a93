/** What `trace` is asked to do, checked and typed. */
import type { TraceProtocol } from "../../domain/path.ts";
import type { Endpoint } from "../../domain/target.ts";
import type { HttpOptions } from "../../net/http_access.ts";
import type { NameServer } from "../../net/name_server.ts";
import type { Family } from "../../net/resolver.ts";
import type { TraceTarget } from "../../input/trace_target.ts";
import type { ExportTarget } from "../../run/options.ts";

export interface TraceOptions {
  readonly targets: readonly TraceTarget[];
  /** More targets, one a line; null for none. */
  readonly targetsFile: string | null;
  readonly protocol: TraceProtocol;
  readonly family: Family;
  readonly source: Endpoint | null;
  /** The first flow's source port; null for any. */
  readonly sourcePort: number | null;
  /** TOS or traffic class; null for the system's default. */
  readonly tos: number | null;
  readonly interfaceName: string | null;
  readonly firstHop: number;
  readonly maxHops: number;
  /** Null for the default, which is less where the trace repeats. */
  readonly queries: number | null;
  readonly timeoutMs: number;
  /** Null for one flow, held as far as this process may. */
  readonly paths: number | null;
  /** The probe's whole IP packet; null for the default. */
  readonly sizeBytes: number | null;
  readonly mtu: boolean;
  readonly names: boolean;
  readonly asn: boolean;
  /** Null for the system's own. */
  readonly nameServer: NameServer | null;
  /** Rounds; null for a single trace, Infinity for no end. */
  readonly repeat: number | null;
  readonly intervalMs: number;
  readonly output: "text" | "json" | "csv" | "none";
  readonly exports: readonly ExportTarget[];
  readonly http: HttpOptions;
  readonly noColor: boolean;
}
