/** `trace`: the paths to targets, hop by hop: once, or again and again. */
import { type PathRound, silenceReason, type TraceReport } from "../../domain/path.ts";
import { EXIT, type ExitCode, SystemError, UsageError } from "../../domain/exit.ts";
import { DEFAULT_QUERIES } from "../../domain/limits.ts";
import { type Endpoint, hostPort, NO_PORT } from "../../domain/target.ts";
import { literalEndpoint } from "../../domain/address.ts";
import { choosePaint, type Paint, plain } from "../../format/paint.ts";
import { TRACE_CSV_HEADER, traceCsv } from "../../format/path_csv.ts";
import { traceJson } from "../../format/path_json.ts";
import { traceLines, traceTable } from "../../format/path_text.ts";
import { checkFamily } from "../../input/target_text.ts";
import { loadTraceTargets, type TraceTarget, traceTargetName } from "../../input/trace_target.ts";
import { allowRawSockets } from "../../kernel/capabilities.ts";
import { descriptorLimit, onSignal, revoke } from "../../kernel/process.ts";
import { giveUpRawSockets } from "../../kernel/raw_right.ts";
import { TcpSockets } from "../../kernel/tcp_info.ts";
import { DenoConnector } from "../../net/deno_connector.ts";
import { openAddressFacts } from "../../net/name_server.ts";
import type { Resolver } from "../../net/resolver.ts";
import { TcpProber } from "../../net/tcp_prober.ts";
import { OwnScreen } from "../../sink/own_screen.ts";
import { Failures } from "../../run/failures.ts";
import { openGate } from "../../run/gate.ts";
import { outbox, say } from "../../run/outbox.ts";
import { stdoutWantsColour, summaryColumns } from "../../sink/stdio.ts";
import { messageOf, quote } from "../../text/quote.ts";
import { Pause, systemClock } from "../../time/clock.ts";
import type { HopProber } from "../../trace/hop_prober.ts";
import { Lookups } from "../../trace/names.ts";
import {
  isUnsent,
  OneTrace,
  type PathOptions,
  type SharedParts,
  sizeRefusal,
} from "../../trace/one_trace.ts";
import { openHopProber } from "../../trace/open_prober.ts";
import { Traces, tracesAtOnce, usualPort } from "../../trace/traces.ts";
import { PrintOrder } from "./print_order.ts";
import { LiveTrace } from "./live_trace.ts";
import type { TraceOptions } from "./options.ts";
import { traceIntroduction, TraceOutputs } from "./outputs.ts";

/** Resolves when all traces are over; the result is the exit code. */
export async function trace(options: TraceOptions, version: string): Promise<ExitCode> {
  const targets = [...options.targets];
  if (options.targetsFile !== null) {
    const listed = await loadTraceTargets(options.targetsFile);
    for (const { host } of listed) checkFamily(host, options.family, host);
    targets.push(...listed);
  }
  const atOnce = tracesAtOnce(descriptorLimit());
  checkTargets(targets, options, atOnce);
  const screen = screenFor(options, targets);
  const endpoints = await lookUp(targets, options);
  const probers = openProbers(endpoints, options);
  const connector = new DenoConnector(TcpSockets.open(), "rst");
  const outputs = await TraceOutputs.open(options, version, connector);
  // Names are looked up by the system's resolver, which reads its files and the environment itself.
  giveUpRawSockets(options.interfaceName);
  revoke("env", "ffi", "write");
  if (outputs !== null) say(traceIntroduction(targets.map(traceTargetName), options));
  sayOfFlows(probers, options);
  const handshakes = new TcpProber(connector, systemClock, options.timeoutMs, "auto");
  const lookups = new Lookups(
    openAddressFacts(options.nameServer, openGate().beside),
    systemClock,
    {
      names: options.names,
      origins: options.asn,
    },
  );
  const onRound = outputs === null ? null : (round: PathRound) => outputs.round(round);
  const path = pathOptions(options);
  const shared = { options: path, clock: systemClock, lookups, handshakes, onRound };
  try {
    const places = { targets, endpoints, probers };
    return await new Run(options, shared, screen, places).run(atOnce);
  } finally {
    await screen?.stop();
    screen?.rethrow();
    for (const prober of probers.values()) {
      for (const remark of prober.remarks()) say(remark);
      prober.close();
    }
    handshakes.stop();
    await outputs?.close();
  }
}

