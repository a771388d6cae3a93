/**
 * Sockets for probes that are to die on their way: a hop limit of our choice, ICMP errors kept in
 * the error queue, the kernel's times of arrival (ip(7), ipv6(7), icmp(7), raw(7), tcp(7)).
 */
import type { Endpoint } from "../domain/target.ts";
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from "../packet/protocol.ts";
import { ErrnoError, openErrno, type ReadErrno } from "./errno.ts";
import { type Calls, openLibc } from "./libc.ts";
import {
  CLOCK_REALTIME,
  ERRNO,
  IP_MTU_DISCOVER,
  IP_RECVERR,
  IP_RECVERR_RFC4884,
  IP_TTL,
  IPV6_MTU_DISCOVER,
  IPV6_RECVERR,
  IPV6_RECVERR_RFC4884,
  IPV6_UNICAST_HOPS,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  PMTUDISC_PROBE,
  SO_ATTACH_FILTER,
  SO_ERROR,
  SO_LINGER,
  SO_REUSEADDR,
  SO_TIMESTAMPNS,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_STREAM,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
  SOL_TCP,
  TCP_QUICKACK,
} from "./linux.ts";
import { familyOf, MAX_SOCKADDR_BYTES, openScopes, type ScopeOf, sockaddr } from "./sockaddr.ts";
import { filterOption } from "./socket_filter.ts";
import { hasSent } from "./tcp_info.ts";

const CALLS = [
  "socket",
  "setsockopt",
  "getsockopt",
  "bind",
  "connect",
  "send",
  "getsockname",
  "close",
  "clock_gettime",
] as const;

const NO_DESCRIPTOR = -1;

/** What a probe is carried by. `ping` and the raw ones depend on what this process may do. */
export type HopSocketKind = "tcp" | "udp" | "ping" | "raw tcp" | "raw icmp";

export class HopSockets {
  #libc: Calls<typeof CALLS>;
  #errno: ReadErrno;
  #scopeOf: ScopeOf;
  #value = new Int32Array(2);
  #size = new Uint32Array(1);
  #time = new BigInt64Array(2);
  #name = new Uint8Array(MAX_SOCKADDR_BYTES);

  private constructor(
    libc: Calls<typeof CALLS>,
    errno: ReadErrno,
    scopeOf: ScopeOf,
  ) {
    this.#libc = libc;
    this.#errno = errno;
    this.#scopeOf = scopeOf;
    this.#warmUp();
  }

  /** Null where there is no libc. */
  static open(): HopSockets | null {
    const libc = openLibc(CALLS)?.symbols;
    const errno = openErrno();
    const scopeOf = openScopes();
    if (libc === undefined || errno === null || scopeOf === null) return null;
    return new HopSockets(libc, errno, scopeOf);
  }

