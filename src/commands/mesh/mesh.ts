/**
 * `mesh`: a node among others. Answers their handshakes, probes them in bursts, and offers over HTTP
 * what it measured in the last window.
 */
import { EXIT, type ExitCode, SystemError } from "../../domain/exit.ts";
import { messageOf } from "../../text/quote.ts";
import { meshTable } from "../../format/mesh_table.ts";
import { openBreakOff } from "../../kernel/break_off.ts";
import { hostName, onSignal, revoke } from "../../kernel/process.ts";
import { ownAddresses } from "../../kernel/own_addresses.ts";
import { TcpSockets } from "../../kernel/tcp_info.ts";
import { MAX_NODES } from "../../domain/mesh_row.ts";
import type { HostPressure } from "../../domain/mesh_row.ts";
import { PressureGauge } from "../../kernel/pressure.ts";
import { MeshPicture } from "../../mesh/picture.ts";
import { fetchBytes, rowFetcher } from "../../mesh/row_fetch.ts";
import { tellLeaving } from "../../mesh/leaving.ts";
import { isOwnAddress } from "../../net/listener.ts";
import { literalEndpoint } from "../../domain/address.ts";
import type { CloseKind } from "../../net/connector.ts";
import { DenoConnector } from "../../net/deno_connector.ts";
import { DEFAULT_ECHO_BYTES } from "../../net/echo_exchange.ts";
import { HttpAccess, type HttpOptions } from "../../net/http_access.ts";
import { httpLimits, HttpServer } from "../../net/http_server.ts";
import { loadToken } from "../../input/token_file.ts";
import { loadNodes, type NodeEntry } from "../../input/nodes_file.ts";
import { openPingProber } from "../../net/ping_prober.ts";
import type { Prober } from "../../net/prober.ts";
import { TcpProber } from "../../net/tcp_prober.ts";
import { openGate } from "../../run/gate.ts";
import { outbox, say } from "../../run/outbox.ts";
import { inTurn, repeat, sleepUntil, systemClock } from "../../time/clock.ts";
import { durationText } from "../../text/duration.ts";
import { Housekeeping } from "../../run/housekeeping.ts";
import { type LoopPorts, ProbeLoop } from "../../run/probe_loop.ts";
import { Responder } from "../../net/responder.ts";
import { fileStamp, FileWatch } from "../../mesh/file_watch.ts";
import { Members } from "../../mesh/members.ts";
import { Pages } from "../../mesh/pages.ts";
import { RowBuilder } from "../../mesh/row_builder.ts";
import { ownNode } from "../../mesh/own_node.ts";

/** What `mesh` is asked to do, checked and typed. */
export interface MeshOptions {
  readonly nodesFile: string;
  /** This node's name; null to find it out. */
  readonly node: string | null;
  /** The number of other nodes that probe each node; null for all. */
  readonly fanout: number | null;
  readonly burst: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly windowMs: number;
  /** The target of a pair's mean RTT over five minutes; null for none. */
  readonly sloUs: number | null;
  readonly close: CloseKind;
  /** Addresses on which handshakes and requests are answered; empty for all. */
  readonly addresses: readonly string[];
  /** Port of the rows of nodes whose line names none. */
  readonly httpPort: number;
  readonly http: HttpOptions;
  /** Whether echoes are sent beside the handshakes. */
  readonly icmp: boolean;
  /** How often the row is printed as a table; null for when it is asked for, and at the end. */
  readonly tableEveryMs: number | null;
  readonly quiet: boolean;
}

/** Handshakes that may wait to be accepted, as for `serve`: bursts of that many nodes at once. */
const BACKLOG = 4096;
/** After so many failures in a row a name is resolved again; and every so often anyway. */
const RESOLVE_AFTER = 5;
const RESOLVE_EVERY_MS = 5 * 60_000;

/** How long another node may take to tell a pair's history. */
const HISTORY_MS = 1000;
/** A share of less time than this says little. */
const PRESSURE_EVERY_MS = 2000;

