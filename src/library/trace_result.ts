/** A traced path as programs get it: plain objects, null where nothing was measured. */
import type {
  AddressOrigin,
  Hop,
  HopAddress,
  HopAnswerDetail,
  HopAnswerKind,
  IcmpExtensions,
  PathEnd,
  PathMtu,
  PlainHandshake,
  TraceProtocol,
  TraceReport,
  Translation,
} from "../domain/path.ts";
import { hasAnswered, isReached } from "../domain/path.ts";
import { NONE } from "../domain/probe_record.ts";
import type { Distribution } from "../domain/summary.ts";
import type { Outcome } from "../domain/outcome.ts";
import type { RttSource } from "../domain/probe_record.ts";

/** A path through the network, as a trace has seen it. */
export interface TraceResult {
  /** What was asked for. */
  readonly host: string;
  /** The address that was traced to; null where the name has none. */
  readonly address: string | null;
  /** Null by ICMP, and where there is no address. */
  readonly port: number | null;
  /** What the probes were. */
  readonly protocol: TraceProtocol;
  /** Whether the probes of a flow were one flow to routers that choose among equal paths. */
  readonly flow: "fixed" | "varied";
  /** When it began: milliseconds since the epoch. */
  readonly startedMs: number;
  /** How long its rounds took, in ms. */
  readonly durationMs: number;
  /** Rounds that were begun. */
  readonly rounds: number;
  /** False where more rounds of this trace follow, as with `eachRound`. */
  readonly isOver: boolean;
  /** Whether the target itself has answered a probe. */
  readonly reached: boolean;
  /** Whether it has answered at all, `handshake` included. */
  readonly answered: boolean;
  /** From the first hop to the last that answered; silent ones between have no addresses. */
  readonly hops: readonly TraceHop[];
  /** Silent hops behind the last one that answered. */
  readonly silentTail: number;
  /** Where the path ends; null where nothing tells. */
  readonly end: TraceEnd | null;
  /** What longer packets have shown; null where that was not asked for. */
  readonly mtu: PathMtu | null;
  /** The port's own handshake, made where the path's end is silent; null where it was not made. */
  readonly handshake: TraceHandshake | null;
  /** Why the name has no address, or the system refused to send; null for neither. */
  readonly error: string | null;
}

/** A hop of a path. */
export interface TraceHop {
  /** Its number, from 1. */
  readonly hop: number;
  /** Probes whose fate is known, and those that were answered. */
  readonly sent: number;
  /** Probes that were answered. */
  readonly answered: number;
  /** Times that the system refused to send one. */
  readonly notSent: number;
  /** Who answered, in the order in which they were first seen. */
  readonly addresses: readonly TraceAddress[];
  /** Answers of addresses beyond the first 32. */
  readonly others: number;
}

/** Who answered at a hop. */
export interface TraceAddress {
  /** Its address. */
  readonly address: string;
  /** Its name; null where names were not asked for, and where it has none. */
  readonly name: string | null;
  /** Who announces it; null where origins were not asked for, and where that is not known. */
  readonly origin: AddressOrigin | null;
  /** Flows that met it, from 0, in ascending order. */
  readonly flows: readonly number[];
  /** Its answers. */
  readonly answered: number;
  /** Its round trips; null where none could be measured. */
  readonly rtt: Distribution | null;
  /** The last of them, in µs. */
  readonly lastUs: number | null;
  /** The mean difference from one to the next, in µs; null before there were two. */
  readonly jitterUs: number | null;
  /** What its answer means for the path. */
  readonly kind: HopAnswerKind;
  /** What it said. */
  readonly detail: HopAnswerDetail;
  /** MPLS labels and interfaces that it told of. */
  readonly extensions: IcmpExtensions;
  /** How packets differed where it quoted them; null for not at all. */
  readonly translation: Translation | null;
  /** Hops that its answers took back, by their TTL; null where that is not known. */
  readonly returnHops: number | null;
}

/** How a path ends. */
export interface TraceEnd extends Omit<PathEnd, "rttUs"> {
  /** In µs; null where it could not be measured. */
  readonly rttUs: number | null;
}

/** A handshake as any client makes it. */
export interface TraceHandshake {
  /** With this port of the target. */
  readonly port: number;
  /** What became of it. */
  readonly outcome: Outcome;
  /** In µs; null where there was no answer. */
  readonly rttUs: number | null;
  /** Who measured it. */
  readonly rttSource: RttSource | null;
}

/** What a report says, in objects of its own. */
export function traceResult(report: TraceReport, isOver: boolean): TraceResult {
  const { host, address, port, protocol, flow, durationMs, rounds, silentTail, mtu } = report;
  const { end, handshake, refusal, wallSeconds, wallNanos } = report;
  return {
    host,
    address,
    port,
    protocol,
    flow,
    startedMs: wallSeconds * 1000 + wallNanos / 1e6,
    durationMs,
    rounds,
    isOver,
    reached: isReached(report),
    answered: hasAnswered(report),
    hops: report.hops.map((hop) => hopOf(hop, report)),
    silentTail,
    end: end === null ? null : { ...end, rttUs: orNull(end.rttUs) },
    mtu,
    handshake: handshake === null ? null : handshakeOf(handshake),
    error: refusal,
  };
}

/** The same of a name without an address. */
export function unresolved(
  host: string,
  protocol: TraceProtocol,
  startedMs: number,
  error: string,
): TraceResult {
  return {
    host,
    address: null,
    port: null,
    protocol,
    flow: "fixed",
    startedMs,
    durationMs: 0,
    rounds: 0,
    isOver: true,
    reached: false,
    answered: false,
    hops: [],
    silentTail: 0,
    end: null,
    mtu: null,
    handshake: null,
    error,
  };
}

function hopOf(
  { hops, sent, answered, notSent, addresses, others }: Hop,
  report: TraceReport,
): TraceHop {
  const own = addresses.map((of) => addressOf(of, report));
  return { hop: hops, sent, answered, notSent, addresses: own, others };
}

function addressOf(of: HopAddress, report: TraceReport): TraceAddress {
  const { address, answered, kind, detail, extensions, translation, returnHops } = of;
  return {
    address,
    ...report.namesOf(address),
    flows: [...of.flows].sort((a, b) => a - b),
    answered,
    rtt: of.rtt.distribution(),
    lastUs: orNull(of.lastUs),
    jitterUs: orNull(of.jitter.avgUs),
    kind,
    detail,
    extensions,
    translation,
    returnHops,
  };
}

function handshakeOf({ port, outcome, rttUs, rttSource }: PlainHandshake): TraceHandshake {
  return { port, outcome, rttUs: orNull(rttUs), rttSource };
}

function orNull(value: number): number | null {
  return value === NONE ? null : value;
}
