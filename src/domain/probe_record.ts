/** One probe's result. Records are pooled and reused: an observer copies what it keeps. */
import type { Outcome } from "./outcome.ts";
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
  /** Sent minus due, in µs. */
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
    lagUs: 0,
    wallSeconds: 0,
    wallNanos: 0,
    error: null,
  };
}

/** What a run probes with: by TCP handshake, by ICMP echo, by a SYN that is never followed up. */
export type Diagnostic = "probe" | "ping" | "knock";
