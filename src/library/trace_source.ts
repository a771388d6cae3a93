/** Traces whose reports somebody reads: the engine of traces behind a stream. */
import { literalEndpoint, unmapped } from "../domain/address.ts";
import { UsageError } from "../domain/exit.ts";
import type { TraceReport } from "../domain/path.ts";
import type { Endpoint } from "../domain/target.ts";
import { type TraceTarget, traceTargetName } from "../input/trace_target.ts";
import type { Prober } from "../net/prober.ts";
import { messageOf } from "../text/quote.ts";
import { OneTrace, type PathOptions, sizeRefusal } from "../trace/one_trace.ts";
import { Traces, usualPort } from "../trace/traces.ts";
import { Places, type ResultSource, type StreamOptions } from "./result_stream.ts";
import type { StreamLimits } from "./trace_options.ts";
import { type TraceResult, traceResult, unresolved } from "./trace_result.ts";
import type { TraceSockets } from "./trace_sockets.ts";

/** How a stream's traces are sent, and what frees it. */
export interface OpenTracer {
  readonly sockets: TraceSockets;
  close(): Promise<void>;
}

export class TraceSource implements ResultSource<TraceResult> {
  #targets: readonly TraceTarget[];
  #path: PathOptions;
  #limits: StreamLimits;
  /** Of traces under way and of results that wait. */
  #places: Places;
  /** Traces by place. A round of theirs was given their place among the results. */
  #placeless = new Set<number>();
  #open: () => OpenTracer;
  #opened: OpenTracer | null = null;
  #traces: Traces | null = null;
  #isStopped = false;
  /** Handshakes with silent ends. After a stop none is made, and nobody is told. */
  #prober: Prober = {
    probe: (endpoint, pending) => {
      if (!this.#isStopped) this.#opened?.sockets.handshakes.probe(endpoint, pending);
    },
    stop: () => {},
  };
  #stop = Promise.withResolvers<void>();
  #put: (result: TraceResult) => void = () => {};

  /** Throws UsageError. */
  constructor(
    targets: readonly TraceTarget[],
    path: PathOptions,
    limits: StreamLimits,
    options: StreamOptions,
    open: () => OpenTracer,
  ) {
    this.#targets = targets;
    this.#path = path;
    this.#limits = limits;
    this.#places = new Places(options);
    this.#open = open;
  }

  async run(put: (result: TraceResult) => void): Promise<void> {
    if (this.#isStopped) return;
    this.#put = put;
    const { sockets } = this.#opened = this.#open();
    const traces = this.#traces = new Traces({
      clock: sockets.clock,
      begin: (place) => this.#begin(place, sockets),
      ended: (place, report) => this.#ended(place, report),
    });
    const run = traces.run([...this.#targets.keys()], this.#limits.atOnce);
    // After a stop, nobody waits for what the last traces still look up.
    run.catch(() => {});
    try {
      await Promise.race([run, this.#stop.promise]);
    } finally {
      traces.stop();
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#put = () => {};
    this.#traces?.stop();
    this.#places.end();
    this.#stop.resolve();
  }

  async close(): Promise<void> {
    await this.#opened?.close();
  }

  taken(results: number): void {
    this.#places.free(results);
  }

  async #begin(place: number, sockets: TraceSockets): Promise<OneTrace | null> {
    const target = this.#targets[place];
    await this.#places.take();
    const startedMs = sockets.clock.wall();
    let endpoint: Endpoint;
    try {
      endpoint = await this.#resolved(target, sockets);
    } catch (error) {
      const reason = `cannot resolve ${target.host}: ${messageOf(error)}`;
      this.#put(unresolved(target.host, this.#path.protocol, startedMs, reason));
      return null;
    }
    return this.#isStopped ? null : this.#traceTo(place, { ...target, endpoint }, sockets);
  }

  #traceTo(
    place: number,
    target: TraceTarget & { endpoint: Endpoint },
    sockets: TraceSockets,
  ): OneTrace {
    const { endpoint } = target;
    const prober = sockets.proberFor(endpoint);
    const { sizeBytes, protocol } = this.#path;
    const refusal = sizeBytes === null ? null : sizeRefusal(sizeBytes, protocol, endpoint, prober);
    if (refusal !== null) throw new UsageError(`sizeBytes ${sizeBytes}: ${refusal}`);
    const { clock, lookups } = sockets;
    const onRound = this.#limits.eachRound ? () => this.#roundOver(place, trace) : null;
    const shared = { options: this.#path, clock, lookups, onRound, handshakes: this.#prober };
    const trace = new OneTrace({ ...target, name: traceTargetName(target) }, prober, shared);
    return trace;
  }

  /** Makes a result of each round but the last, whose result comes with what is found out at the end. */
  #roundOver(place: number, trace: OneTrace): void {
    const report = trace.report();
    if (this.#isStopped || report.rounds >= this.#path.rounds) return;
    if (this.#placeless.has(place) && !this.#places.takeIfFree()) return;
    this.#placeless.add(place);
    this.#put(traceResult(report, false));
  }

  async #ended(place: number, report: TraceReport | null): Promise<void> {
    if (report === null) return;
    if (this.#placeless.delete(place)) await this.#places.take();
    this.#put(traceResult(report, true));
  }

  /** The first address of a name; rejects where it has none. */
  async #resolved({ host, port: given }: TraceTarget, sockets: TraceSockets): Promise<Endpoint> {
    const port = given ?? usualPort(this.#path.protocol);
    const literal = literalEndpoint(host, port);
    if (literal !== null) return literal;
    const [address] = await sockets.resolver.resolve(host, this.#limits.family);
    const endpoint = address === undefined ? null : literalEndpoint(unmapped(address), port);
    if (endpoint === null) throw new Error("no address");
    return endpoint;
  }
}
