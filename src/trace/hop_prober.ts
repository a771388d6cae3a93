/** The port through which a trace sends probes with a hop limit, and receives their answers. */
import type {
  HopAnswerDetail,
  HopAnswerKind,
  IcmpExtensions,
  SynAckFacts,
  Translation,
} from "../domain/path.ts";
import type { RttSource } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";

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
  readonly extensions: IcmpExtensions;
  /** TTL or hop limit with which it arrived; 0 where that is not known. */
  readonly ttl: number;
  /** How the packet differed where it was quoted; null for not at all, or where that is not seen. */
  readonly translation: Translation | null;
  /** Of a SYN-ACK whose segment was seen. */
  readonly synAck: SynAckFacts | null;
}

export interface HopProbe {
  readonly target: Endpoint;
  /** After so many hops a router drops it. */
  readonly hops: number;
  /** Probes of one flow take one path where paths are equal: from 0. */
  readonly flow: number;
  /** The whole IP packet's length; TCP takes no notice of it. */
  readonly sizeBytes: number;
}

/**
 * How many probes of a flow may be under way at once. `not-at-the-end`: the target answers only one
 * at a time, routers any number.
 */
export type Concurrency = "any" | "not-at-the-end" | "one-a-flow";

export interface HopProber {
  /** May become `one-a-flow` where answers turn out to be unclear. */
  readonly concurrency: Concurrency;
  /** Whether the probes of a flow really are one flow to routers that choose among equal paths. */
  readonly flow: "fixed" | "varied";
  /** The least length of a packet that can be sent. */
  readonly leastBytes: number;
  /** The largest packet that the first link on the way takes; throws ErrnoError. */
  linkMtu(target: Endpoint): number;
  /**
   * Sends before it returns; calls back for every answer, later ones included, until what it
   * returned is called. `onUnclear`: an answer came that may be another probe's of this flow, so that
   * this one has no fate, and is to be sent again. Throws ErrnoError when nothing was sent.
   */
  send(
    probe: HopProbe,
    onAnswer: (answer: HopAnswer) => void,
    onUnclear?: () => void,
  ): () => void;
  /** Reads what waits in the sockets. */
  drain(): void;
  /** The routes to a target are looked up anew. */
  renew(target: Endpoint): void;
  /** Further lines for the end. */
  remarks(): readonly string[];
  /** Frees all sockets. */
  close(): void;
}
