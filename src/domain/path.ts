/** A path through the network as a trace has seen it: hops, who answered at each, and its end. */
import type { Distribution } from "./summary.ts";
import type { IcmpErrorKind, Outcome } from "./outcome.ts";
import type { RttSource } from "./probe_record.ts";

export type { IcmpErrorKind };

/** What a trace's probes are. */
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
  /** The label itself: 20 bits. */
  label: number;
  /** Traffic class: 3 bits. */
  trafficClass: number;
  /** Its own time to live. */
  ttl: number;
}

/** Of which interface a router tells (RFC 5837, section 4.1). */
export type InterfaceRole = "incoming" | "incoming subnet" | "outgoing" | "next hop";

/** An interface as a router describes it; null for what it leaves out. */
export interface InterfaceInfo {
  /** Which one it is. */
  readonly role: InterfaceRole;
  /** Its number there. */
  readonly index: number | null;
  /** Its address. */
  readonly address: string | null;
  /** Its name there. */
  readonly name: string | null;
  /** Its MTU. */
  readonly mtuBytes: number | null;
}

/** What a router adds to an ICMP error (RFC 4884). */
export interface IcmpExtensions {
  /** The MPLS labels that the packet bore there, the top one first. */
  readonly labels: readonly MplsLabel[];
  /** Interfaces that it tells of. */
  readonly interfaces: readonly InterfaceInfo[];
  /** Objects of other kinds. */
  readonly others: number;
}

/** What a SYN-ACK tells of the host behind a port. */
export interface SynAckFacts {
  /** MSS, in bytes. */
  readonly maxSegmentBytes: number | null;
  /** The window as it stands in the segment, not scaled. */
  readonly windowBytes: number;
  /** The bits by which windows are shifted; null for no such option. */
  readonly windowScale: number | null;
}

/** How a packet differed, where a router quoted it, from what was sent. */
export interface Translation {
  /** The address that stood in the quote; null where it was the one sent. */
  readonly source: string | null;
  /** The same of the destination. */
  readonly destination: string | null;
}

/** How much the round trips of one address differ from one to the next (RFC 3393). */
export interface Jitter {
  /** In µs; NONE before there were two. */
  readonly lastUs: number;
  readonly avgUs: number;
  readonly maxUs: number;
}

/** Who answered at a hop. */
export interface HopAddress {
  readonly address: string;
  readonly flows: ReadonlySet<number>;
  /** Its round trips. The distribution is null when none could be measured. */
  readonly rtt: { distribution(): Distribution | null };
  readonly jitter: Jitter;
  readonly answered: number;
  /** The last round trip in µs, or NONE. */
  readonly lastUs: number;
  readonly kind: HopAnswerKind;
  readonly detail: HopAnswerDetail;
  /** Those of the last answer that had any. */
  readonly extensions: IcmpExtensions;
  /** How packets differed where this router quoted them; null for not at all. */
  readonly translation: Translation | null;
  /** Hops that its answers took back, by their TTL; null where that is not known. */
  readonly returnHops: number | null;
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
  /** Probes that went onto the wire and whose fate is known. */
  readonly sent: number;
  readonly answered: number;
  /** Times that the system refused to send one. */
  readonly notSent: number;
  /** In the order they were first seen. */
  readonly addresses: readonly HopAddress[];
  /** Answers of addresses beyond those kept. */
  readonly others: number;
  /** The last round's probes, by flow and query. */
  readonly samples: readonly HopSample[];
}

/** How a path ends. */
export interface PathEnd {
  /** The hop that answered. */
  readonly hops: number;
  /** What its answer means for the path. */
  readonly kind: HopAnswerKind;
  /** What it said. */
  readonly detail: HopAnswerDetail;
  /** Who said it. */
  readonly address: string;
  /** Its round trip in µs; NONE where it could not be measured. */
  readonly rttUs: number;
  /** Whether nearer hops were not asked, so that it may lie nearer (`--first-hop`). */
  readonly isAtMost: boolean;
  /** Hops that its answers took back; null where that is not known. */
  readonly returnHops: number | null;
  /** What its SYN-ACK told; null for no SYN-ACK. */
  readonly synAck: SynAckFacts | null;
}

