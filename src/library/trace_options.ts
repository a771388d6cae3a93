/** What is asked of traces, and its checks. */
import { UsageError } from "../domain/exit.ts";
import {
  DEFAULT_HOP_TIMEOUT_MS,
  DEFAULT_INTERVAL_MS,
  DEFAULT_MAX_HOPS,
  DEFAULT_QUERIES,
  MAX_COUNT,
  MAX_FLOWS,
  MAX_HOPS,
  MAX_INTERVAL_MS,
  MAX_PACKET_BYTES,
  MAX_PORT,
  MAX_QUERIES,
  MAX_TIMEOUT_MS,
  MIN_PACKET_BYTES,
} from "../domain/limits.ts";
import type { TraceProtocol } from "../domain/path.ts";
import type { Endpoint } from "../domain/target.ts";
import { descriptorLimit } from "../kernel/process.ts";
import { aside } from "../kernel/scope.ts";
import type { Family, Resolver } from "../net/resolver.ts";
import { quote } from "../text/quote.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import type { PathOptions } from "../trace/one_trace.ts";
import { MAX_TRACES, tracesAtOnce } from "../trace/traces.ts";
import { familyFor, sourceOf, whole, within } from "./checks.ts";
import type { StreamOptions } from "./result_stream.ts";

/** How traces are sent. */
export interface TracerOptions {
  /** What probes are: SYNs, datagrams or echoes. `tcp` unless given. */
  readonly protocol?: TraceProtocol;
  /** A hop that answers within so many milliseconds is not called silent: 1 to 60,000; 1000 unless given. */
  readonly timeoutMs?: number;
  /** An IP address of this machine to send from; the routes' choice unless given. */
  readonly source?: string;
  /** The first flow's source port: 1 to 65,535; the others' follow. Any unless given. */
  readonly sourcePort?: number;
  /** The interface that everything goes through, by its name; the routes' choice unless given. */
  readonly interfaceName?: string;
  /** Type of service, or traffic class: 0 to 255; the system's default unless given. */
  readonly tos?: number;
  /** Flows, to find paths of equal cost: 1 to 64; 1, held as far as this process may, unless given. */
  readonly paths?: number;
  /** The probe's whole IP packet, in bytes: 28 to 65,535; 60 unless given. A SYN takes no notice of it. */
  readonly sizeBytes?: number;
  /** Whether the names of the addresses are looked up; not unless given. */
  readonly names?: boolean;
  /** Whether it is looked up who announces the addresses; not unless given. */
  readonly origins?: boolean;
  /** The clock and its timers; the machine's unless given. */
  readonly clock?: Clock;
  /** Looks names of targets up; the system's resolver unless given. */
  readonly resolver?: Resolver;
}

/** How far, how often and how many at once is traced. */
export interface TraceStreamOptions extends StreamOptions {
  /** Rounds of each trace: 1 to 2^31 - 1, or with `eachRound` Infinity; 1 unless given. */
  readonly rounds?: number;
  /**
   * Whether each round is a result: the path as all rounds so far have shown it. What is found out at the end
   * (`mtu`, `handshake`) has only the last one, whose `isOver` is true. Where the reader is waited for and is
   * slow, the next result stands for the rounds that it missed. Not unless given.
   */
  readonly eachRound?: boolean;
  /** Between two rounds, in milliseconds: 10 to 86,400,000; 1000 unless given. */
  readonly intervalMs?: number;
  /** The hop to begin with: 1 to 255; 1 unless given. */
  readonly firstHop?: number;
  /** The hop to end with: 1 to 255; 30 unless given. */
  readonly maxHops?: number;
  /** Probes of each flow to each hop: 1 to 10; 3 unless given. */
  readonly queries?: number;
  /** Whether the path's MTU is searched for; not unless given. Not by TCP. */
  readonly mtu?: boolean;
  /** The address family wanted of names; either unless given. */
  readonly family?: 4 | 6;
  /** Traces under way at once: 1 to 256; as many as the descriptor limit allows, unless given. */
  readonly atOnce?: number;
}