/** Runs until SIGTERM or SIGINT. */
export async function mesh(options: MeshOptions): Promise<ExitCode> {
  const { nodesFile, httpPort } = options;
  const sockets = TcpSockets.open();
  if (sockets === null) refuseWithoutKernel(options);
  const stamp = await fileStamp(nodesFile);
  const entries = await loadNodes(nodesFile, httpPort);
  const me = identify(entries, options);
  const { name, host } = me.target;
  const names = [hostName(), name, host, ...options.http.names];
  const access = new HttpAccess(names, await loadToken(options.http.tokenFile));
  const own = ownAddressOf(me);
  const addresses = options.addresses.length > 0 ? options.addresses : [own ?? everywhere(me)];
  const listening = { port: me.target.port, backlog: BACKLOG, reusePort: false };
  const responder = new Responder(addresses, listening, sockets);
  const pause = () => sleepUntil(systemClock, systemClock.now());
  const pressure = openPressure();
  const builder = new RowBuilder(me.target, options, { clock: systemClock, pause, pressure });
  let nodes: readonly NodeEntry[] = entries;
  const { resolver } = openGate();
  const pages = new Pages({
    clock: systemClock,
    row: () => builder.row(),
    pause,
    token: access.token,
    picture: new MeshPicture({
      clock: systemClock,
      nodes: () => ({ entries: nodes, own: me.target.name }),
      ownRow: () => builder.row(),
      ownHistory: () => builder.ownHistory(),
      fetchRow: rowFetcher(access.token, resolver),
    }),
    history: {
      nodes: () => ({ entries: nodes, own: me.target.name }),
      history: (peer) => builder.history(peer),
      ask: (entry, path) =>
        fetchBytes(entry, path, { timeoutMs: HISTORY_MS, token: access.token, resolver }),
    },
    leaving: {
      resolver,
      entries: () => nodes,
      onLeave: (name) => {
        builder.leave(name);
        if (!options.quiet) say(`${name} leaves`);
      },
    },
  });
  const servers = serveHttp(addresses, me, access, pages);
  const housekeeping = new Housekeeping(systemClock, false);
  const loops = openLoops(options, sockets, builder, housekeeping);
  const members = new Members(me, options, {
    load: async () => nodes = await loadNodes(nodesFile, httpPort),
    use: (node, peers) => {
      builder.watch(node, peers);
      for (const loop of loops) loop.retarget(peers);
      return Promise.resolve();
    },
    say,
  });
  const watch = new FileWatch(stamp, {
    clock: systemClock,
    stamp: () => fileStamp(nodesFile),
    onChange: inTurn(() => members.reload()),
  });
  onSignal("SIGHUP", () => watch.readNow());
  const stop = async () => {
    const others = nodes.filter(({ target }) => target.name !== me.target.name);
    await tellLeaving(others, me.target.name, own, access.token);
    for (const loop of loops) loop.stop();
    responder.close();
    for (const server of servers) server.close();
  };
  outbox.onEnd(stop);
  const tables = openTables(options, builder);
  if (!options.quiet) { for (const line of responder.announcements()) say(line); }
  revoke("env", "ffi", "sys", "write");

  const working = [
    responder.run((connections) => housekeeping.worked(connections)),
    // They begin without targets: the first nodes are added in the same way as later ones.
    ...loops.map((loop) => loop.run()),
  ];
  const text = members.begin(entries);
  if (!options.quiet) announce(me, text, servers, options);
  await Promise.all(working);
  watch.stop();
  housekeeping.stop();
  await tables.end();
  return EXIT.ok;
}

/** The host's pressure as of the last reading, which is at most this old. */
function openPressure(): () => HostPressure | null {
  const gauge = PressureGauge.open(systemClock);
  if (gauge === null) return () => null;
  let [last, readMs] = [gauge.read(), systemClock.now()];
  return () => {
    const nowMs = systemClock.now();
    if (nowMs - readMs >= PRESSURE_EVERY_MS) [last, readMs] = [gauge.read(), nowMs];
    return last;
  };
}

/** The row as a table on stdout: now and then, on SIGQUIT, and at the end. */
function openTables(
  { tableEveryMs, quiet }: MeshOptions,
  builder: RowBuilder,
): { end(): Promise<void> } {
  // A closed stdout does not end the node.
  const print = async () => outbox.stdout.text(meshTable(await builder.row()));
  onSignal("SIGQUIT", print);
  const stop = tableEveryMs === null ? () => {} : repeat(systemClock, tableEveryMs, print);
  return {
    async end(): Promise<void> {
      stop();
      if (!quiet) await print();
    },
  };
}

