/**
 * TCP sockets whose SYN is to die on its way, without any privilege: a hop limit of our choice, the
 * ICMP errors that the SYN has met, a handshake that is reset before it completes (tcp(7)).
 */
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError } from "./errno.ts";
import { leaseFlowLabel, wantsLease } from "./flow_label.ts";
import {
  CLOCK_REALTIME,
  EPOLLOUT,
  ERRNO,
  IP_RECVERR,
  IP_RECVERR_RFC4884,
  IP_RECVTTL,
  IP_TOS,
  IP_TTL,
  IPV6_FLOWINFO_SEND,
  IPV6_RECVERR,
  IPV6_RECVERR_RFC4884,
  IPV6_RECVHOPLIMIT,
  IPV6_RTHDR,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  SO_BINDTODEVICE,
  SO_DONTROUTE,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SO_ERROR,
  SO_REUSEADDR,
  SO_TIMESTAMPNS,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
  SOL_TCP,
  TCP_QUICKACK,
} from "./linux.ts";
import type { Message } from "./message_batch.ts";
import type { SocketTools } from "./packet_socket.ts";
import { familyOf, sockaddr } from "./sockaddr.ts";
import { hasSent, resetOnClose } from "./tcp_info.ts";

/** Entries of an error queue read at a time; a SYN meets one error, or a few of its retransmissions. */
const MAX_READS = 8;

/**
 * RFC 8754, section 2: a segment routing header of two segments, by ::1. The first, index 0, is the
 * destination's place, which the kernel fills in.
 */
const ROUTING_HEADER = Uint8Array.of(
  ...[0, 4, 4, 1, 1, 0, 0, 0],
  ...new Array(16).fill(0),
  ...[...new Array(15).fill(0), 1],
);
/** A bit of the TOS that is none of ECN's. */
const OTHER_TOS = 4;

export interface SynSocketOptions {
  readonly family: 4 | 6;
  readonly hops: number;
  /** Address and port to send from; null for the kernel's choice of both. */
  readonly source: Endpoint | null;
  readonly flowLabel: number;
  readonly tos: number | null;
  readonly interfaceName: string | null;
}

/** The port that a TCP trace without privileges sends through. */
export class SynSocket {
  readonly descriptor: number;
  #tools: SocketTools;
  #options: SynSocketOptions;
  #value = new Int32Array(2);
  #size = new Uint32Array(1);
  #time = new BigInt64Array(2);
  #isOpen = true;
  #isWatched = false;
  #isKept = false;

