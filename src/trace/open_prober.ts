/**
 * Opens the prober for the traces of a process: by protocol and family, and by what this process is
 * permitted.
 */
import { SystemError } from "../domain/exit.ts";
import type { TraceProtocol } from "../domain/path.ts";
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError } from "../kernel/errno.ts";
import { OwnPorts } from "../kernel/own_ports.ts";
import type { PacketKind } from "../kernel/packet_port.ts";
import { PacketSockets } from "../kernel/packet_socket.ts";
import { ALLOW_PING_SOCKETS, allowRawSockets } from "../kernel/capabilities.ts";
import { Routes } from "../kernel/route.ts";
import { interfaceIndex } from "../kernel/sockaddr.ts";
import { TcpSockets } from "../kernel/tcp_info.ts";
import { EchoExchange } from "../net/echo_exchange.ts";
import { random32 } from "../net/exchange.ts";
import { RouteBook } from "../net/route_book.ts";
import { SynExchange } from "../net/syn_exchange.ts";
import { ECHO_HEADER_BYTES } from "../packet/echo.ts";
import { ipHeaderBytes, PROTOCOL_ICMP, PROTOCOL_TCP } from "../packet/ip.ts";
import { SYN_BYTES } from "../packet/tcp.ts";
import type { Clock } from "../time/clock.ts";
import type { HopProber } from "./hop_prober.ts";
import { LinkHopProber } from "./hop_prober_link.ts";
import { type TcpHopOptions, TcpHopProber } from "./hop_prober_tcp.ts";
import { type UdpHopOptions, UdpHopProber } from "./hop_prober_udp.ts";

export interface HopProberChoices {
  readonly protocol: TraceProtocol;
  /**
   * The number of flows, held fixed even where only one probe of each can then be under way; null
   * for one flow, held fixed if possible.
   */
  readonly paths: number | null;
  readonly source: Endpoint | null;
  /** The first flow's source port, others' follow; null for any. */
  readonly sourcePort: number | null;
  /** TOS or traffic class; null for the system's default. */
  readonly tos: number | null;
  readonly interfaceName: string | null;
  /** The longest packet that is sent; null for the usual ones. */
  readonly sizeBytes: number | null;
}

interface HopProberOptions extends HopProberChoices {
  readonly family: 4 | 6;
  readonly flows: number;
}

/** IPv6 flow labels that anybody may set (RFC 6437; ip-sysctl, flowlabel_state_ranges). */
const LABELS = 0x7ffff;
/** The difference between two flows' labels: large, as between flows of an ordinary host. */
const LABEL_STEP = 40_503;
const UNSTEERABLE = "several next hops behind one interface: connections may take another one " +
  "than these probes do";

/** Throws SystemError, with the remedy where this process may not. */
export function openHopProber(
  choices: HopProberChoices,
  family: 4 | 6,
  clock: Clock,
): HopProber {
  const options = { ...choices, family, flows: choices.paths ?? 1 };
  const baseSeconds = Math.floor(clock.wall() / 1000);
  const sockets = PacketSockets.open(baseSeconds, options.sizeBytes ?? 0);
  const kernelRoutes = Routes.open();
  const infos = TcpSockets.open();
  if (sockets === null || kernelRoutes === null || infos === null) {
    throw new SystemError("trace wants Linux's error queues, which this platform does not offer");
  }
  const { source, tos, interfaceName } = options;
  const routes = new RouteBook(kernelRoutes, clock, {
    protocol: options.protocol === "tcp" ? PROTOCOL_TCP : PROTOCOL_ICMP,
    source,
    interfaceIndex: interfaceIndex(sockets.tools.scopeOf, interfaceName),
    tos: tos ?? 0,
  });
  try {
    switch (options.protocol) {
      case "udp":
        return new UdpHopProber(sockets, clock, { ...shared(options), random: random32 });
      case "icmp":
        return icmpProber(sockets, clock, routes, options);
      case "tcp":
        return tcpRawProber(sockets, clock, routes, options) ??
          new TcpHopProber(sockets, infos, clock, shared(options));
      default:
        return options.protocol satisfies never;
    }
  } catch (error) {
    throw refusalOf(error, options);
  }
}

/** Options that the probers have that use a socket a probe. */
type SharedOptions = Omit<UdpHopOptions, "random"> & TcpHopOptions;

