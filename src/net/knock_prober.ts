/** Opens what `knock` needs: raw sockets, ports that are nobody else's, or the reason and its remedy. */
import { PROTOCOL_TCP } from "../packet/ip.ts";
import { SystemError } from "../domain/exit.ts";
import { messageOf } from "../text/quote.ts";
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError } from "../kernel/errno.ts";
import { OwnPorts } from "../kernel/own_ports.ts";
import { PacketSockets } from "../kernel/packet_socket.ts";
import { allowRawSockets } from "../kernel/capabilities.ts";
import { Routes } from "../kernel/route.ts";
import { interfaceIndex } from "../kernel/sockaddr.ts";
import type { Clock } from "../time/clock.ts";
import { type ExchangeOrReason, PacketProber } from "./packet_prober.ts";
import { noSuchInterface, type SocketOpener } from "./ping_prober.ts";
import { random32 } from "./exchange.ts";
import { RouteBook } from "./route_book.ts";
import { SynExchange, type SynOptions } from "./syn_exchange.ts";
import type { ClockChoice } from "./prober.ts";

export interface KnockOptions {
  readonly timeoutMs: number;
  readonly clock: ClockChoice;
  /** Null for what the routes say. */
  readonly source: Endpoint | null;
  /** The interface that all goes through; null for what the routes say. */
  readonly device?: string | null;
}

/** Where the kernel chooses among next hops by ports, which it does not do for a raw socket. */
const UNSTEERABLE = "several next hops behind one interface: connections may take another one " +
  "than these knocks do";
/** As many source ports as take turns; see SynExchange. */
const OWN_PORTS = 128;

/** Throws SystemError, its message one line with the remedy, where nothing can be opened. */
export function openKnockProber(options: KnockOptions, clock: Clock): PacketProber {
  const sockets = PacketSockets.open(Math.floor(clock.wall() / 1000), 0, true);
  const kernelRoutes = Routes.open();
  if (sockets === null || kernelRoutes === null) {
    throw new SystemError("cannot knock: this platform offers no raw sockets");
  }
  const ports = reservePorts();
  const { source, device = null } = options;
  const routes = new RouteBook(kernelRoutes, clock, {
    protocol: PROTOCOL_TCP,
    source,
    interfaceIndex: interfaceIndex(sockets.tools.scopeOf, device),
    tos: 0,
  });
  const syn = { ports, routes, random: random32 };
  return knockProber(options, clock, sockets, syn, () => routes.isUnsteerable ? [UNSTEERABLE] : []);
}

/** The same with sockets and ports of the caller's choice. */
export function knockProber(
  options: KnockOptions,
  clock: Clock,
  sockets: SocketOpener,
  syn: SynOptions,
  remarks: () => readonly string[] = () => [],
): PacketProber {
  const open = (family: 4 | 6) => exchangeOrReason(family, options, sockets, syn);
  const exchanges = { 4: open(4), 6: open(6) };
  if (typeof exchanges[4] === "string" && typeof exchanges[6] === "string") {
    syn.ports.close();
    throw new SystemError(options.source?.family === 6 ? exchanges[6] : exchanges[4]);
  }
  return new PacketProber(exchanges, clock, options.timeoutMs, options.clock, remarks);
}

function reservePorts(): OwnPorts {
  try {
    const ports = OwnPorts.reserve(OWN_PORTS);
    if (ports !== null) return ports;
  } catch (error) {
    throw new SystemError(`cannot knock: no ${OWN_PORTS} ports to knock from: ${messageOf(error)}`);
  }
  throw new SystemError("cannot knock: this platform offers no raw sockets");
}

function exchangeOrReason(
  family: 4 | 6,
  { source, device = null }: KnockOptions,
  sockets: SocketOpener,
  syn: SynOptions,
): ExchangeOrReason {
  if (source !== null && source.family !== family) {
    return `cannot send from ${source.address} to IPv${family}: the other address family`;
  }
  try {
    const socket = sockets.socket({
      kind: "raw-tcp",
      family,
      ttl: null,
      source,
      interfaceName: device,
    });
    try {
      return new SynExchange(socket, syn);
    } catch (error) {
      socket.close();
      throw error;
    }
  } catch (error) {
    return noSuchInterface(error, device) ?? refusalOf(error, family, source);
  }
}

function refusalOf(error: unknown, family: 4 | 6, source: Endpoint | null): string {
  if (!(error instanceof ErrnoError)) return `cannot knock: ${messageOf(error)}`;
  switch (error.code) {
    case "EACCES":
    case "EPERM":
      return `cannot knock: raw sockets are not permitted; allow them by ${allowRawSockets()}`;
    case "EADDRNOTAVAIL":
      return `--source ${source?.address}: ${error.reason}`;
    default:
      return `cannot knock IPv${family}: ${error.message}`;
  }
}
