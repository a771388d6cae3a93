/**
 * `mesh`: a node among others. Answers their handshakes, probes them in bursts, and offers over HTTP
 * what it measured in the last window.
 */
import { EXIT, type ExitCode, SystemError } from "../../domain/exit.ts";
import { messageOf } from "../../text/quote.ts";
import { meshTable } from "../../format/mesh_table.ts";
import { openBreakOff } from "../../kernel/break_off.ts";
import { MemoryReturn } from "../../kernel/memory.ts";
import { hostName, onSignal, openCpuTime, revoke } from "../../kernel/process.ts";
import { giveUpRawSockets } from "../../kernel/raw_right.ts";
import { TcpSockets } from "../../kernel/tcp_info.ts";
import { MAX_NODES } from "../../domain/mesh_row.ts";
import { openPressure } from "../../run/host_pressure.ts";
import type { PicturePorts } from "../../mesh/picture.ts";
import { fetchBytes, GATHERED_AT_ONCE, rowFetcher } from "../../mesh/row_fetch.ts";
import { tellLeaving } from "../../mesh/leaving.ts";
import { isOwnAddress } from "../../net/listener.ts";
import { literalEndpoint } from "../../domain/address.ts";
import type { CloseKind } from "../../net/connector.ts";
import { DenoConnector } from "../../net/deno_connector.ts";
import { DEFAULT_ECHO_BYTES } from "../../domain/limits.ts";
import { HttpAccess, type HttpOptions } from "../../net/http_access.ts";
import { httpLimits } from "../../net/http_limits.ts";
import { HttpServer } from "../../net/http_server.ts";
import type { NodeEntry } from "../../input/nodes_file.ts";
import { loadToken } from "../../input/file.ts";
import { openPingProber } from "../../net/ping_prober.ts";
import type { Prober } from "../../net/prober.ts";
import { TcpProber } from "../../net/tcp_prober.ts";
import { openGate } from "../../run/gate.ts";
import { outbox, say } from "../../run/outbox.ts";
import { repeat, sleepUntil, systemClock } from "../../time/clock.ts";
import { durationText } from "../../text/duration.ts";
import { Housekeeping } from "../../run/housekeeping.ts";
import type { LoopPorts } from "../../run/loop_options.ts";
import { ProbeLoop } from "../../run/probe_loop.ts";
import { listeningText, Responder } from "../../net/responder.ts";
import { Members } from "../../mesh/members.ts";
import { Pages } from "../../mesh/pages.ts";
import { ToldNodes } from "../../mesh/told_nodes.ts";
import type { HttpToken } from "../../net/http_token.ts";
import { resolveSrv } from "../../net/resolver.ts";
import { MeshNodes, type NodesOptions } from "./nodes.ts";
import { RowBuilder } from "../../mesh/row_builder.ts";

/** What `mesh` is asked to do, checked and typed. */
export interface MeshOptions extends NodesOptions {
  /** The number of other nodes that probe each node; null for all. */
  readonly fanout: number | null;
  readonly burst: number;
  readonly timeoutMs: number;
  readonly windowMs: number;
  /** The target of a pair's mean RTT over five minutes; null for none. */
  readonly sloUs: number | null;
  readonly close: CloseKind;
  /** Addresses on which handshakes and requests are answered; empty for all. */
  readonly addresses: readonly string[];
  /** Addresses of the HTTP server; empty for the same. */
  readonly httpAddresses: readonly string[];
  readonly http: HttpOptions;
  /** Whether the page of the whole mesh is shown. */
  readonly page: boolean;
  /** Whether echoes are sent beside the handshakes. */
  readonly icmp: boolean;
  /** How often the row is printed as a table; null for when it is asked for, and at the end. */
  readonly tableEveryMs: number | null;
  readonly quiet: boolean;
}

/** Handshakes that may wait to be accepted, as for `serve`: bursts of that many nodes at once. */
const BACKLOG = 4096;
/** A name is resolved again after this many failures in a row; and at intervals anyway. */
const RESOLVE_AFTER = 5;
const RESOLVE_EVERY_MS = 5 * 60_000;

/** How long another node may take to tell a pair's history. */
const HISTORY_MS = 1000;