/** The addresses of targets, by place. */
interface Endpoints {
  /** Null where a name has none, and the reason is said; undefined where it is still looked up. */
  readonly known: (Endpoint | null | undefined)[];
  readonly pending: readonly Promise<Endpoint | null>[];
}

/** Targets, their addresses by place, and what each family is traced by. */
interface Places {
  readonly targets: readonly TraceTarget[];
  readonly endpoints: Endpoints;
  readonly probers: ReadonlyMap<4 | 6, HopProber>;
}

const QUERIES_A_ROUND = 1;

function pathOptions(options: TraceOptions): PathOptions {
  const { repeat, paths, queries } = options;
  return {
    ...options,
    queries: queries ?? (repeat === null ? DEFAULT_QUERIES : QUERIES_A_ROUND),
    flows: paths ?? 1,
    rounds: repeat ?? 1,
  };
}

/** Each exported path is one series by its name, and all targets are traced at once. */
function checkTargets(
  targets: readonly TraceTarget[],
  { exports }: TraceOptions,
  atOnce: number,
): void {
  if (exports.length === 0) return;
  if (targets.length > atOnce) {
    throw new UsageError(`trace --export takes ${atOnce} targets at most, not ${targets.length}`);
  }
  const seen = new Set<string>();
  for (const name of targets.map(traceTargetName)) {
    if (seen.has(name)) throw new UsageError(`target ${quote(name)} is given twice`);
    seen.add(name);
  }
}

/** The screen for one repeated trace on a terminal. Elsewhere the result at its end is printed. */
function screenFor(
  { repeat, output }: TraceOptions,
  targets: readonly unknown[],
): OwnScreen | null {
  if (repeat === null || output !== "text" || targets.length > 1) return null;
  const screen = OwnScreen.open(outbox);
  return screen instanceof OwnScreen ? screen : null;
}

/** How long names that are slow to look up are waited for where another target is known, in ms. */
const PATIENCE_MS = 300;

/** Looks all names up; waits for all of them, unless some are slow and there is something to trace. */
async function lookUp(
  targets: readonly TraceTarget[],
  options: TraceOptions,
): Promise<Endpoints> {
  // The gate lets a few look-ups through at a time.
  const { resolver } = openGate();
  const pending = targets.map((target) => resolve(target, options, resolver));
  const known: (Endpoint | null | undefined)[] = targets.map(() => undefined);
  const { promise: one, resolve: found } = Promise.withResolvers<void>();
  const all = Promise.all(pending.map(async (endpoint, place) => {
    known[place] = await endpoint;
    if (known[place] !== null) found();
  }));
  const patience = new Pause();
  const waited = patience.until(systemClock, systemClock.now() + PATIENCE_MS);
  await Promise.race([all, Promise.all([one, waited])]);
  patience.end();
  return { known, pending };
}

async function resolve(
  { host, port: given }: TraceTarget,
  { family, protocol }: TraceOptions,
  resolver: Resolver,
): Promise<Endpoint | null> {
  const port = given ?? usualPort(protocol);
  const literal = literalEndpoint(host, port);
  if (literal !== null) return literal;
  try {
    const [address] = await resolver.resolve(host, family);
    const endpoint = address === undefined ? null : literalEndpoint(address, port);
    if (endpoint !== null) return endpoint;
    say(`${host}: no ${family === 0 ? "" : `IPv${family} `}address`);
  } catch (error) {
    say(`${host}: ${messageOf(error)}`);
  }
  return null;
}