/** Tracer options, checked. */
export interface CheckedTracer {
  readonly protocol: TraceProtocol;
  readonly timeoutMs: number;
  readonly source: Endpoint | null;
  readonly sourcePort: number | null;
  readonly interfaceName: string | null;
  readonly tos: number | null;
  readonly paths: number | null;
  readonly sizeBytes: number | null;
  readonly names: boolean;
  readonly origins: boolean;
  readonly clock: Clock;
}

/** Throws UsageError. */
export function checkedTracer(options: TracerOptions): CheckedTracer {
  const { protocol = "tcp", names = false, origins = false, clock = systemClock } = options;
  if (!["tcp", "udp", "icmp"].includes(protocol)) {
    throw new UsageError(`protocol ${quote(String(protocol))}: wants tcp, udp or icmp`);
  }
  const { timeoutMs, sourcePort, tos, paths, sizeBytes } = options;
  return {
    protocol,
    timeoutMs: within("timeoutMs", timeoutMs, 1, MAX_TIMEOUT_MS, DEFAULT_HOP_TIMEOUT_MS),
    source: sourceOf(options.source),
    sourcePort: whole("sourcePort", sourcePort, 1, MAX_PORT, null),
    interfaceName: options.interfaceName ?? null,
    tos: whole("tos", tos, 0, 255, null),
    paths: whole("paths", paths, 1, MAX_FLOWS, null),
    sizeBytes: whole("sizeBytes", sizeBytes, MIN_PACKET_BYTES, MAX_PACKET_BYTES, null),
    names,
    origins,
    clock,
  };
}

const MIN_ROUND_MS = 10;

/** Throws UsageError. */
export function pathOptions(
  { protocol, timeoutMs, sizeBytes, paths }: CheckedTracer,
  options: TraceStreamOptions,
): PathOptions {
  const { rounds, intervalMs, firstHop, maxHops, queries, mtu = false, eachRound } = options;
  const isEndless = rounds === Infinity && eachRound === true;
  if (mtu && protocol === "tcp") throw new UsageError("mtu: a SYN has no size to vary");
  const path = {
    protocol,
    timeoutMs,
    sizeBytes: protocol === "tcp" ? null : sizeBytes,
    flows: paths ?? 1,
    rounds: isEndless ? Infinity : whole("rounds", rounds, 1, MAX_COUNT, 1),
    intervalMs: within(
      "intervalMs",
      intervalMs,
      MIN_ROUND_MS,
      MAX_INTERVAL_MS,
      DEFAULT_INTERVAL_MS,
    ),
    firstHop: whole("firstHop", firstHop, 1, MAX_HOPS, 1),
    maxHops: whole("maxHops", maxHops, 1, MAX_HOPS, DEFAULT_MAX_HOPS),
    queries: whole("queries", queries, 1, MAX_QUERIES, DEFAULT_QUERIES),
    mtu,
  };
  if (path.firstHop <= path.maxHops) return path;
  throw new UsageError(
    `firstHop ${path.firstHop}: wants at most maxHops, which is ${path.maxHops}`,
  );
}

/** Traces under way at once, the address family of names, and whether each round is a result. */
export interface StreamLimits {
  readonly family: Family;
  readonly atOnce: number;
  readonly eachRound: boolean;
}

/** Throws UsageError. */
export function limitsOf(
  { source }: CheckedTracer,
  { family, atOnce, eachRound = false }: TraceStreamOptions,
  hosts: readonly string[],
): StreamLimits {
  const most = whole("atOnce", atOnce, 1, MAX_TRACES, null);
  return {
    family: familyFor(family, source, hosts),
    atOnce: most ?? tracesAtOnce(aside(() => descriptorLimit())),
    eachRound,
  };
}
