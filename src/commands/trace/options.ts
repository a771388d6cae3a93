/** What `trace` is asked to do, checked and typed. */
import type { TraceProtocol } from "../../domain/path.ts";
import type { Endpoint } from "../../domain/target.ts";
import type { NameServer } from "../../net/name_server.ts";
import type { Family } from "../../net/resolver.ts";
import type { TraceTarget } from "../../input/trace_target.ts";

export interface TraceOptions {
  readonly target: TraceTarget;
  readonly protocol: TraceProtocol;
  readonly family: Family;
  readonly source: Endpoint | null;
  readonly firstHop: number;
  readonly maxHops: number;
  /** Null for the default, which is less where the trace repeats. */
  readonly queries: number | null;
  readonly timeoutMs: number;
  /** Null for one flow, held as far as this process may. */
  readonly paths: number | null;
  /** The probe's whole IP packet. */
  readonly sizeBytes: number;
  readonly mtu: boolean;
  readonly names: boolean;
  readonly asn: boolean;
  /** Null for the system's own. */
  readonly nameServer: NameServer | null;
  /** Rounds; null for a single trace. */
  readonly repeat: number | null;
  readonly intervalMs: number;
  readonly output: "text" | "json";
  readonly noColor: boolean;
}