/** One for each family that is needed, or that a name may need which is still looked up. */
function openProbers({ known }: Endpoints, options: TraceOptions): Map<4 | 6, HopProber> {
  const probers = new Map<4 | 6, HopProber>();
  const open = (family: 4 | 6) => {
    if (!probers.has(family)) probers.set(family, openHopProber(options, family, systemClock));
  };
  for (const endpoint of known) if (endpoint) open(endpoint.family);
  if (!known.includes(undefined)) return probers;
  for (const family of options.family === 0 ? [4, 6] as const : [options.family]) {
    try {
      open(family);
    } catch {
      // A machine without this family; it is said of a name that has no other.
    }
  }
  return probers;
}

function sayOfFlows(probers: Map<4 | 6, HopProber>, { protocol }: TraceOptions): void {
  if (protocol !== "tcp") return;
  if (![...probers.values()].some(({ flow }) => flow === "varied")) return;
  say(
    "each probe is a flow of its own, so hops of several equal paths may show; for one flow: " +
      `--paths 1 (slower), --icmp, or ${allowRawSockets()}`,
  );
}

/** All traces of a run, printed in the order in which they were asked for. */
class Run {
  #options: TraceOptions;
  #shared: SharedParts;
  #screen: OwnScreen | null;
  #traces: Traces;
  #targets: readonly TraceTarget[];
  #endpoints: Endpoints;
  #stopped = Promise.withResolvers<null>();
  #probers: ReadonlyMap<4 | 6, HopProber>;
  /** The reports to print, by place; undefined for a trace that is not over yet. */
  #reports: (TraceReport | null | undefined)[] = [];
  #order: PrintOrder;
  #hasPrinted = false;
  /** Why a name that was looked up late is not traced, by place. */
  #refused = new Map<number, string>();
  /** Traces under way, by place. */
  #running = new Map<number, OneTrace>();
  #lastPrint: Promise<void> = Promise.resolve();

