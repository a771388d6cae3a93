/** `trace`: the path to a target, hop by hop: once, or again and again. */
import {
  hasAnswered,
  type PlainHandshake,
  type TraceProtocol,
  type TraceReport,
} from "../../domain/path.ts";
import { EXIT, type ExitCode } from "../../domain/exit.ts";
import { messageOf } from "../../text/quote.ts";
import { blankRecord, NONE } from "../../domain/probe_record.ts";
import type { Endpoint } from "../../domain/target.ts";
import { choosePaint } from "../../format/paint.ts";
import { revoke } from "../../kernel/process.ts";
import { allowRawSockets } from "../../kernel/capabilities.ts";
import { TcpSockets } from "../../kernel/tcp_info.ts";
import { literalEndpoint } from "../../domain/address.ts";
import { DenoConnector } from "../../net/deno_connector.ts";
import { isNoRoute, openHopProber, openHopTools } from "../../trace/hop_open.ts";
import type { HopProber } from "../../trace/hop_prober.ts";
import { openAddressFacts } from "../../net/name_server.ts";
import { probeOnce } from "../../net/prober.ts";
import { TcpProber } from "../../net/tcp_prober.ts";
import { openGate } from "../../run/gate.ts";
import { outbox, say } from "../../run/outbox.ts";
import { stdoutWantsColour } from "../../sink/stdio.ts";
import { sleepUntil, systemClock } from "../../time/clock.ts";
import { WallAnchor, type WallTime } from "../../time/wall_anchor.ts";
import { traceJson } from "../../format/path_json.ts";
import { OwnScreen } from "../../sink/own_screen.ts";
import { LiveTrace } from "./live_trace.ts";
import { Lookups } from "../../trace/names.ts";
import type { TraceOptions } from "./options.ts";
import { TracePath } from "../../trace/path.ts";
import { NOTHING_KNOWN, TraceRound } from "../../trace/round.ts";
import { traceLines, traceTable } from "../../format/path_text.ts";

/** How long names may still come once the path is known. */
const NAMES_MS = 1000;
const QUERIES = 3;
const QUERIES_A_ROUND = 1;
/** The first of the ports that traces use by tradition, on which nobody listens. */
const UDP_PORT = 33_434;
const TCP_PORT = 443;

/** Resolves when the trace is over; the result is the exit code. */
export async function trace(options: TraceOptions): Promise<ExitCode> {
  const tools = openHopTools(systemClock);
  const screen = screenFor(options);
  const infos = TcpSockets.open();
  const target = await resolve(options);
  if (target === null) return EXIT.unresolved;
  const { protocol, source, paths } = options;
  const prober = openHopProber(tools, target, {
    protocol,
    source,
    flows: paths ?? 1,
    flowsMatter: paths !== null,
  });
  // Names are looked up by the system's resolver, which reads its files and the environment itself.
  revoke("env", "ffi", "write");
  if (prober.flow === "varied") {
    say(
      "each probe is a flow of its own, so hops of several equal paths may show; for one flow: " +
        `--paths 1 (slower), --udp, or ${allowRawSockets()}`,
    );
  }
  try {
    return await run(options, target, prober, screen, () => {
      const connector = new DenoConnector(infos, "rst");
      return new TcpProber(connector, systemClock, options.timeoutMs, "auto");
    });
  } finally {
    prober.close();
  }
}

/** For a repeated trace where there is a terminal to draw on; elsewhere its end is what is printed. */
function screenFor({ repeat, output }: TraceOptions): OwnScreen | null {
  if (repeat === null || output !== "text") return null;
  const screen = OwnScreen.open(outbox);
  return screen instanceof OwnScreen ? screen : null;
}

/** The address to trace to; null, and the reason said, when the name has none. */
async function resolve({ target, family, protocol }: TraceOptions): Promise<Endpoint | null> {
  const port = target.port ?? defaultPort(protocol);
  const literal = literalEndpoint(target.host, port);
  if (literal !== null) return literal;
  try {
    const [address] = await openGate().resolver.resolve(target.host, family);
    const endpoint = literalEndpoint(address, port);
    if (endpoint !== null) return endpoint;
    say(`${target.host}: no address`);
  } catch (error) {
    say(`${target.host}: ${messageOf(error)}`);
  }
  return null;
}

function defaultPort(protocol: TraceProtocol): number {
  return protocol === "udp" ? UDP_PORT : TCP_PORT;
}

