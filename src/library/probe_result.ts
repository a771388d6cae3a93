/** The result of a probe as programs get it: a plain object of its own, in the order of its target's probes. */
import type { Outcome } from "../domain/outcome.ts";
import { NONE, type ProbeRecord, type RttSource } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";

/** What became of one probe. Round trips are whole microseconds (µs). */
export interface ProbeResult {
  /** What was probed; the same object for each probe of a target. */
  readonly target: Target;
  /** The IP address that was probed; null where the name has none. */
  readonly address: string | null;
  /** Counts the target's probes from 1. */
  readonly seq: number;
  /**
   * `established` and `refused`: the target's host has answered. `timeout` and `unreachable`: no answer,
   * so it is lost. `unresolved` and `error`: this machine did not send it.
   */
  readonly outcome: Outcome;
  /** The round trip in µs; null where there is none, as of a refusal. */
  readonly rttUs: number | null;
  /** Whether the kernel measured `rttUs` or this program's clock did; null where there is none. */
  readonly rttSource: RttSource | null;
  /** What this program waited, in µs; null where nothing answered. */
  readonly connectUs: number | null;
  /** How often the SYN was sent again; null where nobody counted. */
  readonly synRetransmits: number | null;
  /** Whether it is the first probe of an address, or the first after a change of it. */
  readonly cold: boolean;
  /** How long after its due time it was sent, in µs. */
  readonly lagUs: number | null;
  /** When it was sent: milliseconds since the epoch, with a fraction of whole microseconds. */
  readonly sentMs: number;
  /** What the system, or a router, said; null for nothing. */
  readonly error: string | null;
}

/** A copy of a record, which its owner will use again. */
export function resultOf(record: ProbeRecord): ProbeResult {
  const { target, address, seq, outcome, rttSource, cold, wallSeconds, wallNanos, error } = record;
  return {
    target,
    address: address === "" ? null : address,
    seq,
    outcome,
    rttUs: orNull(record.rttUs),
    rttSource,
    connectUs: orNull(record.connectUs),
    synRetransmits: orNull(record.synRetransmits),
    cold,
    lagUs: orNull(record.lagUs),
    sentMs: wallSeconds * 1000 + wallNanos / 1e6,
    error,
  };
}

function orNull(value: number): number | null {
  return value === NONE ? null : value;
}

/** What was handed out of a target, and the results that came before their turn. */
interface Turn {
  next: number;
  readonly early: Map<number, ProbeResult>;
}

/**
 * Results in the order of each target's probes. A probe that is lost is known to be lost only when its
 * time is over, and answers of later ones wait until then.
 */
export class InOrder {
  #put: (result: ProbeResult) => void;
  #turns = new Map<Target, Turn>();

  constructor(put: (result: ProbeResult) => void) {
    this.#put = put;
  }

  add(result: ProbeResult): void {
    let turn = this.#turns.get(result.target);
    if (turn === undefined) {
      turn = { next: 1, early: new Map() };
      this.#turns.set(result.target, turn);
    }
    if (result.seq !== turn.next) {
      turn.early.set(result.seq, result);
      return;
    }
    this.#put(result);
    turn.next++;
    if (turn.early.size > 0) this.#putEarly(turn);
  }

  /** Hands out what still waits for a probe whose fate will not be known. */
  end(): void {
    for (const { early } of this.#turns.values()) {
      for (const seq of [...early.keys()].sort((a, b) => a - b)) {
        const result = early.get(seq);
        if (result !== undefined) this.#put(result);
      }
      early.clear();
    }
  }

  #putEarly(turn: Turn): void {
    for (
      let result = turn.early.get(turn.next);
      result !== undefined;
      result = turn.early.get(turn.next)
    ) {
      turn.early.delete(turn.next++);
      this.#put(result);
    }
  }
}