  constructor(
    options: TraceOptions,
    shared: SharedParts,
    screen: OwnScreen | null,
    places: Places,
  ) {
    this.#options = options;
    this.#shared = shared;
    this.#screen = screen;
    this.#targets = places.targets;
    this.#endpoints = places.endpoints;
    this.#probers = places.probers;
    this.#order = new PrintOrder(this.#targets.length, {
      isOver: (place) => this.#reports[place] !== undefined,
      isPending: (place) => this.#endpoints.known[place] === undefined,
    });
    this.#traces = new Traces({
      clock: systemClock,
      begin: (place) => this.#begin(place),
      ended: (place, report) => this.#ended(place, report),
    });
  }

  async run(atOnce: number): Promise<ExitCode> {
    outbox.onEnd(() => this.#stop());
    onSignal("SIGQUIT", () => this.#summarize());
    if (this.#options.output === "csv") outbox.print(TRACE_CSV_HEADER);
    this.#reports = this.#targets.map(() => undefined);
    const { known } = this.#endpoints;
    const places = [...this.#targets.keys()];
    // Names that are still looked up hold up none that are known.
    const order = places.toSorted((a, b) => Number(!known[a]) - Number(!known[b]));
    await this.#traces.run(order, atOnce);
    await outbox.within(this.#lastPrint);
    return this.#verdict();
  }

  /** Throws UsageError where the packets asked for cannot be sent, ErrnoError where there is no way. */
  async #begin(place: number): Promise<OneTrace | null> {
    const endpoint = await Promise.race([this.#endpoints.pending[place], this.#stopped.promise]);
    const prober = endpoint === null ? undefined : this.#probers.get(endpoint.family);
    if (endpoint === null) return null;
    if (prober === undefined) {
      this.#refused.set(place, `this machine sends no probes by IPv${endpoint.family}`);
      return null;
    }
    const { sizeBytes, protocol } = this.#options;
    const refusal = sizeBytes === null ? null : sizeRefusal(sizeBytes, protocol, endpoint, prober);
    if (refusal !== null) throw new UsageError(`--size ${sizeBytes}: ${refusal}`);
    const target = this.#targets[place];
    const named = { ...target, name: traceTargetName(target), endpoint };
    const one = new OneTrace(named, prober, this.#shared);
    this.#running.set(place, one);
    this.#show(one);
    return one;
  }

  #stop(): void {
    this.#traces.stop();
    this.#stopped.resolve(null);
  }

  async #ended(place: number, report: TraceReport | null): Promise<void> {
    this.#running.delete(place);
    await this.#screen?.stop();
    this.#reports[place] = report;
    this.#print();
  }

  /** The table on the terminal, until it is stopped; its `q` ends the rounds. */
  #show(one: OneTrace): void {
    const screen = this.#screen;
    if (screen === null) return;
    const { repeat, noColor } = this.#options;
    const content = new LiveTrace({
      clock: systemClock,
      paint: choosePaint(stdoutWantsColour(), noColor),
      rounds: repeat ?? 1,
      keys: screen.keys,
      report: () => one.report(),
      notice: (nowMs) => screen.notice(nowMs),
    });
    const end = () => this.#stop();
    screen.start(content, { onQuit: end, onBroken: end });
  }

  /** Each trace under way on standard error, and how receivers fare; a screen shows its trace itself. */
  #summarize(): void {
    if (this.#screen !== null) return;
    for (const one of this.#running.values()) {
      for (const line of linesOf(one.report(), this.#options, plain)) outbox.line(line);
    }
    outbox.sayReceivers();
  }

  /** Prints the traces that are over and have their turn. */
  #print(): void {
    for (const place of this.#order.take()) {
      const report = this.#reports[place];
      if (report === undefined || report === null) continue;
      const text = textOf(report, this.#options, this.#hasPrinted);
      this.#hasPrinted = true;
      this.#lastPrint = this.#lastPrint.then(() => outbox.print(text));
    }
  }

  /** The exit code; says of each target that has not answered why it counts as failed. */
  #verdict(): ExitCode {
    const targets = this.#targets;
    const { known: endpoints } = this.#endpoints;
    const reports = this.#reports.filter((report) => report !== null && report !== undefined);
    const unresolved = endpoints.includes(null);
    if (!unresolved && reports.length > 0 && reports.every(isUnsent)) {
      throw new SystemError(`nothing could be sent: ${reports[0].refusal}`);
    }
    const failures = new Failures();
    for (const [place, report] of this.#reports.entries()) {
      // Why a name has no address was said when it was looked up.
      if (endpoints[place] === null) continue;
      const { host, port } = targets[place];
      const reason = report
        ? silenceReason(report)
        : this.#refused.get(place) ?? "the run ended before its trace";
      failures.note(hostPort(host, port ?? NO_PORT), reason === null ? [] : [reason]);
    }
    for (const line of failures.lines()) outbox.line(line);
    return unresolved ? EXIT.unresolved : failures.count > 0 ? EXIT.failed : EXIT.ok;
  }
}

function linesOf(report: TraceReport, { repeat }: TraceOptions, paint: Paint): string[] {
  return repeat === null ? traceLines(report, paint) : traceTable(report, paint, summaryColumns());
}

function textOf(report: TraceReport, options: TraceOptions, isFurther: boolean): string {
  switch (options.output) {
    case "json":
      return traceJson(report);
    case "csv":
      return traceCsv(report);
    case "text": {
      const paint = choosePaint(stdoutWantsColour(), options.noColor);
      return `${isFurther ? "\n" : ""}${linesOf(report, options, paint).join("\n")}\n`;
    }
    case "none":
      return "";
    default:
      return options.output satisfies never;
  }
}