function shared(options: HopProberOptions): SharedOptions {
  const { family, source, sourcePort, tos, interfaceName, flows, paths } = options;
  const first = random32();
  const portOf = (_: unknown, flow: number) => sourcePort === null ? 0 : sourcePort + flow;
  return {
    family,
    source,
    tos,
    interfaceName,
    labelOf: (flow: number) => family === 4 ? 0 : 1 + (first + flow * LABEL_STEP) % LABELS,
    fixedPorts: paths !== null || sourcePort !== null
      ? Array.from({ length: flows }, portOf)
      : null,
  };
}

/** A ping socket a flow where the kernel allows them, else a raw one. */
function icmpProber(
  sockets: PacketSockets,
  clock: Clock,
  routes: RouteBook,
  options: HopProberOptions,
): HopProber {
  const { family, flows, tos } = options;
  const { labelOf } = shared(options);
  const exchanges: EchoExchange[] = [];
  try {
    let kind: "ping" | "raw-echo" = "ping";
    while (exchanges.length < flows) {
      const socket = openAs(sockets, kind, options);
      if (socket === null) {
        if (kind === "raw-echo") throw new NotPermitted();
        kind = "raw-echo";
        continue;
      }
      const flowLabel = labelOf(exchanges.length);
      const ownHeader = { tos: tos ?? 0 };
      const echo = { kind, payloadBytes: 0, random: random32, flowLabel };
      exchanges.push(
        new EchoExchange(socket, kind === "raw-echo" ? { ...echo, ownHeader } : echo),
      );
    }
  } catch (error) {
    for (const exchange of exchanges) exchange.close();
    throw error;
  }
  const ipBytes = ipHeaderBytes(family);
  return new LinkHopProber(clock, exchanges, routes, ipBytes + ECHO_HEADER_BYTES, UNSTEERABLE);
}

/** SYNs of our own making; null where this process may not send them. */
function tcpRawProber(
  sockets: PacketSockets,
  clock: Clock,
  routes: RouteBook,
  options: HopProberOptions,
): HopProber | null {
  const { family, flows, sourcePort, tos } = options;
  const socket = openAs(sockets, "raw-tcp", options);
  if (socket === null) return null;
  try {
    const ports = OwnPorts.reserve(flows, sourcePort ?? 0);
    if (ports === null) throw new SystemError("this platform offers no libc");
    const syn = { ports, routes, random: random32, tos: tos ?? 0, firstPort: 0 };
    const ipBytes = ipHeaderBytes(family);
    const exchange = new SynExchange(socket, syn);
    return new LinkHopProber(clock, [exchange], routes, ipBytes + SYN_BYTES, UNSTEERABLE);
  } catch (error) {
    socket.close();
    throw error;
  }
}

class NotPermitted extends Error {}

/** Null where this process may not have such a socket. */
function openAs(
  sockets: PacketSockets,
  kind: PacketKind,
  { family, source, tos, interfaceName }: HopProberOptions,
): ReturnType<PacketSockets["socket"]> | null {
  try {
    return sockets.socket({ kind, family, ttl: null, source, tos, interfaceName, tracing: true });
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
    if (error.code === "EACCES" || error.code === "EPERM") return null;
    throw error;
  }
}

function refusalOf(
  error: unknown,
  { source, sourcePort, flows, interfaceName }: HopProberOptions,
): unknown {
  if (error instanceof NotPermitted) {
    return new SystemError(
      "trace --icmp may open neither a ping nor a raw socket; to allow it: " +
        `${ALLOW_PING_SOCKETS} or ${allowRawSockets()}`,
    );
  }
  if (!(error instanceof ErrnoError)) return error;
  switch (error.code) {
    case "EADDRNOTAVAIL":
      return new SystemError(
        source === null
          ? `cannot trace: no free port for ${flows} flows`
          : `--source ${source.address}: ${error.reason}`,
      );
    case "EADDRINUSE":
    case "EAGAIN":
      if (sourcePort !== null) return new SystemError(portsInUse(sourcePort, flows));
      return new SystemError(
        `cannot trace by ${flows} flows: this machine has no ${flows} free ports`,
      );
    case "ENODEV":
      return new SystemError(`--interface ${interfaceName}: no such interface`);
    default:
      return new SystemError(`cannot trace: ${error.reason}`);
  }
}

function portsInUse(first: number, flows: number): string {
  const ports = flows === 1
    ? "it is in use"
    : `of it and the ${flows - 1} behind it, one is in use`;
  return `--sport ${first}: ${ports}`;
}
