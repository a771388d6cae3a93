/** The port through which a trace sends: a probe that may go so many hops, and what answers it. */
import type { HopAnswerDetail, HopAnswerKind, MplsLabel } from "../domain/path.ts";
import type { RttSource } from "../domain/probe_record.ts";
import type { Poller } from "../kernel/poller.ts";
import type { HopSockets } from "../kernel/hop_socket.ts";
import type { MessageReader } from "../kernel/error_queue.ts";
import type { Clock } from "../time/clock.ts";

export interface HopAnswer {
  readonly kind: HopAnswerKind;
  readonly detail: HopAnswerDetail;
  /** Who sent it. */
  readonly address: string;
  /** µs from the probe to the answer, or NONE where it cannot be told. */
  readonly rttUs: number;
  readonly rttSource: RttSource | null;
  /** The MTU of `too big`; 0 else, or where the router does not give it. */
  readonly mtuBytes: number;
  /** The MPLS labels that the probe bore there (RFC 4950). */
  readonly labels: readonly MplsLabel[];
}

export interface HopProbe {
  /** After so many hops a router drops it. */
  readonly hops: number;
  /** Probes of one flow take one path where paths are equal: from 0. */
  readonly flow: number;
  /** The whole IP packet's length; TCP takes no notice of it. */
  readonly sizeBytes: number;
}

/**
 * How many probes may be under way at once. `any`: no bound. `not-at-the-end`: the target answers
 * but one of a flow at a time, routers any. `one-a-flow`: one of each flow.
 */
export type Together = "any" | "not-at-the-end" | "one-a-flow";

export interface HopProber {
  readonly together: Together;
  /** Whether the probes of a flow really are one flow to routers that choose among equal paths. */
  readonly flow: "fixed" | "varied";
  /** The largest packet that the first link takes. */
  linkMtu(): number;
  /**
   * Sends before it returns; calls back for every answer, later ones included, until what it
   * returned is called. Throws ErrnoError when nothing was sent.
   */
  send(probe: HopProbe, onAnswer: (answer: HopAnswer) => void): () => void;
  /** Frees all sockets. */
  close(): void;
}

/** What every kind of prober is made of. */
export interface HopTools {
  readonly sockets: HopSockets;
  readonly reader: MessageReader;
  readonly poller: Poller;
  readonly clock: Clock;
}