  /** Throws ErrnoError. */
  constructor(tools: SocketTools, options: SynSocketOptions) {
    this.#tools = tools;
    this.#options = options;
    const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const { family } = options;
    this.descriptor = tools.libc.socket(familyNumber(family), type, 0);
    if (this.descriptor < 0) throw new ErrnoError("socket", tools.errno());
    try {
      this.#configure();
      if (options.source !== null) this.#bind(options.source);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Sends the SYN: 0, or the errno where nothing was sent. */
  connect(to: Endpoint): number {
    const { libc, errno, scopeOf } = this.#tools;
    const scope = scopeOf(to);
    // Without it, the kernel would look for the address behind any interface.
    if (scope === 0 && to.address.includes("%")) return ERRNO.ENODEV;
    const { flowLabel } = this.#options;
    const address = sockaddr(to, scope, flowLabel);
    if (libc.connect(this.descriptor, address, address.length) === 0) return 0;
    let failure = errno();
    if (
      wantsLease(failure, flowLabel) &&
      leaseFlowLabel(libc.setsockopt, this.descriptor, flowLabel, to)
    ) {
      if (libc.connect(this.descriptor, address, address.length) === 0) return 0;
      failure = errno();
    }
    if (failure === ERRNO.EINPROGRESS || hasSent(libc.getsockopt, this.descriptor)) return 0;
    return failure;
  }

  /** Calls back when the connect is over, or has met an error, until `close`. */
  watch(callback: () => void): void {
    this.#tools.poller.watch(this.descriptor, EPOLLOUT, callback);
    this.#isWatched = true;
  }

  /**
   * Keeps what is sent from now on, which is the kernel's retransmissions of the SYN, on this machine,
   * while answers to the first one are still awaited. True where they certainly stay: else they do if
   * TCP_INFO counts none of them, or have ended at the first router, whose answer ends the socket.
   * Seen on Linux 6.18.
   */
  keepBack(): boolean {
    this.#isKept = true;
    // Packets of this source route are dropped by the loopback device (ip-sysctl, seg6_enabled).
    if (this.#options.family === 6 && this.#setBytes(SOL_IPV6, IPV6_RTHDR, ROUTING_HEADER)) {
      return true;
    }
    this.#setHops(1);
    if (this.#options.family === 6) return false;
    // Without gateways there is no way (socket(7)). Another TOS has the kernel look for one anew.
    this.#set(SOL_SOCKET, SO_DONTROUTE, 1);
    this.#set(SOL_IP, IP_TOS, this.#tos ^ OTHER_TOS);
    return false;
  }

  #setHops(hops: number): void {
    if (this.#options.family === 4) this.#set(SOL_IP, IP_TTL, hops);
    else this.#set(SOL_IPV6, IPV6_UNICAST_HOPS, hops);
  }

  /** The reset of a handshake that was answered has to find its way. */
  #letGo(): void {
    if (!this.#isKept) return;
    this.#setHops(this.#options.hops);
    if (this.#options.family === 6) {
      this.#setBytes(SOL_IPV6, IPV6_RTHDR, new Uint8Array(0));
      return;
    }
    this.#set(SOL_SOCKET, SO_DONTROUTE, 0);
    this.#set(SOL_IP, IP_TOS, this.#tos);
  }

  get #tos(): number {
    return this.#options.tos ?? 0;
  }

  /** Tells of each ICMP error that waits; a message holds during the call alone. */
  readErrors(returned: (message: Message) => void): void {
    const { batch } = this.#tools;
    for (let reads = 0; reads < MAX_READS && this.#isOpen; reads++) {
      const count = batch.read(this.descriptor, true);
      for (let i = 0; i < count; i++) {
        const message = batch.message(i);
        const { origin } = message;
        if (origin === SO_EE_ORIGIN_ICMP || origin === SO_EE_ORIGIN_ICMP6) returned(message);
      }
      if (count <= 0 || !batch.isFull(count)) return;
    }
  }

  /** The error that waits on the socket, which is thereby taken from it; 0 for none. */
  takeError(): number {
    this.#size[0] = 4;
    this.#value[0] = 0;
    const { libc } = this.#tools;
    libc.getsockopt(this.descriptor, SOL_SOCKET, SO_ERROR, this.#value, this.#size);
    return this.#value[0];
  }

  /** The kernel's wall clock in µs after the batch's base, as its stamps are. */
  stampNow(baseSeconds: number): number {
    this.#tools.libc.clock_gettime(CLOCK_REALTIME, this.#time);
    return (Number(this.#time[0]) - baseSeconds) * 1e6 + Number(this.#time[1]) / 1000;
  }

  /** The port that the kernel has chosen, or was asked for. */
  localPort(): number {
    const name = sockaddr({
      address: "",
      family: this.#options.family,
      bytes: new Uint8Array(),
      port: 0,
    });
    this.#size[0] = name.length;
    this.#tools.libc.getsockname(this.descriptor, name, this.#size);
    return name[2] << 8 | name[3];
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#isWatched) this.#tools.poller.unwatch(this.descriptor);
    this.#letGo();
    this.#tools.libc.close(this.descriptor);
  }

  #configure(): void {
    const { family, hops, tos, interfaceName } = this.#options;
    const [level, errors, extensions, ttl] = family === 4
      ? [SOL_IP, IP_RECVERR, IP_RECVERR_RFC4884, IP_RECVTTL]
      : [SOL_IPV6, IPV6_RECVERR, IPV6_RECVERR_RFC4884, IPV6_RECVHOPLIMIT];
    if (!this.#set(level, errors, 1)) throw new ErrnoError("IP_RECVERR", this.#tools.errno());
    // Kernels before 5.9 do not know it: then extensions are looked for where they may lie.
    this.#set(level, extensions, 1);
    this.#set(level, ttl, 1);
    this.#set(SOL_SOCKET, SO_TIMESTAMPNS, 1);
    if (family === 6) this.#set(SOL_IPV6, IPV6_FLOWINFO_SEND, 1);
    if (tos !== null && family === 4) this.#set(SOL_IP, IP_TOS, tos);
    else if (tos !== null) this.#set(SOL_IPV6, IPV6_TCLASS, tos);
    this.#setHops(hops);
    this.#leaveHalfOpen();
    if (interfaceName !== null) this.#bindToDevice(interfaceName);
  }

  /**
   * A handshake answered on this socket and closed at once never completes: the ACK is held back
   * (as by TCP_QUICKACK 0 before a connect), and the close sends RST (SO_LINGER 0).
   */
  #leaveHalfOpen(): void {
    this.#set(SOL_TCP, TCP_QUICKACK, 0);
    resetOnClose(this.#tools.libc.setsockopt, this.descriptor);
  }

  #bindToDevice(interfaceName: string): void {
    const name = new TextEncoder().encode(`${interfaceName}\0`);
    const { libc, errno } = this.#tools;
    if (libc.setsockopt(this.descriptor, SOL_SOCKET, SO_BINDTODEVICE, name, name.length) !== 0) {
      throw new ErrnoError("SO_BINDTODEVICE", errno());
    }
  }

  /** Sockets may take turns on one port, each of them closed before the next connects. */
  #bind(source: Endpoint): void {
    this.#set(SOL_SOCKET, SO_REUSEADDR, 1);
    const { libc, errno, scopeOf } = this.#tools;
    const name = sockaddr(source, scopeOf(source));
    if (libc.bind(this.descriptor, name, name.length) !== 0) {
      throw new ErrnoError("bind", errno());
    }
  }

  #setBytes(level: number, option: number, bytes: Uint8Array<ArrayBuffer>): boolean {
    const { libc } = this.#tools;
    return libc.setsockopt(this.descriptor, level, option, bytes, bytes.length) === 0;
  }

  #set(level: number, option: number, value: number): boolean {
    this.#value[0] = value;
    const { libc } = this.#tools;
    return libc.setsockopt(this.descriptor, level, option, this.#value, 4) === 0;
  }
}

function familyNumber(family: 4 | 6): number {
  return familyOf({ address: "", family, bytes: new Uint8Array(), port: 0 });
}
