/** The trace to one target, and the report on it. */
import type { PathRound, PlainHandshake, TraceProtocol, TraceReport } from "../domain/path.ts";
import { blankRecord, NONE } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import { probeOnce, type Prober } from "../net/prober.ts";
import type { Clock } from "../time/clock.ts";
import { WallAnchor, type WallTime } from "../time/wall_anchor.ts";
import type { HopProber } from "./hop_prober.ts";
import type { Lookups } from "./names.ts";
import { PathWatch } from "./path_watch.ts";
import { Trace, type TraceLimits } from "./trace.ts";

/** How long names may still come once the path is known. */
const NAMES_MS = 1000;
/** The whole packets that traceroute sends. */
const PACKET_BYTES = 60;
const TCP_PORT = 443;

/** How paths are traced. */
export interface PathOptions extends Omit<TraceLimits, "sizeBytes"> {
  readonly protocol: TraceProtocol;
  /** The whole IP packet of a probe; null for the default. */
  readonly sizeBytes: number | null;
}

/** What all traces of a run share. */
export interface SharedParts {
  readonly options: PathOptions;
  readonly clock: Clock;
  readonly lookups: Lookups;
  /** Makes the handshake that tells of a silent end. */
  readonly handshakes: Prober;
  /** Is told of each round; null where nobody follows them. */
  readonly onRound: ((round: PathRound) => void) | null;
}

/** What is traced: the host as it was named, its port where one was, and its address. */
export interface PathTarget {
  /** What monitoring calls it. */
  readonly name: string;
  readonly host: string;
  /** Null for the protocol's own. */
  readonly port: number | null;
  readonly endpoint: Endpoint;
}

export class OneTrace {
  readonly #target: PathTarget;
  readonly #prober: HopProber;
  readonly #shared: SharedParts;
  readonly #trace: Trace;
  #began: WallTime = { wallSeconds: 0, wallNanos: 0 };

  constructor(target: PathTarget, prober: HopProber, shared: SharedParts) {
    this.#target = target;
    this.#prober = prober;
    this.#shared = shared;
    const { options, lookups, clock, onRound } = shared;
    const limits = { ...options, sizeBytes: this.#sizeBytes };
    const parts = { clock, prober, onAddress: (address: string) => lookups.want(address) };
    const watch = this.#watch();
    this.#trace = new Trace(
      target.endpoint,
      limits,
      onRound === null ? parts : { ...parts, onRound: (round) => onRound(watch.round(round)) },
    );
  }

  /** Resolves with the report when all is known, or after `stop`. */
  async run(): Promise<TraceReport> {
    const { options, lookups, clock } = this.#shared;
    new WallAnchor(clock).stamp(clock.now(), this.#began);
    await this.#trace.run();
    const { port: given, endpoint } = this.#target;
    const tcpPort = options.protocol === "tcp" ? endpoint.port : given ?? TCP_PORT;
    const isSilent = this.#trace.path.end()?.kind !== "end";
    const handshake = isSilent ? await this.#shakeHands(tcpPort) : null;
    await lookups.settled(NAMES_MS);
    return this.report(handshake);
  }

  stop(): void {
    this.#trace.stop();
  }

  /** What is known by now. */
  report(handshake: PlainHandshake | null = null): TraceReport {
    const { options, lookups } = this.#shared;
    const { protocol, flows, queries, firstHop, maxHops } = options;
    const { path, mtu, durationMs } = this.#trace;
    const { host, endpoint: { address, family, port } } = this.#target;
    return {
      ...this.#began,
      host,
      address,
      family,
      port: protocol === "icmp" ? null : port,
      protocol,
      flow: this.#prober.flow,
      paths: flows,
      rounds: path.rounds,
      queries,
      firstHop,
      maxHops,
      sizeBytes: protocol === "tcp" ? null : this.#sizeBytes,
      refusal: path.refusal,
      durationMs,
      hops: path.hops(),
      silentTail: path.silentTail(),
      end: path.end(),
      mtu,
      handshake,
      namesOf: (of) => lookups.of(of),
    };
  }

  #watch(): PathWatch {
    const { options: { protocol }, clock } = this.#shared;
    const { name, endpoint: { address, port } } = this.#target;
    const about = { target: name, address, port: protocol === "icmp" ? null : port, protocol };
    return new PathWatch(about, this.#prober.flow === "fixed", clock);
  }

  get #sizeBytes(): number {
    return this.#shared.options.sizeBytes ?? Math.max(PACKET_BYTES, this.#prober.leastBytes);
  }

  /** A handshake as any client makes it, reset once it is established. */
  async #shakeHands(port: number): Promise<PlainHandshake> {
    const { handshakes } = this.#shared;
    const record = blankRecord();
    record.rttUs = record.connectUs = NONE;
    await probeOnce(handshakes, { ...this.#target.endpoint, port }, record);
    const { outcome, rttUs, rttSource } = record;
    return { port, outcome, rttUs, rttSource };
  }
}

/** Why packets of this length cannot be sent; null where they can. Throws ErrnoError where there is no way. */
export function sizeRefusal(
  sizeBytes: number,
  protocol: TraceProtocol,
  endpoint: Endpoint,
  prober: HopProber,
): string | null {
  const { address, family } = endpoint;
  const { leastBytes } = prober;
  if (sizeBytes < leastBytes) {
    return `a packet by ${protocol} over IPv${family} has ${leastBytes} bytes at least`;
  }
  const mostBytes = prober.linkMtu(endpoint);
  return sizeBytes > mostBytes
    ? `the first link to ${address} takes ${mostBytes} bytes at most`
    : null;
}

/** Whether nothing at all could be sent. */
export function isUnsent({ hops, refusal, end }: TraceReport): boolean {
  return refusal !== null && end === null && hops.every(({ sent }) => sent === 0);
}