/** Somebody who said that a packet was too long for the next link. */
export interface MtuStep {
  /** The hop that the packet was on its way to; null where the path does not tell. */
  readonly hops: number | null;
  /** Who said so. */
  readonly address: string;
  /** What was named as that link's MTU; 0 for nothing. */
  readonly mtuBytes: number;
  /** The packet that it was said of. */
  readonly sizeBytes: number;
}

/** What packets of different lengths have shown of a path. */
export interface PathMtu {
  /** The hop that answered them: the target's, or the farthest that answers; null for none. */
  readonly hops: number | null;
  /** Who answered them. */
  readonly address: string | null;
  /** The longest packet that arrived; null for none. */
  readonly arrivedBytes: number | null;
  /** The shortest that did not; null where none of the first link's length was lost. */
  readonly lostBytes: number | null;
  /** The MTU of the first link. */
  readonly linkBytes: number;
  /** Who said that a packet was too long. */
  readonly steps: readonly MtuStep[];
}

/** Where an address's traffic comes from, as the origin zones say. */
export interface AddressOrigin {
  /** The numbers of the autonomous systems that announce it; several for a prefix of several origins. */
  readonly numbers: readonly number[];
  /** The prefix that they announce. */
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
  /** Why the system refused to send some probes; null where it did not. */
  readonly refusal: string | null;
  /** How long the rounds took, without what came between them. */
  readonly durationMs: number;
  readonly hops: readonly Hop[];
  /** Silent hops behind the last one that answered. */
  readonly silentTail: number;
  readonly end: PathEnd | null;
  /** Null where it was not asked for. */
  readonly mtu: PathMtu | null;
  readonly handshake: PlainHandshake | null;
  namesOf(address: string): KnownNames;
}

/** A probe of a round, and what came of it. */
export interface RoundProbe {
  readonly hops: number;
  readonly flow: number;
  /** Null for no answer. */
  readonly address: string | null;
  /** Null for no answer. */
  readonly kind: HopAnswerKind | null;
  /** NONE where it could not be measured. */
  readonly rttUs: number;
  /** How much it differs from the round trip before it to the same address; NONE where there was none. */
  readonly jitterUs: number;
}

/** One round of a trace that goes on and on, once nothing of it is waited for any more. */
export interface PathRound {
  /** When it began. */
  readonly wallSeconds: number;
  readonly wallNanos: number;
  /** The name of what is traced. */
  readonly target: string;
  readonly address: string;
  readonly port: number | null;
  readonly protocol: TraceProtocol;
  /** False where the trace was ended before every probe had its fate: it tells nothing of the path. */
  readonly isWhole: boolean;
  readonly probes: readonly RoundProbe[];
  /** The hop of each probe that the system refused to send. */
  readonly notSent: readonly number[];
  /** A hash of all routers as they are known after it, and of how far it is to the target. */
  readonly path: string;
  /** Where the path was found to be another one; null for the same as before. */
  readonly change: PathChange | null;
  /** Changes since the first round. */
  readonly changes: number;
}

/** What a hop was before, and is now; the target where the path has become longer or shorter. */
export interface PathChange {
  readonly hops: number;
  readonly before: readonly string[];
  readonly now: readonly string[];
}

/** The nearest hop at which the target answered in a round; null for none. */
export function hopsToEnd({ probes }: PathRound): number | null {
  const ends = probes.filter(({ kind }) => kind === "end").map(({ hops }) => hops);
  return ends.length === 0 ? null : Math.min(...ends);
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

/** Why the target counts as not reached; null where it has answered. */
export function silenceReason(report: TraceReport): string | null {
  if (hasAnswered(report)) return null;
  const { end, refusal, hops } = report;
  if (end !== null) return `${end.address} at hop ${end.hops} says ${end.detail}`;
  if (refusal !== null && hops.every(({ sent }) => sent === 0)) return `not sent: ${refusal}`;
  const last = hops.findLast(({ addresses }) => addresses.length > 0);
  return last === undefined ? "no hop has answered" : `no answer behind hop ${last.hops}`;
}
