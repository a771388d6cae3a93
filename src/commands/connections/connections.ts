/** `connections`: what this machine's existing connections meet, by the kernel's own figures. */
import type { Handshake, TraceOrder } from "../../connections/beside.ts";
import { HandshakesBeside, TraceTrigger } from "../../connections/beside.ts";
import { Observer } from "../../connections/observer.ts";
import { FailWatch } from "../../connections/thresholds.ts";
import { MAX_SOCKETS } from "../../connections/socket_table.ts";
import { ConnectionWatch } from "../../connections/watch.ts";
import type { ConnectionReport } from "../../domain/connection.ts";
import { EXIT, type ExitCode, SystemError } from "../../domain/exit.ts";
import { blankRecord } from "../../domain/probe_record.ts";
import { choosePaint } from "../../format/paint.ts";
import { revoke } from "../../kernel/process.ts";
import { giveUpRawSockets } from "../../kernel/raw_right.ts";
import { onSignal } from "../../kernel/process.ts";
import { SockDiag } from "../../kernel/sock_diag.ts";
import { SocketOwners } from "../../kernel/socket_owners.ts";
import { openTcpCounters } from "../../kernel/tcp_counters.ts";
import { TcpSockets } from "../../kernel/tcp_info.ts";
import type { Connector } from "../../net/connector.ts";
import { DenoConnector } from "../../net/deno_connector.ts";
import { openAddressFacts } from "../../net/name_server.ts";
import { probeOnce } from "../../net/prober.ts";
import { TcpProber } from "../../net/tcp_prober.ts";
import { Failures } from "../../run/failures.ts";
import { Housekeeping } from "../../run/housekeeping.ts";
import { openGate } from "../../run/gate.ts";
import { outbox, say } from "../../run/outbox.ts";
import { OwnScreen } from "../../sink/own_screen.ts";
import { isBrokenPipe, stdoutWantsColour } from "../../sink/stdio.ts";
import { messageOf } from "../../text/quote.ts";
import { type Clock, repeat, systemClock } from "../../time/clock.ts";
import { Lookups } from "../../trace/names.ts";
import { PeerTracer } from "../../trace/peer_tracer.ts";
import { LiveConnections } from "./live_connections.ts";
import { type ConnectionsOptions, wantsTraces } from "./options.ts";
import { ConnectionOutputs } from "./outputs.ts";
import { wholeFilter } from "./peers.ts";

/** A handshake beside that takes longer is not counted. */
const HANDSHAKE_TIMEOUT_MS = 2000;
/** How long the search for programs' names may hold up everything else, and how often it goes on. */
const OWNERS_TURN_MS = 4;
const OWNERS_EVERY_MS = 50;

/** Runs until the last report or a signal; throws SystemError where the kernel tells nothing. */
export async function connections(
  options: ConnectionsOptions,
  version: string,
): Promise<ExitCode> {
  const filter = await wholeFilter(options);
  if (filter === null) return EXIT.unresolved;
  const run = new Run({ ...options, filter }, version);
  return await run.run();
}

class Run {
  #options: ConnectionsOptions;
  #version: string;
  #clock: Clock = systemClock;
  #fails: FailWatch;
  #handshakes: HandshakesBeside | null = null;
  #traces: TraceTrigger | null = null;
  #tracer: PeerTracer | null = null;
  #owners: SocketOwners | null = null;
  #names: Lookups | null = null;
  #screen: OwnScreen | null = null;
  #last: ConnectionReport | null = null;

  constructor(options: ConnectionsOptions, version: string) {
    this.#options = options;
    this.#version = version;
    this.#fails = new FailWatch(options.fail);
  }

