/** A span of an agent's run in figures: a summary of the probes whose fate became known in it. */
import type { Distribution, Summary } from "./summary.ts";

export interface Window extends Summary {
  /** When the window ended: whole seconds since the epoch, and the nanoseconds within. */
  readonly wallSeconds: number;
  readonly wallNanos: number;
  /** How long it was, in ms. */
  readonly windowMs: number;
  /** The reported RTTs of all established handshakes, cold ones and the clock's included. */
  readonly handshakes: Distribution | null;
}
