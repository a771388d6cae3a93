/** A run of probes on a schedule whose results somebody reads: the engine's loop behind a stream. */
import {
  DEFAULT_INTERVAL_MS,
  DEFAULT_RESOLVE_AFTER,
  MAX_COUNT,
  MAX_DURATION_MS,
  MAX_IN_FLIGHT,
  MAX_INTERVAL_MS,
  MAX_RESOLVE_AFTER,
} from "../domain/limits.ts";
import type { Endpoint, Target } from "../domain/target.ts";
import type { Prober } from "../net/prober.ts";
import { type Family, type Resolver, resolveSrv } from "../net/resolver.ts";
import { type KnownMembers, lookUpMembers, withMembers } from "../run/members.ts";
import type { LoopOptions } from "../run/loop_options.ts";
import { ProbeLoop } from "../run/probe_loop.ts";
import type { Clock } from "../time/clock.ts";
import { familyFor, whole, within } from "./checks.ts";
import { InOrder, type ProbeResult, resultOf } from "./probe_result.ts";
import {
  bufferOf,
  Results,
  type ResultSource,
  type ResultStream,
  type StreamOptions,
  waitsForReader,
} from "./result_stream.ts";

/** When probes are sent. */
export interface ScheduleOptions extends StreamOptions {
  /** Probes of each target: 1 to 2^31 - 1; no end unless given. */
  readonly count?: number;
  /** No probe is sent so many milliseconds after the start: 1 to 3,600,000,000; no end unless given. */
  readonly durationMs?: number;
  /** Between two probes of a target, in milliseconds: 1 to 86,400,000; 1000 unless given. */
  readonly intervalMs?: number;
  /** Probes under way at once: 1 to 1,000,000; more wait. What the system allows, unless given. */
  readonly maxInFlight?: number;
  /** The address family wanted of names; either unless given. */
  readonly family?: 4 | 6;
  /** Failures in a row after which a name is resolved again: 1 to 1,000,000; 5 unless given. */
  readonly resolveAfter?: number;
  /** Told, in one line each, that a name does not resolve or that another address is probed. */
  readonly onNotice?: (text: string) => void;
}

/**
 * Results of probes. Those of one target come in the order in which its probes were sent; a result waits
 * for those before it.
 */
export interface ProbeStream extends ResultStream<ProbeResult> {
  /** Probes not sent so far since their time went by, as while the reader was slow. */
  readonly skipped: number;
}

/** The prober that a stream sends by, and its limits. */
export interface OpenProber {
  readonly prober: Prober;
  readonly clock: Clock;
  readonly resolver: Resolver;
  /** Probes under way at once where the caller does not say. */
  readonly maxInFlight: number;
  close(): Promise<void>;
}

/**
 * A stream of the probes of these targets, sent from an address or from any; `open` is called when its first
 * result is asked for.
 */
export function probeStream(
  targets: readonly Target[],
  options: ScheduleOptions,
  source: Endpoint | null,
  open: () => OpenProber,
): ProbeStream {
  const family = familyFor(options.family, source, targets.map(({ host }) => host));
  return new Probes(new ProbeSource(targets, options, family, open), options);
}

class Probes extends Results<ProbeResult> implements ProbeStream {
  #probes: ProbeSource;

  constructor(source: ProbeSource, options: StreamOptions) {
    super(source, options);
    this.#probes = source;
  }

  get skipped(): number {
    return this.#probes.skipped;
  }
}

type Schedule = Omit<LoopOptions, "maxInFlight"> & { readonly maxInFlight: number | null };

class ProbeSource implements ResultSource<ProbeResult> {
  skipped = 0;
  #targets: readonly Target[];
  #schedule: Schedule;
  /** Results that may be under way and wait together, where the reader is waited for. */
  #buffer: number;
  #onNotice: (text: string) => void;
  #open: () => OpenProber;
  #opened: OpenProber | null = null;
  #loop: ProbeLoop | null = null;
  #isStopped = false;
  #stop = Promise.withResolvers<void>();

  constructor(
    targets: readonly Target[],
    options: ScheduleOptions,
    family: Family,
    open: () => OpenProber,
  ) {
    this.#targets = targets;
    this.#schedule = scheduleOf(options, family);
    this.#buffer = waitsForReader(options) ? bufferOf(options) : Infinity;
    this.#onNotice = options.onNotice ?? (() => {});
    this.#open = open;
  }

  async run(put: (result: ProbeResult) => void): Promise<void> {
    if (this.#isStopped) return;
    const opened = this.#opened = this.#open();
    const { clock, resolver, prober } = opened;
    const targets = await this.#withMembers(resolver);
    if (this.#isStopped) return;
    const order = new InOrder(put);
    const most = this.#schedule.maxInFlight ?? opened.maxInFlight;
    const schedule = { ...this.#schedule, maxInFlight: Math.min(most, this.#buffer) };
    const loop = this.#loop = new ProbeLoop(schedule, {
      clock,
      resolver,
      // Others may send by it too. Nobody is told of this stream's probes that are under way at its
      // end.
      prober: {
        probe: (endpoint, pending) => prober.probe(endpoint, pending),
        ...(prober.sendsATurn === undefined ? {} : { sendsATurn: prober.sendsATurn }),
        stop: () => {},
      },
      onRecord: (record) => order.add(resultOf(record)),
      onSkip: (_, probes) => this.skipped += probes,
      onNotice: this.#onNotice,
    });
    loop.prepare(targets);
    await loop.run();
    order.end();
  }

  stop(): void {
    this.#isStopped = true;
    this.#stop.resolve();
    this.#loop?.stop();
  }

  async close(): Promise<void> {
    await this.#opened?.close();
  }

  taken(results: number): void {
    if (this.#schedule.holdsPlaces === true) this.#loop?.release(results);
  }

  /** Members in the place of names that stand for several, looked up once. */
  async #withMembers(resolver: Resolver): Promise<readonly Target[]> {
    if (!this.#targets.some(({ standsFor }) => standsFor !== undefined)) return this.#targets;
    const ports = { resolver, srv: resolveSrv, say: this.#onNotice };
    const known: KnownMembers = new Map();
    const found = lookUpMembers(this.#targets, this.#schedule.family, known, ports);
    await Promise.race([found, this.#stop.promise]);
    return this.#isStopped ? [] : withMembers(this.#targets, known);
  }
}

/** Throws UsageError that names the option that is out of its range. */
function scheduleOf(options: ScheduleOptions, family: Family): Schedule {
  const { count, durationMs, intervalMs, resolveAfter, maxInFlight } = options;
  return {
    count: whole("count", count, 1, MAX_COUNT, null),
    durationMs: within("durationMs", durationMs, 1, MAX_DURATION_MS, null),
    intervalMs: within("intervalMs", intervalMs, 1, MAX_INTERVAL_MS, DEFAULT_INTERVAL_MS),
    burst: 1,
    family,
    resolveAfter: whole("resolveAfter", resolveAfter, 1, MAX_RESOLVE_AFTER, DEFAULT_RESOLVE_AFTER),
    resolveEveryMs: null,
    maxInFlight: whole("maxInFlight", maxInFlight, 1, MAX_IN_FLIGHT, null),
    idle: false,
    holdsPlaces: waitsForReader(options),
    statistics: false,
  };
}
