/** A path through the network as a trace has seen it: hops, who answered at each, and its end. */
import type { Distribution } from "./summary.ts";
import type { IcmpErrorKind, Outcome } from "./outcome.ts";
import type { RttSource } from "./probe_record.ts";

export type { IcmpErrorKind };

export type TraceProtocol = "tcp" | "udp" | "icmp";

/**
 * What an answer means for the path. `router`: the probe's hops were used up there. `end`: the
 * target itself has answered. `unreachable`: somebody says that it goes no further. `too big`: the
 * next link there takes no packet of this size.
 */
export type HopAnswerKind = "router" | "end" | "unreachable" | "too big";

/** What was said: an ICMP error, or an answer of the target's own. */
export type HopAnswerDetail = IcmpErrorKind | "open" | "refused" | "echo reply" | "datagram";

/** An entry of a label stack (RFC 3032, section 2.1). */
export interface MplsLabel {
  label: number;
  trafficClass: number;
  ttl: number;
}

/** Who answered at a hop. */
export interface HopAddress {
  readonly address: string;
  readonly flows: ReadonlySet<number>;
  /** Its round trips. The distribution is null when none could be measured. */
  readonly rtt: { distribution(): Distribution | null };
  readonly answered: number;
  /** The last round trip in µs, or NONE. */
  readonly lastUs: number;
  readonly kind: HopAnswerKind;
  readonly detail: HopAnswerDetail;
  /** Of the last answer that had any. */
  readonly labels: readonly MplsLabel[];
}

export interface HopSample {
  readonly flow: number;
  readonly query: number;
  /** Null for no answer. */
  readonly address: string | null;
  /** NONE where it could not be measured. */
  readonly rttUs: number;
  readonly rttSource: RttSource | null;
}

export interface Hop {
  readonly hops: number;
  readonly sent: number;
  readonly answered: number;
  /** In the order they were first seen. */
  readonly addresses: readonly HopAddress[];
  /** Answers of addresses beyond those kept. */
  readonly others: number;
  /** The last round's probes, by flow and query. */
  readonly samples: readonly HopSample[];
}

/** How a path ends. */
export interface PathEnd {
  readonly hops: number;
  readonly kind: HopAnswerKind;
  readonly detail: HopAnswerDetail;
  readonly address: string;
  readonly rttUs: number;
}

/** A router that said that its next link takes no larger packet. */
export interface MtuStep {
  readonly hops: number;
  readonly address: string;
  readonly mtuBytes: number;
}

/** Where an address's traffic comes from, as the origin zones say. */
export interface AddressOrigin {
  /** The numbers of the autonomous systems that announce it; several for a prefix of several origins. */
  readonly numbers: readonly number[];
  readonly prefix: string;
}

export interface KnownNames {
  readonly name: string | null;
  readonly origin: AddressOrigin | null;
}

/** The port's own handshake, made where the path's end is silent. */
export interface PlainHandshake {
  readonly port: number;
  readonly outcome: Outcome;
  /** NONE where there was no answer. */
  readonly rttUs: number;
  readonly rttSource: RttSource | null;
}

export interface TraceReport {
  readonly wallSeconds: number;
  readonly wallNanos: number;
  /** What the user named. */
  readonly host: string;
  readonly address: string;
  readonly family: 4 | 6;
  readonly port: number | null;
  readonly protocol: TraceProtocol;
  /** Whether the probes of a flow were one flow to the routers. */
  readonly flow: "fixed" | "varied";
  readonly paths: number;
  readonly rounds: number;
  readonly queries: number;
  readonly firstHop: number;
  readonly maxHops: number;
  /** Null for TCP: the size of a SYN cannot be chosen. */
  readonly sizeBytes: number | null;
  /** How long the rounds took, without the pauses between them. */
  readonly durationMs: number;
  readonly hops: readonly Hop[];
  /** Silent hops behind the last one that answered. */
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
