/** Opens what `ping` needs: a ping socket where the kernel allows it, else a raw one, else the reason and its remedy. */
import { SystemError } from "../domain/exit.ts";
import { messageOf } from "../text/quote.ts";
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError } from "../kernel/errno.ts";
import type { PacketKind, PacketSocket } from "../kernel/packet_port.ts";
import { PacketSockets } from "../kernel/packet_socket.ts";
import { ALLOW_PING_SOCKETS, allowRawSockets } from "../kernel/capabilities.ts";
import type { Clock } from "../time/clock.ts";
import { EchoExchange } from "./echo_exchange.ts";
import { PacketProber } from "./packet_prober.ts";
import { random32 } from "./exchange.ts";
import type { ClockChoice } from "./prober.ts";

export interface PingOptions {
  readonly timeoutMs: number;
  readonly clock: ClockChoice;
  /** 0 to MAX_ECHO_BYTES. */
  readonly payloadBytes: number;
  /** TTL or hop limit, 1 to 255; null for the system's default. */
  readonly ttl: number | null;
  /** Null for what the routes say. */
  readonly source: Endpoint | null;
  /** The interface that all goes through; null for what the routes say. */
  readonly device?: string | null;
}

/** Opens sockets; `PacketSockets`, except in tests. */
export interface SocketOpener {
  socket: PacketSockets["socket"];
}

/** An IPv4 header with all its options, and the echo's own. */
const MOST_HEADER_BYTES = 68;
const NOT_PERMITTED = ["EACCES", "EPERM"];

/** Throws SystemError, its message one line with the remedy, where nothing can be opened. */
export function openPingProber(options: PingOptions, clock: Clock): PacketProber {
  const packetBytes = options.payloadBytes + MOST_HEADER_BYTES;
  const sockets = PacketSockets.open(Math.floor(clock.wall() / 1000), packetBytes, true);
  if (sockets === null) throw new SystemError("cannot ping: this platform offers no such sockets");
  return pingProber(options, clock, sockets);
}

/** The same with sockets of the caller's choice. */
export function pingProber(
  options: PingOptions,
  clock: Clock,
  sockets: SocketOpener,
): PacketProber {
  const exchanges = {
    4: exchangeOrReason(4, options, sockets),
    6: exchangeOrReason(6, options, sockets),
  };
  // One family may be available without the other. With neither there is nothing to do.
  if (typeof exchanges[4] === "string" && typeof exchanges[6] === "string") {
    throw new SystemError(options.source?.family === 6 ? exchanges[6] : exchanges[4]);
  }
  const elsewhere = () => repliesFromElsewhere(exchanges[4]) + repliesFromElsewhere(exchanges[6]);
  return new PacketProber(exchanges, clock, options.timeoutMs, options.clock, () => {
    const count = elsewhere();
    const came = count === 1 ? "1 reply came" : `${count} replies came`;
    return count === 0 ? [] : [`${came} from another address than was asked, as of anycast`];
  });
}

/** Replies of an exchange that came from an address that was not asked. */
function repliesFromElsewhere(exchange: EchoExchange | string): number {
  return typeof exchange === "string" ? 0 : exchange.fromElsewhere;
}

function exchangeOrReason(
  family: 4 | 6,
  options: PingOptions,
  sockets: SocketOpener,
): EchoExchange | string {
  const { source, device = null, ttl } = options;
  if (source !== null && source.family !== family) {
    return `cannot send from ${source.address} to IPv${family}: the other address family`;
  }
  let refusal = "";
  for (const kind of ["ping", "raw-echo"] as const) {
    try {
      const socket = sockets.socket({ kind, family, ttl, source, interfaceName: device });
      return exchangeOf(socket, kind, options.payloadBytes);
    } catch (error) {
      refusal = refusalOf(error, family, options);
      // The other kind of socket helps only where this one is not permitted.
      if (!isNotPermitted(error)) break;
    }
  }
  return refusal;
}

function exchangeOf(
  socket: PacketSocket,
  kind: PacketKind & ("ping" | "raw-echo"),
  payloadBytes: number,
): EchoExchange {
  try {
    return new EchoExchange(socket, { kind, payloadBytes, random: random32 });
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** What is said where no interface has the name that was asked for; null where it is something else. */
export function noSuchInterface(error: unknown, device: string | null): string | null {
  const unknown = error instanceof ErrnoError && error.code === "ENODEV" && device !== null;
  return unknown ? `--interface ${device}: no such interface` : null;
}

function isNotPermitted(error: unknown): boolean {
  return error instanceof ErrnoError && NOT_PERMITTED.includes(error.code);
}

function refusalOf(
  error: unknown,
  family: 4 | 6,
  { source, device = null }: Pick<PingOptions, "source" | "device">,
): string {
  if (isNotPermitted(error)) {
    return `cannot ping: not permitted; allow ping sockets by ${ALLOW_PING_SOCKETS}, ` +
      `or raw sockets by ${allowRawSockets()}`;
  }
  if (error instanceof ErrnoError && error.code === "EADDRNOTAVAIL" && source !== null) {
    return `--source ${source.address}: ${error.reason}`;
  }
  return noSuchInterface(error, device) ?? `cannot ping IPv${family}: ${messageOf(error)}`;
}
