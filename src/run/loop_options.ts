/** What a probe loop is told to do, and what it needs of the world. */
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import type { Prober } from "../net/prober.ts";
import type { LookUpOptions, LookUpPorts } from "./look_ups.ts";

export interface LoopOptions extends LookUpOptions {
  /** Probes a target, or null for no end. */
  readonly count: number | null;
  /** No probe is due this long after the start, in ms; null for no end. */
  readonly durationMs: number | null;
  readonly intervalMs: number;
  /** From the start to the first slot, in ms, for interleaved loops; else 0. */
  readonly offsetMs?: number;
  /** Probes back to back in each slot. */
  readonly burst: number;
  /**
   * A burst ends with its first lost probe, and slots that the burst took too long for are skipped:
   * a target that never answers makes no probe late, not even its own.
   */
  readonly endsSilentBursts?: boolean;
  /** Failures in a row after which a name is resolved again and the next address taken. */
  readonly resolveAfter: number;
  /** Names are resolved again this often, in ms; null for only after failures. */
  readonly resolveEveryMs: number | null;
  readonly maxInFlight: number;
  /** Goes on without anything to probe, until it is stopped. */
  readonly idle: boolean;
  /**
   * A result keeps its place among those in flight until `release` is called: if results are read
   * slowly, fewer probes are sent.
   */
  readonly holdsPlaces?: boolean;
}

/** What the loop needs of the world. */
export interface LoopPorts extends LookUpPorts {
  readonly prober: Prober;
  /** Called with each probe whose fate is known; the record is reused afterwards. */
  onRecord(record: ProbeRecord): void;
  /** Slots went by without their probes. */
  onSkip(target: Target, probes: number): void;
}