  /** A socket that keeps its ICMP errors, the caller's to close; throws ErrnoError. */
  socket(kind: HopSocketKind, family: 4 | 6): number {
    const [type, protocol] = typeOf(kind, family);
    const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    const descriptor = this.#libc.socket(familyNumber(family), type | flags, protocol);
    if (descriptor < 0) throw new ErrnoError("socket", this.#errno());
    const [level, keepErrors, extensions, discover] = family === 4
      ? [SOL_IP, IP_RECVERR, IP_RECVERR_RFC4884, IP_MTU_DISCOVER]
      : [SOL_IPV6, IPV6_RECVERR, IPV6_RECVERR_RFC4884, IPV6_MTU_DISCOVER];
    if (!this.#set(descriptor, level, keepErrors, 1)) {
      const errno = this.#errno();
      this.close(descriptor);
      throw new ErrnoError("IP_RECVERR", errno);
    }
    // Kernels before 5.9 do not know it: then extensions are looked for where they used to lie.
    this.#set(descriptor, level, extensions, 1);
    this.#set(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    if (kind !== "tcp") this.#set(descriptor, level, discover, PMTUDISC_PROBE);
    return descriptor;
  }

  /** Whether such a socket can be had: null when it can, else the system's reason. */
  refusal(kind: HopSocketKind, family: 4 | 6): string | null {
    try {
      this.close(this.socket(kind, family));
      return null;
    } catch (error) {
      return error instanceof ErrnoError ? error.code : String(error);
    }
  }

  /** The hop limit of what is sent from now on. */
  setHops(descriptor: number, family: 4 | 6, hops: number): void {
    if (family === 4) this.#set(descriptor, SOL_IP, IP_TTL, hops);
    else this.#set(descriptor, SOL_IPV6, IPV6_UNICAST_HOPS, hops);
  }

  /** Sockets may take turns on one port, each of them closed before the next connects. */
  shareAddress(descriptor: number): void {
    this.#set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  }

  /**
   * A handshake answered on this socket and closed at once never completes: the ACK is held back
   * (as by TCP_QUICKACK 0 before a connect), and the close sends RST (SO_LINGER 0).
   */
  leaveHalfOpen(descriptor: number): void {
    this.#set(descriptor, SOL_TCP, TCP_QUICKACK, 0);
    this.#value[0] = 1;
    this.#value[1] = 0;
    this.#libc.setsockopt(descriptor, SOL_SOCKET, SO_LINGER, this.#value, 8);
  }

  /** Throws ErrnoError. */
  bind(descriptor: number, endpoint: Endpoint): void {
    const address = sockaddr(endpoint, this.#scopeOf(endpoint));
    if (this.#libc.bind(descriptor, address, address.length) !== 0) {
      throw new ErrnoError("bind", this.#errno());
    }
  }

  /** Begins to connect, which for TCP sends the SYN; throws ErrnoError. */
  connect(descriptor: number, endpoint: Endpoint): void {
    const address = sockaddr(endpoint, this.#scopeOf(endpoint));
    if (this.#libc.connect(descriptor, address, address.length) === 0) return;
    const errno = this.#errno();
    if (errno === ERRNO.EINPROGRESS || hasSent(this.#libc.getsockopt, descriptor)) return;
    throw new ErrnoError("connect", errno);
  }

  /** Sends the first `length` bytes as one packet, now or not at all; its errno, or 0. */
  send(descriptor: number, bytes: Uint8Array<ArrayBuffer>, length: number): number {
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const sent = this.#libc.send(descriptor, bytes, BigInt(length), flags);
    return sent >= 0 ? 0 : this.#errno();
  }

  /** The error that waits on a socket, which is thereby taken from it; 0 for none. */
  takeError(descriptor: number): number {
    return this.#get(descriptor, SOL_SOCKET, SO_ERROR);
  }

  /** Lets through only what a program of socket_filter.ts accepts; needs the FFI permission. */
  filter(descriptor: number, program: Uint8Array<ArrayBuffer>): void {
    const value = filterOption(program);
    const size = value.length;
    if (this.#libc.setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, value, size) !== 0) {
      throw new ErrnoError("SO_ATTACH_FILTER", this.#errno());
    }
  }

  /** A socket's own port, chosen by the kernel or not. */
  localPort(descriptor: number): number {
    this.#readName(descriptor);
    return this.#name[2] << 8 | this.#name[3];
  }

  /** A connected socket's own address: 4 or 16 bytes, a copy. */
  localAddress(descriptor: number, family: 4 | 6): Uint8Array {
    this.#readName(descriptor);
    return family === 4 ? this.#name.slice(4, 8) : this.#name.slice(8, 24);
  }

  close(descriptor: number): void {
    this.#libc.close(descriptor);
  }

  /** CLOCK_REALTIME in µs, the clock of the kernel's times of arrival. */
  realTimeUs(): number {
    this.#libc.clock_gettime(CLOCK_REALTIME, this.#time);
    return Number(this.#time[0]) * 1e6 + Number(this.#time[1]) / 1000;
  }

  /** The first call of a function takes longer, which would be the first probe's time. */
  #warmUp(): void {
    this.realTimeUs();
    this.#libc.send(NO_DESCRIPTOR, this.#name, 0n, 0);
    this.#libc.connect(NO_DESCRIPTOR, this.#name, 0);
  }

  #readName(descriptor: number): void {
    this.#size[0] = MAX_SOCKADDR_BYTES;
    this.#libc.getsockname(descriptor, this.#name, this.#size);
  }

  #set(descriptor: number, level: number, option: number, value: number): boolean {
    this.#value[0] = value;
    return this.#libc.setsockopt(descriptor, level, option, this.#value, 4) === 0;
  }

  #get(descriptor: number, level: number, option: number): number {
    this.#size[0] = 4;
    this.#value[0] = 0;
    this.#libc.getsockopt(descriptor, level, option, this.#value, this.#size);
    return this.#value[0];
  }
}

function typeOf(kind: HopSocketKind, family: 4 | 6): [type: number, protocol: number] {
  const icmp = family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
  switch (kind) {
    case "tcp":
      return [SOCK_STREAM, PROTOCOL_TCP];
    case "udp":
      return [SOCK_DGRAM, PROTOCOL_UDP];
    case "ping":
      return [SOCK_DGRAM, icmp];
    case "raw tcp":
      return [SOCK_RAW, PROTOCOL_TCP];
    case "raw icmp":
      return [SOCK_RAW, icmp];
    default:
      return kind satisfies never;
  }
}

function familyNumber(family: 4 | 6): number {
  return familyOf({ address: "", family, bytes: new Uint8Array(), port: 0 });
}
