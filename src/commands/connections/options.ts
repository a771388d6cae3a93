/** What `connections` is asked to do, checked and typed. */
import type { OutputName } from "../../format/record_format.ts";
import type { HttpOptions } from "../../net/http_access.ts";
import type { Grouping } from "../../domain/connection.ts";
import type { PeerName } from "../../input/peer_prefix.ts";
import type { ConnectionFilter } from "../../connections/grouping.ts";
import type { ReportThresholds } from "../../connections/report.ts";
import type { ExportTarget } from "../../run/options.ts";

export interface ConnectionsOptions {
  readonly by: Grouping;
  readonly filter: ConnectionFilter;
  /** Names whose addresses, at the start, are peers of the filter too. */
  readonly peerNames: readonly PeerName[];
  /** Groups shown by themselves. */
  readonly top: number;
  readonly intervalMs: number;
  /** Reports; null for no end. */
  readonly count: number | null;
  readonly durationMs: number | null;
  /** Whether the programs' and the peers' names are wanted. */
  readonly owners: boolean;
  readonly names: boolean;
  /** Whether handshakes are made beside. */
  readonly probe: boolean;
  readonly output: OutputName;
  readonly exports: readonly ExportTarget[];
  readonly http: HttpOptions;
  readonly live: boolean;
  readonly quiet: boolean;
  readonly timestamps: boolean;
  readonly noColor: boolean;
  readonly fail: ReportThresholds;
  readonly trace: ReportThresholds;
}

/** Whether something is asked to be traced. */
export function wantsTraces({ trace }: ConnectionsOptions): boolean {
  return trace.rttUs !== null || trace.retransmittedRatio !== null;
}