/** Runs until SIGTERM or SIGINT. */
export async function mesh(options: MeshOptions): Promise<ExitCode> {
  const sockets = TcpSockets.open();
  if (sockets === null) refuseWithoutKernel(options);
  const ended = Promise.withResolvers<null>();
  let stop = () => ended.resolve(null);
  outbox.onEnd(() => stop());
  const { resolver } = openGate();
  // A name may have no answer for long.
  const nodes = await Promise.race([
    MeshNodes.open(options, { resolver, srv: resolveSrv }),
    ended.promise,
  ]);
  if (nodes === null) return EXIT.ok;
  const { me } = nodes;
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
  const pages = openPages(options, nodes, builder, access.token);
  const httpAddresses = options.httpAddresses.length > 0 ? options.httpAddresses : addresses;
  const servers = serveHttp(httpAddresses, me, access, pages);
  const housekeeping = new Housekeeping(systemClock, false);
  const loops = openLoops(options, sockets, builder, housekeeping);
  const members = new Members({ ...options, me, list: options.place.text }, {
    load: () => nodes.load(),
    use: (node, peers) => {
      builder.watch(node, peers);
      for (const loop of loops) loop.retarget(peers);
      return Promise.resolve();
    },
    say,
  });
  const following = nodes.follow((node) => builder.isBack(node), () => members.reload());
  onSignal("SIGHUP", () => following.readNow());
  stop = async () => {
    following.stop();
    const others = nodes.entries.filter(({ target }) => target.name !== name);
    await tellLeaving(others, name, own, access.token);
    for (const loop of loops) loop.stop();
    responder.close();
    for (const server of servers) server.close();
  };
  const tables = openTables(options, builder);
  if (!options.quiet) {
    for (const socket of responder.sockets) say(listeningText(socket, listening.backlog));
  }
  giveUpRawSockets(null);
  revoke("env", "ffi", "sys", "write");

  const working = [
    responder.run((connections) => housekeeping.worked(connections)),
    // They begin without targets: the first nodes are added in the same way as later ones.
    ...loops.map((loop) => loop.run()),
  ];
  const text = members.begin(nodes.entries);
  if (!options.quiet) announce(me, text, servers, options);
  await Promise.all(working);
  housekeeping.stop();
  await tables.end();
  return EXIT.ok;
}

/** What the node offers over HTTP, the whole mesh where that is shown. */
function openPages(
  { page, quiet }: MeshOptions,
  nodes: MeshNodes,
  builder: RowBuilder,
  token: HttpToken | null,
): Pages {
  const { resolver } = openGate();
  const all = () => ({ entries: nodes.entries, own: nodes.me.target.name });
  const pause = () => sleepUntil(systemClock, systemClock.now());
  const memory = MemoryReturn.open();
  const ports: PicturePorts = {
    clock: systemClock,
    nodes: all,
    told: nodes.toldByRows ? new ToldNodes() : null,
    ownRow: () => builder.row(),
    ownHistory: () => builder.ownHistory(),
    fetchRow: rowFetcher(token, resolver),
    cpuMs: openCpuTime() ?? (() => 0),
    tidy: () => memory?.giveBack(true),
  };
  const picture = async () => new (await import("../../mesh/picture.ts")).MeshPicture(ports);
  return new Pages({
    clock: systemClock,
    row: () => builder.row(),
    pause,
    token,
    picture: page ? picture : null,
    history: {
      nodes: all,
      history: (peer) => builder.history(peer),
      ask: (entry, path) => fetchBytes(entry, path, { timeoutMs: HISTORY_MS, token, resolver }),
    },
    leaving: {
      resolver,
      entries: () => nodes.entries,
      onLeave: (name) => {
        builder.leave(name);
        nodes.leave(name);
        if (!quiet) say(`${name} leaves`);
      },
    },
  });
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

/** The wildcard address that covers this node's address; the one for IPv6 takes IPv4 as well. */
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
  const others = httpLimits(gate.descriptors).connections + GATHERED_AT_ONCE;
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
    maxInFlight: Math.min(MAX_NODES, gate.mostInFlight(others)),
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
