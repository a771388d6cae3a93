/** One probe's result. Records are pooled and reused: an observer copies what it keeps. */
import { fateOf, type Outcome } from "./outcome.ts";
import type { Target } from "./target.ts";

/** Which clock `rttUs` came from: the kernel's own sample, or the clock around the connect. */
export type RttSource = "kernel" | "clock";

/** Stands in a numeric field for "undefined", which no measured value can equal. */
export const NONE = -1;

/** All times are whole microseconds: the precision of the kernel's sample. */
export interface ProbeRecord {
  target: Target;
  /** The IP literal probed; empty when the name did not resolve. */
  address: string;
  /** Counts the target's probes from 1. */
  seq: number;
  /** The slot of the schedule it was sent in, from 0; a burst shares one. */
  slot: number;
  outcome: Outcome;
  /** Handshake round trip in µs, or NONE. */
  rttUs: number;
  rttSource: RttSource | null;
  /** Userland clock around the connect in µs, or NONE when it was never answered. */
  connectUs: number;
  /** SYN retransmits of the handshake, or NONE where nobody counted them. */
  synRetransmits: number;
  cold: boolean;
  /** Sent minus due, in µs, or NONE for a probe without a due time of its own (not the first of a burst). */
  lagUs: number;
  /** When the probe was sent: whole seconds since the epoch, and the nanoseconds within. */
  wallSeconds: number;
  wallNanos: number;
  /** What the system said, for outcomes that are not answers; else null. */
  error: string | null;
}

const NO_TARGET: Target = { name: "", host: "", port: 0, az: "", labels: [] };

/** A record with nothing in it yet. */
export function blankRecord(): ProbeRecord {
  return {
    target: NO_TARGET,
    address: "",
    seq: 0,
    slot: 0,
    outcome: "error",
    rttUs: NONE,
    rttSource: null,
    connectUs: NONE,
    synRetransmits: NONE,
    cold: false,
    lagUs: NONE,
    wallSeconds: 0,
    wallNanos: 0,
    error: null,
  };
}

/** The kernel's round trip in µs, of a handshake without a repeated SYN; NONE where it has none. */
export function kernelRttOf({ rttSource, rttUs }: ProbeRecord): number {
  return rttSource === "kernel" ? rttUs : NONE;
}

/** The round trip in µs of a handshake that a service completed, by either clock; else NONE. */
export function serviceRttOf({ outcome, rttUs }: ProbeRecord): number {
  return outcome === "established" ? rttUs : NONE;
}

/** How late a probe was sent, in µs; NONE for one that was not sent. */
export function lagOf({ outcome, lagUs }: ProbeRecord): number {
  return fateOf(outcome) === "unsent" ? NONE : lagUs;
}

/** Whether the kernel counted the SYNs of this handshake. */
export function hasSynCount({ synRetransmits }: ProbeRecord): boolean {
  return synRetransmits !== NONE;
}

/** Whether the SYN was sent more than once: the first of them, or its answer, was lost. */
export function isRepeated({ synRetransmits }: ProbeRecord): boolean {
  return synRetransmits > 0;
}

/** What a run probes with: by TCP handshake, by ICMP echo, by a SYN that is never followed up. */
export type Diagnostic = "probe" | "ping" | "knock";
