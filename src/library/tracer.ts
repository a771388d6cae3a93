/** trace: paths to any number of targets, by a stream of its own or by sockets that many share. */
import { UsageError } from "../domain/exit.ts";
import { parseTraceTarget, type TraceTarget } from "../input/trace_target.ts";
import { Results, type ResultStream } from "./result_stream.ts";
import type { OneOrMore } from "./targets.ts";
import {
  type CheckedTracer,
  checkedTracer,
  limitsOf,
  pathOptions,
  type TracerOptions,
  type TraceStreamOptions,
} from "./trace_options.ts";
import type { TraceResult } from "./trace_result.ts";
import { TraceSockets } from "./trace_sockets.ts";
import { type OpenTracer, TraceSource } from "./trace_source.ts";

/** Sockets of `trace` that any number of streams share. */
export interface Tracer extends AsyncDisposable {
  /** As the function `trace`, by these sockets; throws UsageError. */
  trace(targets: OneOrMore<string>, options?: TraceStreamOptions): ResultStream<TraceResult>;
  /** Ends all its streams and frees everything. */
  close(): Promise<void>;
}

/**
 * The paths to one target or many, each a result when it is over; those that are over first come first.
 * A target is `host`, `host:port`, an address, or `[v6]:port`. Throws UsageError at once where targets or
 * options cannot be used; SystemError comes with the first result, and says how to allow it, where this
 * process may not. A name without an address is a result with an `error`. Linux alone; wants `--allow-ffi`
 * and `--allow-net`.
 *
 * @example Who answers on the way
 * ```ts
 * import { trace } from "@wire-probe/wire-probe";
 *
 * for await (const { host, hops, reached } of trace("127.0.0.1:9", { queries: 1 })) {
 *   console.log(host, reached);
 *   for (const { hop, addresses } of hops) console.log(hop, addresses[0]?.address ?? "*");
 * }
 * ```
 */
export function trace(
  targets: OneOrMore<string>,
  options: TracerOptions & TraceStreamOptions = {},
): ResultStream<TraceResult> {
  const checked = checkedTracer(options);
  return traceStream(targets, checked, options, () => {
    const sockets = new TraceSockets(checked, options.resolver);
    return { sockets, close: () => sockets.close() };
  });
}

/**
 * Opens what `trace` sends by, for any number of streams at the same time: sockets of an address family are
 * opened with the first target of that family. Throws UsageError.
 *
 * @example Two targets at the same time
 * ```ts
 * import { openTracer } from "@wire-probe/wire-probe";
 *
 * await using tracer = openTracer({ protocol: "icmp", timeoutMs: 500 });
 * await Promise.all(["127.0.0.1", "::1"].map(async (host) => {
 *   for await (const { end } of tracer.trace(host)) console.log(host, end?.detail);
 * }));
 * ```
 */
export function openTracer(options: TracerOptions = {}): Tracer {
  return new SharedTracer(options);
}

class SharedTracer implements Tracer {
  #options: CheckedTracer;
  #sockets: TraceSockets;
  #streams = new Set<ResultStream<TraceResult>>();
  #isClosed = false;

  constructor(options: TracerOptions) {
    this.#options = checkedTracer(options);
    this.#sockets = new TraceSockets(this.#options, options.resolver);
  }

  trace(
    targets: OneOrMore<string>,
    options: TraceStreamOptions = {},
  ): ResultStream<TraceResult> {
    const stream = traceStream(targets, this.#options, options, () => {
      if (this.#isClosed) throw new Error("closed: open another one");
      this.#streams.add(stream);
      return { sockets: this.#sockets, close: () => this.#left(stream) };
    });
    return stream;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#streams].map((stream) => stream.return?.()));
    await this.#sockets.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #left(stream: ResultStream<TraceResult>): Promise<void> {
    this.#streams.delete(stream);
    return Promise.resolve();
  }
}

/** `open` is called when the first result is asked for. */
function traceStream(
  given: OneOrMore<string>,
  checked: CheckedTracer,
  options: TraceStreamOptions,
  open: () => OpenTracer,
): ResultStream<TraceResult> {
  const targets = traceTargets(given);
  const limits = limitsOf(checked, options, targets.map(({ host }) => host));
  const path = pathOptions(checked, options);
  return new Results(new TraceSource(targets, path, limits, options, open), options);
}

function traceTargets(given: OneOrMore<string>): TraceTarget[] {
  const targets = (typeof given === "string" ? [given] : [...given]).map(parseTraceTarget);
  if (targets.length === 0) throw new UsageError("0 targets: wants at least one");
  return targets;
}