  async run(): Promise<ExitCode> {
    const { filter, by, top, exports, fail, trace } = this.#options;
    const housekeeping = new Housekeeping(this.#clock, false);
    // How many sockets there are is known only once they have been read.
    housekeeping.before(MAX_SOCKETS);
    const source = SockDiag.open();
    const counters = openTcpCounters();
    const connector = new DenoConnector(TcpSockets.open(), "fin");
    const outputs = await ConnectionOutputs.open(this.#options, this.#version, connector);
    this.#openBeside(outputs, connector);
    this.#giveUpPermissions();
    const observer = new Observer({
      filter,
      by,
      top,
      listening: filter.listening,
      groupedPortsOnly: filter.peers !== null || filter.port !== null,
      steady: exports.length > 0,
      thresholds: {
        rttUs: least(fail.rttUs, trace.rttUs),
        retransmittedRatio: least(fail.retransmittedRatio, trace.retransmittedRatio),
      },
    }, {
      source,
      clock: this.#clock,
      counters,
      beside: {
        handshakes: (group) => this.#handshakes?.of(group) ?? null,
        ownerOf: (inode) => this.#owners?.nameOf(inode) ?? null,
        peerName: (peer) => this.#nameOf(peer),
      },
    });
    const stopSearching = this.#searchOwners();
    try {
      await this.#readings(observer, outputs);
      // A path that was announced is told, also where the last report asked for it.
      await this.#traces?.ended();
    } finally {
      stopSearching();
      this.#handshakes?.stop();
      housekeeping.stop();
      if (this.#screen !== null) await outbox.within(this.#screen.stop());
      if (this.#screen !== null && this.#last !== null) outputs.leave(this.#last);
      source.close();
    }
    const failures = new Failures();
    for (const [name, reasons] of this.#fails.failures()) failures.note(name, reasons);
    const code = failures.count === 0 ? EXIT.ok : EXIT.failed;
    outbox.exitCode = code;
    await outputs.close();
    this.#screen?.rethrow();
    for (const line of failures.lines("groups")) outbox.line(line);
    return this.#conclude(code);
  }

  async #readings(observer: Observer, outputs: ConnectionOutputs): Promise<void> {
    const watch = new ConnectionWatch(this.#options, {
      clock: this.#clock,
      read: async () => {
        this.#handshakes?.begin();
        return await observer.read();
      },
      onBaseline: (report) => this.#handshakes?.follow(report),
      onReport: (report) => this.#report(report, outputs),
    });
    const stop = () => {
      watch.stop();
      this.#traces?.stop();
      this.#tracer?.stop();
    };
    outbox.stdout.onBroken = stop;
    if (outbox.stdout.broken !== null) stop();
    outbox.onEnd(stop);
    onSignal("SIGQUIT", () => {
      if (this.#last !== null) outputs.summarize(this.#last);
      outbox.sayReceivers();
    });
    this.#screen?.start(
      new LiveConnections({
        clock: this.#clock,
        paint: choosePaint(stdoutWantsColour(), this.#options.noColor),
        keys: this.#screen.keys,
        report: () => this.#last,
        notice: (nowMs) => this.#screen?.notice(nowMs) ?? null,
      }),
      { onQuit: stop, onBroken: stop },
    );
    await watch.run();
  }

  #report(report: ConnectionReport, outputs: ConnectionOutputs): void {
    this.#last = report;
    this.#fails.add(report);
    outputs.report(report);
    this.#screen?.redraw();
    this.#handshakes?.follow(report);
    this.#traces?.consider(report).catch((error) => say(messageOf(error)));
  }

  /** Opens the requested parts that need FFI or the environment. */
  #openBeside(outputs: ConnectionOutputs, connector: Connector): void {
    const { owners, names, probe, live, output, intervalMs, trace } = this.#options;
    if (owners) this.#owners = SocketOwners.open();
    if (names) {
      const lookups = { names: true, origins: false };
      this.#names = new Lookups(openAddressFacts(null, openGate().beside), this.#clock, lookups);
    }
    if (probe) {
      this.#handshakes = new HandshakesBeside(this.#clock, intervalMs, handshakes(connector));
    }
    if (wantsTraces(this.#options)) {
      const tracer = PeerTracer.open();
      this.#tracer = tracer;
      this.#traces = new TraceTrigger(this.#clock, trace, async (order: TraceOrder) => {
        say(`${order.group}: ${order.why}; tracing to ${order.target.address}`);
        outputs.path(await tracer.trace(order));
      });
    }
    if (!live || output !== "text") return;
    const screen = OwnScreen.open(outbox);
    if (screen instanceof OwnScreen) {
      this.#screen = screen;
      outputs.onScreen = true;
    } else say(`--live: ${screen}; going on with lines`);
  }

  #giveUpPermissions(): void {
    const { exports, probe } = this.#options;
    const traces = wantsTraces(this.#options);
    const socket = exports.some(({ kind }) => kind === "collectd-uds");
    if (exports.length === 0 && !probe && !traces) revoke("net");
    revoke("env", "sys");
    // A trace opens sockets of its own when it begins.
    if (!traces) {
      giveUpRawSockets(null);
      revoke("ffi");
    }
    if (!socket) revoke("write", "read");
  }

  /** Searches a little at a time, so that a machine with many descriptors delays nothing. */
  #searchOwners(): () => void {
    const owners = this.#owners;
    if (owners === null) return () => {};
    return repeat(this.#clock, OWNERS_EVERY_MS, () => {
      if (!owners.searching) return;
      const endMs = this.#clock.now() + OWNERS_TURN_MS;
      owners.search(() => this.#clock.now() < endMs);
    });
  }

  #nameOf(peer: string): string | null {
    if (this.#names === null || /[/%]/.test(peer)) return null;
    this.#names.want(peer);
    return this.#names.of(peer).name;
  }

  #conclude(code: ExitCode): ExitCode {
    const error = outbox.stdout.broken?.error ?? null;
    if (error !== null && !isBrokenPipe(error)) {
      throw new SystemError(`cannot write the results: ${messageOf(error)}`);
    }
    return code;
  }
}

function least(a: number | null, b: number | null): number | null {
  return a === null || b === null ? a ?? b : Math.min(a, b);
}

/** The kernel's round trip of a handshake, or the clock's where it has none. */
function handshakes(connector: Connector): Handshake {
  const prober = new TcpProber(connector, systemClock, HANDSHAKE_TIMEOUT_MS, "kernel");
  return async (endpoint) => {
    const record = blankRecord();
    await probeOnce(prober, endpoint, record);
    return record.outcome === "established" && record.rttUs >= 0 ? record.rttUs : null;
  };
}
