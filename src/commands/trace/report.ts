/** All that a trace has to say, for the formats to show. */
import type { Target } from "../../domain/target.ts";
import type { Outcome } from "../../domain/outcome.ts";
import type { TraceProtocol } from "../../net/hop_prober.ts";
import type { KnownNames } from "./names.ts";
import type { Hop, PathEnd } from "./path.ts";
import type { MtuStep } from "./round.ts";

/** The port's own handshake, made where the path's end is silent. */
export interface PlainHandshake {
  readonly port: number;
  readonly outcome: Outcome;
  /** NONE where there was no answer. */
  readonly rttUs: number;
  readonly rttSource: "kernel" | "clock" | null;
}

export interface TraceReport {
  readonly wallSeconds: number;
  readonly wallNanos: number;
  /** What the user named. */
  readonly host: string;
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: Target["port"] | null;
  readonly protocol: TraceProtocol;
  /** Whether the probes of a flow were one flow to the routers. */
  readonly flow: "fixed" | "varied";
  readonly paths: number;
  readonly rounds: number;
  readonly queries: number;
  readonly firstHop: number;
  readonly maxHops: number;
  /** Null for TCP, whose SYNs have the size they have. */
  readonly sizeBytes: number | null;
  /** How long the rounds took, without what came between them. */
  readonly durationMs: number;
  readonly hops: readonly Hop[];
  /** Hops behind those that were tried and told nothing. */
  readonly silentTail: number;
  readonly end: PathEnd | null;
  /** Null where it was not asked for. */
  readonly mtu: { readonly bytes: number; readonly steps: readonly MtuStep[] } | null;
  readonly handshake: PlainHandshake | null;
  namesOf(address: string): KnownNames;
}

/** Whether the target itself has answered a probe. */
export function isReached(report: TraceReport): boolean {
  return report.end?.kind === "end";
}

/** Whether the target has answered at all. */
export function hasAnswered(report: TraceReport): boolean {
  const outcome = report.handshake?.outcome;
  return isReached(report) || outcome === "established" || outcome === "refused";
}