function identify(entries: readonly NodeEntry[], { node, nodesFile }: MeshOptions): NodeEntry {
  const machine = { node, addresses: node === null ? ownAddresses() : [], hostName: hostName() };
  return ownNode(entries, machine, nodesFile);
}

/** The wildcard that has this node's address in it; the one for IPv6 takes IPv4 as well. */
function everywhere({ target: { host, port } }: NodeEntry): string {
  return literalEndpoint(host, port)?.family === 6 ? "::" : "0.0.0.0";
}

/** The address that the nodes file has for this node, where it is this machine's: several nodes may share one. */
function ownAddressOf({ target: { host, port } }: NodeEntry): string | null {
  const literal = literalEndpoint(host, port);
  return literal !== null && isOwnAddress(literal.address) ? literal.address : null;
}

function serveHttp(
  addresses: readonly string[],
  { httpPort }: NodeEntry,
  access: HttpAccess,
  pages: Pages,
): HttpServer[] {
  const both = addresses.includes("::");
  const ports = {
    clock: systemClock,
    breakOff: openBreakOff(),
    limits: {
      ...httpLimits(openGate().descriptors),
      posts: true,
    },
    access,
  };
  return addresses.filter((address) => !(both && address === "0.0.0.0"))
    .map((own) =>
      new HttpServer(own, httpPort, (asked, { address }) => pages.answer(asked, address), ports)
    );
}

/** A loop for the handshakes, and one for the echoes where there are any. */
function openLoops(
  options: MeshOptions,
  sockets: TcpSockets | null,
  builder: RowBuilder,
  housekeeping: Housekeeping,
): ProbeLoop[] {
  const connector = new DenoConnector(sockets, options.close);
  const prober = new TcpProber(connector, systemClock, options.timeoutMs, "auto");
  const handshakes = loopOf(prober, options.burst, options, (record) => {
    builder.record(record);
    housekeeping.worked(1);
  });
  const ping = options.icmp ? openPing(options) : null;
  if (ping === null) return [handshakes];
  return [handshakes, loopOf(ping, 1, options, (record) => builder.recordIcmp(record))];
}

/** Null, with a notice, where echoes are not permitted. */
function openPing({ timeoutMs }: MeshOptions): Prober | null {
  try {
    const echo = { payloadBytes: DEFAULT_ECHO_BYTES, ttl: null, source: null };
    return openPingProber({ timeoutMs, clock: "auto", ...echo }, systemClock);
  } catch (error) {
    say(`${messageOf(error)}; going on without --icmp`);
    return null;
  }
}

function loopOf(
  prober: Prober,
  burst: number,
  { intervalMs }: MeshOptions,
  onRecord: LoopPorts["onRecord"],
): ProbeLoop {
  const gate = openGate();
  const options = {
    count: null,
    durationMs: null,
    intervalMs,
    burst,
    endsSilentBursts: true,
    family: 0,
    resolveAfter: RESOLVE_AFTER,
    resolveEveryMs: RESOLVE_EVERY_MS,
    // One for each possible node, since a burst has one probe in flight; fewer where descriptors are scarce.
    maxInFlight: Math.min(MAX_NODES, gate.mostInFlight(gate.httpConnections)),
    idle: true,
    statistics: false,
  } as const;
  return new ProbeLoop(options, {
    clock: systemClock,
    prober,
    resolver: gate.resolver,
    onRecord,
    onSkip: () => {},
    onNotice: say,
  });
}

function announce(
  { target: { name } }: NodeEntry,
  nodes: string,
  servers: readonly HttpServer[],
  { burst, intervalMs, timeoutMs }: MeshOptions,
): void {
  const ports = [...new Set(servers.map(({ port }) => port))].join(", ");
  say(
    `node ${name}: ${nodes}, ${burst} every ${durationText(intervalMs)}, ` +
      `timeout ${durationText(timeoutMs)}; row at port ${ports}`,
  );
}

function refuseWithoutKernel({ close }: MeshOptions): void {
  const reason = "this platform or its permissions offer no TCP_INFO";
  if (close === "rst") throw new SystemError(`--close rst: ${reason}`);
  say(`${reason}: there are connect times, but no RTTs`);
}