async function run(
  options: TraceOptions,
  target: Endpoint,
  prober: HopProber,
  screen: OwnScreen | null,
  handshakes: () => TcpProber,
): Promise<ExitCode> {
  const facts = openAddressFacts(options.nameServer);
  const lookups = new Lookups(facts, systemClock, {
    names: options.names,
    origins: options.asn,
  });
  const began: WallTime = { wallSeconds: 0, wallNanos: 0 };
  new WallAnchor(systemClock).stamp(systemClock.now(), began);
  const path = new TracePath();
  const measured = { sizeBytes: options.mtu ? prober.linkMtu() : options.sizeBytes, durationMs: 0 };
  const reportWith = (handshake: PlainHandshake | null): TraceReport => ({
    ...began,
    host: options.target.host,
    address: target.address,
    family: target.family,
    port: options.protocol === "icmp" ? null : target.port,
    protocol: options.protocol,
    flow: prober.flow,
    paths: options.paths ?? 1,
    rounds: path.rounds,
    queries: queriesOf(options),
    firstHop: options.firstHop,
    maxHops: options.maxHops,
    sizeBytes: options.protocol === "tcp" ? null : measured.sizeBytes,
    durationMs: measured.durationMs,
    hops: path.hops(),
    silentTail: path.silentTail(),
    end: path.end(),
    mtu: options.mtu ? { bytes: measured.sizeBytes, steps: path.mtuSteps } : null,
    handshake,
    namesOf: (address) => lookups.of(address),
  });
  const rounds = new Rounds();
  if (screen !== null) show(screen, options, rounds, () => reportWith(null));
  try {
    await measure(options, prober, path, lookups, rounds, measured);
  } finally {
    await screen?.stop();
  }
  screen?.rethrow();
  const silent = path.end()?.kind !== "end";
  const port = options.protocol === "tcp" ? target.port : options.target.port ?? TCP_PORT;
  const handshake = silent ? await shakeHands({ ...target, port }, handshakes()) : null;
  await lookups.settled(NAMES_MS);
  const report = reportWith(handshake);
  await outbox.within(print(report, options));
  return hasAnswered(report) ? EXIT.ok : EXIT.failed;
}

/** The table on the terminal, until it is stopped; its `q` ends the rounds. */
function show(
  screen: OwnScreen,
  { repeat, noColor }: TraceOptions,
  rounds: Rounds,
  report: () => TraceReport,
): void {
  const content = new LiveTrace({
    clock: systemClock,
    paint: choosePaint(stdoutWantsColour(), noColor),
    rounds: repeat ?? 1,
    keys: screen.keys,
    report,
    notice: (nowMs) => screen.notice(nowMs),
  });
  const end = () => rounds.stop();
  screen.start(content, { onQuit: end, onBroken: end });
}

/** What ends the rounds early, whatever they wait for. */
class Rounds {
  stopped = false;
  /** Ends what is waited for now. */
  onStop: () => void = () => {};

  stop(): void {
    this.stopped = true;
    this.onStop();
  }
}

/** What the rounds leave behind beside the path. */
interface Measured {
  sizeBytes: number;
  durationMs: number;
}

/** All rounds, each begun an interval after the one before, until the last or a signal. */
async function measure(
  options: TraceOptions,
  prober: HopProber,
  path: TracePath,
  lookups: Lookups,
  rounds: Rounds,
  measured: Measured,
): Promise<void> {
  outbox.onEnd(() => rounds.stop());
  const { firstHop, maxHops, timeoutMs, mtu } = options;
  const startMs = systemClock.now();
  for (let i = 0; i < (options.repeat ?? 1) && !rounds.stopped; i++) {
    const stopped = new Promise<void>((wake) => rounds.onStop = wake);
    await Promise.race([sleepUntil(systemClock, startMs + i * options.intervalMs), stopped]);
    if (rounds.stopped) break;
    const known = i === 0 ? NOTHING_KNOWN : path.known();
    path.beginRound();
    const round: TraceRound = new TraceRound(
      {
        firstHop,
        maxHops,
        timeoutMs,
        sizeBytes: measured.sizeBytes,
        mtu,
        queries: queriesOf(options),
        flows: options.paths ?? 1,
      },
      known,
      {
        clock: systemClock,
        prober,
        onFate: (fate) => {
          const fresh = path.add(fate);
          if (fresh !== null) lookups.want(fresh);
        },
        onMtu: (step) => path.addMtu(step),
      },
    );
    rounds.onStop = () => round.stop();
    const roundMs = systemClock.now();
    await runRound(round);
    measured.durationMs += systemClock.now() - roundMs;
    measured.sizeBytes = round.sizeBytes;
  }
}

/** Where there is no way out of this machine, that is how the path ends, and no fault of the system's. */
async function runRound(round: TraceRound): Promise<void> {
  try {
    await round.run();
  } catch (error) {
    if (!isNoRoute(error)) throw error;
    say(messageOf(error));
  }
}

function queriesOf({ queries, repeat }: TraceOptions): number {
  return queries ?? (repeat === null ? QUERIES : QUERIES_A_ROUND);
}

/** A handshake as any client makes it, reset once it is established. */
async function shakeHands(target: Endpoint, prober: TcpProber): Promise<PlainHandshake> {
  const record = blankRecord();
  record.rttUs = record.connectUs = NONE;
  await probeOnce(prober, target, record);
  prober.stop();
  const { outcome, rttUs, rttSource } = record;
  return { port: target.port, outcome, rttUs, rttSource };
}

function print(report: TraceReport, options: TraceOptions): Promise<void> {
  if (options.output === "json") return outbox.print(traceJson(report));
  const paint = choosePaint(stdoutWantsColour(), options.noColor);
  const lines = options.repeat === null ? traceLines(report, paint) : traceTable(report, paint);
  return outbox.print(`${lines.join("\n")}\n`);
}
