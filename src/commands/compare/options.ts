/** What `compare` is asked to do, checked and typed. */
import type { Endpoint, Target } from "../../domain/target.ts";
import type { Family } from "../../net/resolver.ts";

export interface CompareOptions {
  readonly targets: readonly Target[];
  /** Slots; every diagnostic probes once in each of them. */
  readonly count: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Handshakes in a row in each slot, the first of them cold. */
  readonly burst: number;
  readonly family: Family;
  /** The address to send from, or null for the kernel's choice. */
  readonly source: Endpoint | null;
  readonly output: "text" | "json";
  readonly noColor: boolean;
}
