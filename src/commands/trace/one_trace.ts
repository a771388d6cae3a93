/** The trace to one of the targets, and what is said of it. */
import type { PathRound, PlainHandshake, TraceReport } from "../../domain/path.ts";
import { UsageError } from "../../domain/exit.ts";
import { blankRecord, NONE } from "../../domain/probe_record.ts";
import type { Endpoint } from "../../domain/target.ts";
import { type TraceTarget, traceTargetName } from "../../input/trace_target.ts";
import { probeOnce, type Prober } from "../../net/prober.ts";
import { systemClock } from "../../time/clock.ts";
import { WallAnchor, type WallTime } from "../../time/wall_anchor.ts";
import type { HopProber } from "../../trace/hop_prober.ts";
import type { Lookups } from "../../trace/names.ts";
import { PathWatch } from "../../trace/path_watch.ts";
import { Trace } from "../../trace/trace.ts";
import type { TraceOptions } from "./options.ts";

/** How long names may still come once the path is known. */
const NAMES_MS = 1000;

/** What all traces of a run share. */
export interface SharedParts {
  readonly options: TraceOptions;
  readonly lookups: Lookups;
  /** Makes the handshake that tells of a silent end. */
  readonly handshakes: Prober;
  /** Is told of each round; null where nobody follows them. */
  readonly onRound: ((round: PathRound) => void) | null;
}

/** What traceroute sends, whole packets. */
const PACKET_BYTES = 60;
const TCP_PORT = 443;

export class OneTrace {
  readonly #target: TraceTarget;
  readonly #endpoint: Endpoint;
  readonly #prober: HopProber;
  readonly #shared: SharedParts;
  readonly #trace: Trace;
  #began: WallTime = { wallSeconds: 0, wallNanos: 0 };

  /** Throws UsageError where the packets asked for cannot be sent, ErrnoError where there is no way. */
  constructor(target: TraceTarget, endpoint: Endpoint, prober: HopProber, shared: SharedParts) {
    this.#target = target;
    this.#endpoint = endpoint;
    this.#prober = prober;
    this.#shared = shared;
    const { options, lookups, onRound } = shared;
    if (options.sizeBytes !== null) this.#checkSize(options.sizeBytes);
    const limits = {
      firstHop: options.firstHop,
      maxHops: options.maxHops,
      queries: queriesOf(options),
      flows: options.paths ?? 1,
      timeoutMs: options.timeoutMs,
      sizeBytes: this.#sizeBytes,
      rounds: options.repeat ?? 1,
      intervalMs: options.intervalMs,
      mtu: options.mtu,
    };
    const parts = {
      clock: systemClock,
      prober,
      onAddress: (address: string) => lookups.want(address),
    };
    const watch = this.#watch();
    this.#trace = new Trace(
      endpoint,
      limits,
      onRound === null ? parts : { ...parts, onRound: (round) => onRound(watch.round(round)) },
    );
  }

  /** Resolves with the report when all is known; `stop` brings that about. */
  async run(): Promise<TraceReport> {
    new WallAnchor(systemClock).stamp(systemClock.now(), this.#began);
    await this.#trace.run();
    const { options, lookups } = this.#shared;
    const { port } = this.#endpoint;
    const tcpPort = options.protocol === "tcp" ? port : this.#target.port ?? TCP_PORT;
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
    const { protocol, paths, firstHop, maxHops } = options;
    const { path, mtu, durationMs } = this.#trace;
    const { address, family, port } = this.#endpoint;
    return {
      ...this.#began,
      host: this.#target.host,
      address,
      family,
      port: protocol === "icmp" ? null : port,
      protocol,
      flow: this.#prober.flow,
      paths: paths ?? 1,
      rounds: path.rounds,
      queries: queriesOf(options),
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
    const { protocol } = this.#shared.options;
    const { address, port } = this.#endpoint;
    const target = traceTargetName(this.#target);
    const about = { target, address, port: protocol === "icmp" ? null : port, protocol };
    return new PathWatch(about, this.#prober.flow === "fixed", systemClock);
  }

  get #sizeBytes(): number {
    const { leastBytes } = this.#prober;
    return this.#shared.options.sizeBytes ?? Math.max(PACKET_BYTES, leastBytes);
  }

  #checkSize(sizeBytes: number): void {
    const { protocol } = this.#shared.options;
    const { address, family } = this.#endpoint;
    const { leastBytes } = this.#prober;
    if (sizeBytes < leastBytes) {
      const packet = `a packet by ${protocol} over IPv${family}`;
      throw new UsageError(`--size ${sizeBytes}: ${packet} has ${leastBytes} bytes at least`);
    }
    const mostBytes = this.#prober.linkMtu(this.#endpoint);
    if (sizeBytes > mostBytes) {
      const link = `the first link to ${address} takes ${mostBytes} bytes at most`;
      throw new UsageError(`--size ${sizeBytes}: ${link}`);
    }
  }

  /** A handshake as any client makes it, reset once it is established. */
  async #shakeHands(port: number): Promise<PlainHandshake> {
    const record = blankRecord();
    record.rttUs = record.connectUs = NONE;
    await probeOnce(this.#shared.handshakes, { ...this.#endpoint, port }, record);
    const { outcome, rttUs, rttSource } = record;
    return { port, outcome, rttUs, rttSource };
  }
}

/** Whether nothing at all could be sent. */
export function isUnsent({ hops, refusal, end }: TraceReport): boolean {
  return refusal !== null && end === null && hops.every(({ sent }) => sent === 0);
}

const QUERIES = 3;
const QUERIES_A_ROUND = 1;

function queriesOf({ queries, repeat }: TraceOptions): number {
  return queries ?? (repeat === null ? QUERIES : QUERIES_A_ROUND);
}
