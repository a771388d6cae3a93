/** Short traces to one peer at a time: for connections that are slow at this moment, and for a question. */
import { SystemError } from "../domain/exit.ts";
import type { PathRound, TraceProtocol, TraceReport } from "../domain/path.ts";
import { type Endpoint, hostPort, NO_PORT } from "../domain/target.ts";
import { systemClock } from "../time/clock.ts";
import { WallAnchor, type WallTime } from "../time/wall_anchor.ts";
import type { HopProber } from "./hop_prober.ts";
import { NO_NAMES } from "./names.ts";
import { openHopProber } from "./open_prober.ts";
import { PathWatch } from "./path_watch.ts";
import { Trace, type TraceLimits } from "./trace.ts";

/** The limits of a short trace. */
export const PEER_LIMITS: TraceLimits = {
  firstHop: 1,
  maxHops: 30,
  queries: 3,
  flows: 1,
  timeoutMs: 1000,
  /** An ICMP probe's whole packet. */
  sizeBytes: 60,
  rounds: 1,
  intervalMs: 1000,
  mtu: false,
};

/** Peers whose path is remembered, so that a change of it is seen; the oldest goes first. */
const MAX_WATCHED = 256;

/** The path to a peer: for people, and for monitoring. */
export interface PeerPath {
  readonly report: TraceReport;
  readonly round: PathRound | null;
}

/** A prober, or why there is none. */
type ProberOrReason = HopProber | string;

/** Which peer, and by what. */
export interface PeerTraceOrder {
  readonly target: Endpoint;
  readonly protocol: "tcp" | "icmp";
}

export class PeerTracer {
  #underWay = new Set<Trace>();
  #anchor = new WallAnchor(systemClock);
  #probers: ReadonlyMap<string, ProberOrReason>;
  #watches = new Map<string, PathWatch>();

  private constructor(probers: ReadonlyMap<string, ProberOrReason>) {
    this.#probers = probers;
  }

  /** Opens the sockets of all traces, since what they need may be given up afterwards. */
  static open(): PeerTracer {
    const probers = new Map<string, ProberOrReason>();
    for (const protocol of ["tcp", "icmp"] as const) {
      for (const family of [4, 6] as const) {
        probers.set(`${protocol} ${family}`, open(protocol, family));
      }
    }
    return new PeerTracer(probers);
  }

  /** One round along one flow. Throws SystemError, with the remedy, where this process may not. */
  async trace({ target, protocol }: PeerTraceOrder): Promise<PeerPath> {
    const prober = this.#probers.get(`${protocol} ${target.family}`);
    if (prober === undefined || typeof prober === "string") {
      throw new SystemError(prober ?? `cannot trace by ${protocol}`);
    }
    const began: WallTime = { wallSeconds: 0, wallNanos: 0 };
    this.#anchor.stamp(systemClock.now(), began);
    const watch = this.#watchOf(target, protocol, prober);
    let round: PathRound | null = null;
    const trace = new Trace(target, PEER_LIMITS, {
      clock: systemClock,
      prober,
      onAddress: () => {},
      onRound: (logged) => round = watch.round(logged),
    });
    this.#underWay.add(trace);
    try {
      await trace.run();
    } finally {
      this.#underWay.delete(trace);
    }
    return { report: reportOf({ target, protocol, prober, began }, trace), round };
  }

  /** Ends the traces under way now; their reports are what is known by then. */
  stop(): void {
    for (const trace of this.#underWay) trace.stop();
  }

  #watchOf(target: Endpoint, protocol: TraceProtocol, prober: HopProber): PathWatch {
    const port = protocol === "icmp" ? null : target.port;
    const name = hostPort(target.address, port ?? NO_PORT);
    const key = `${protocol} ${name}`;
    const about = { target: name, address: target.address, port, protocol };
    const watch = this.#watches.get(key) ??
      new PathWatch(about, prober.flow === "fixed", systemClock);
    this.#watches.delete(key);
    this.#watches.set(key, watch);
    const [oldest] = this.#watches.keys();
    if (this.#watches.size > MAX_WATCHED) this.#watches.delete(oldest);
    return watch;
  }
}

interface Traced {
  readonly target: Endpoint;
  readonly protocol: TraceProtocol;
  readonly prober: HopProber;
  readonly began: WallTime;
}

function reportOf({ target, protocol, prober, began }: Traced, trace: Trace): TraceReport {
  const { path, durationMs } = trace;
  return {
    ...began,
    host: target.address,
    address: target.address,
    family: target.family,
    port: protocol === "icmp" ? null : target.port,
    protocol,
    flow: prober.flow,
    paths: PEER_LIMITS.flows,
    rounds: path.rounds,
    queries: PEER_LIMITS.queries,
    firstHop: PEER_LIMITS.firstHop,
    maxHops: PEER_LIMITS.maxHops,
    sizeBytes: protocol === "icmp" ? PEER_LIMITS.sizeBytes : null,
    refusal: path.refusal,
    durationMs,
    hops: path.hops(),
    silentTail: path.silentTail(),
    end: path.end(),
    mtu: null,
    handshake: null,
    namesOf: () => NO_NAMES,
  };
}

function open(protocol: TraceProtocol, family: 4 | 6): ProberOrReason {
  try {
    const choices = {
      protocol,
      paths: null,
      source: null,
      sourcePort: null,
      tos: null,
      interfaceName: null,
      sizeBytes: null,
    };
    return openHopProber(choices, family, systemClock);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return error.message;
  }
}
