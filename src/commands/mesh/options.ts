/** What `mesh` is asked to do, checked and typed. */
import type { CloseKind } from "../../net/deno_connector.ts";

export interface MeshOptions {
  readonly nodesFile: string;
  /** Which node this is; null for finding out. */
  readonly node: string | null;
  /** By how many others each node is probed; null for by all. */
  readonly fanout: number | null;
  readonly burst: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly windowMs: number;
  readonly close: CloseKind;
  /** Where handshakes and requests are answered; empty for everywhere. */
  readonly addresses: readonly string[];
  /** Of nodes whose line names none. */
  readonly httpPort: number;
  /** Echoes beside the handshakes. */
  readonly icmp: boolean;
  /** How often the row is printed as a table; null for when it is asked for, and at the end. */
  readonly tableEveryMs: number | null;
  readonly quiet: boolean;
}
