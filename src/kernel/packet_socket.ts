/**
 * Sockets for packets of our own making: ICMP echo on ping sockets and raw ones (icmp(7), raw(7)),
 * TCP segments on raw ones; with the kernel's timestamps of what is sent and received.
 */
import type { Endpoint } from "../domain/target.ts";
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP } from "../packet/protocol.ts";
import { TCP_CHECKSUM_AT } from "../packet/tcp.ts";
import { ErrnoError, openErrno, type ReadErrno } from "./errno.ts";
import { type Calls, openLibc } from "./libc.ts";
import {
  AF_INET,
  AF_INET6,
  EPOLLIN,
  ERRNO,
  IP_HDRINCL,
  IP_RECVERR,
  IP_TTL,
  IPV6_CHECKSUM,
  IPV6_RECVERR,
  IPV6_UNICAST_HOPS,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SK_MEMINFO_DROPS,
  SK_MEMINFO_VARS,
  SO_ATTACH_FILTER,
  SO_EE_ORIGIN_NONE,
  SO_EE_ORIGIN_TIMESTAMPING,
  SO_ERROR,
  SO_MEMINFO,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_TIMESTAMPING,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_RAW,
  SOF_TIMESTAMPING_OPT_ID,
  SOF_TIMESTAMPING_OPT_TSONLY,
  SOF_TIMESTAMPING_RX_SOFTWARE,
  SOF_TIMESTAMPING_SOFTWARE,
  SOF_TIMESTAMPING_TX_SOFTWARE,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
} from "./linux.ts";
import { type Message, MessageBatch } from "./message_batch.ts";
import { Poller } from "./poller.ts";
import { openScopes, type ScopeOf, sockaddr } from "./sockaddr.ts";
import { filterOption } from "./socket_filter.ts";

const CALLS = [
  "socket",
  "setsockopt",
  "getsockopt",
  "getsockname",
  "bind",
  "sendto",
  "close",
] as const;

/**
 * Software stamps of packets as they go to the driver and come from it. Those of sent ones are
 * numbered from 0 and come without the packet.
 */
export const PACKET_STAMPS = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
  SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
/** Room for the answers of thousands of targets while this process is not scheduled. */
const RECEIVE_BUFFER_BYTES = 4 << 20;
/** Errors that say that the send itself was refused. */
const REFUSALS_OF_A_SEND: readonly number[] = [ERRNO.EPERM, ERRNO.EAGAIN, ERRNO.ENOBUFS];
/** Calls a wake-up at most, so that a flood leaves time for other work; what is left wakes again. */
const MAX_READS = 64;

/** Enough to empty the receive buffer. */
const MAX_DISCARDS = 1024;

/** `ping`: the unprivileged kind (SOCK_DGRAM). */
export type PacketKind = "ping" | "raw-echo" | "raw-tcp";

export interface PacketSocketOptions {
  readonly kind: PacketKind;
  readonly family: 4 | 6;
  /** Of what is sent; null for the system's default. Not for IPv4 TCP, which brings its IP header. */
  readonly ttl: number | null;
  /** Null for what the routes say. */
  readonly source: Endpoint | null;
}

/** What a socket has to tell; a message holds during the call alone. */
export interface PacketEvents {
  /** A packet has come. */
  received(message: Message): void;
  /** One of our packets, or the head of it, has come back in an ICMP error. */
  returned(message: Message): void;
  /** The kernel's time of the packet that was sent as number `ordinal`, from 0. */
  left(ordinal: number, stampUs: number): void;
}

/** The port through which probers send. */
export interface PacketSocket {
  readonly family: 4 | 6;
  /** The id of echo requests sent on a ping socket, which the kernel has chosen; else 0. */
  readonly id: number;
  /** Sends the first `length` bytes now or not at all: 0, or the errno. */
  send(bytes: Uint8Array<ArrayBuffer>, length: number, to: Endpoint): number;
  /** Tells `events` of everything that waits, and from now on of what comes, until `close`. */
  watch(events: PacketEvents): void;
  /** Tells of what waits now: without it, only the next turn would. */
  drain(): void;
  /** The same for times of sent packets and ICMP errors alone. */
  drainErrors(): void;
  /** Packets that came and were lost, since this process did not read in time; for want of room. */
  overflowed(): number;
  /**
   * Lets through only what a program of socket_filter.ts accepts, and throws away what came before;
   * throws ErrnoError.
   */
  filter(program: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

type Libc = Calls<typeof CALLS>;

interface Tools {
  readonly libc: Libc;
  readonly errno: ReadErrno;
  readonly scopeOf: ScopeOf;
  readonly poller: Poller;
}

/** Opened, with its sockets, before the FFI permission is given up. */
export class PacketSockets {
  #tools: Tools;

  private constructor(tools: Tools) {
    this.#tools = tools;
  }

  /** Null where there is no libc. */
  static open(): PacketSockets | null {
    const libc = openLibc(CALLS)?.symbols;
    const errno = openErrno();
    const scopeOf = openScopes();
    const poller = Poller.open();
    if (libc === undefined || errno === null || scopeOf === null || poller === null) return null;
    return new PacketSockets({ libc, errno, scopeOf, poller });
  }

  /** Throws ErrnoError where the kernel refuses; its `code` says why. `baseSeconds`: see MessageBatch. */
  socket(options: PacketSocketOptions, baseSeconds: number): PacketSocket {
    const batch = MessageBatch.open(baseSeconds);
    if (batch === null) throw new Error("no libc");
    return new KernelPacketSocket(this.#tools, options, batch);
  }
}

class KernelPacketSocket implements PacketSocket {
  readonly family: 4 | 6;
  readonly id: number;
  #tools: Tools;
  #batch: MessageBatch;
  #descriptor: number;
  #events: PacketEvents | null = null;
  #to: Uint8Array<ArrayBuffer>;
  #toView: DataView;
  /** The BigInts that a size_t wants, each made once: as many as there are lengths of packets. */
  #lengths: bigint[] = [];
  #number = new Int32Array(1);
  #size = new Uint32Array(1);
  #meminfo = new Uint32Array(SK_MEMINFO_VARS);

  constructor(tools: Tools, options: PacketSocketOptions, batch: MessageBatch) {
    const { kind, family, source } = options;
    this.#tools = tools;
    this.#batch = batch;
    this.family = family;
    // Its port stays 0: a raw IPv6 socket takes it for a protocol (ipv6(7)).
    this.#to = sockaddr({ address: "", family, bytes: new Uint8Array(0), port: 0 });
    this.#toView = new DataView(this.#to.buffer);
    const type = (kind === "ping" ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC;
    const domain = family === 4 ? AF_INET : AF_INET6;
    this.#descriptor = tools.libc.socket(domain, type, protocolOf(kind, family));
    if (this.#descriptor < 0) throw new ErrnoError("socket", tools.errno());
    try {
      this.#configure(options);
      this.id = this.#bind(kind, source);
    } catch (error) {
      tools.libc.close(this.#descriptor);
      throw error;
    }
  }

  send(bytes: Uint8Array<ArrayBuffer>, length: number, to: Endpoint): number {
    this.#to.set(to.bytes, this.family === 4 ? 4 : 8);
    if (this.family === 6) this.#toView.setUint32(24, this.#tools.scopeOf(to), true);
    const errno = this.#sendOnce(bytes, length);
    if (errno === 0 || REFUSALS_OF_A_SEND.includes(errno)) return errno;
    // It may have been the error of a packet before this one (ip(7), IP_RECVERR), which is thereby
    // taken off the socket, and this one was not sent.
    return this.#sendOnce(bytes, length);
  }

  watch(events: PacketEvents): void {
    this.#events = events;
    this.#tools.poller.watch(this.#descriptor, EPOLLIN, () => this.drain());
  }

  drain(): void {
    // The times of what was sent come first, so that they are known when the answers are read.
    this.drainErrors();
    if (this.#descriptor >= 0 && this.#events !== null) this.#drainQueue(false, this.#events);
  }

  drainErrors(): void {
    if (this.#descriptor >= 0 && this.#events !== null) this.#drainQueue(true, this.#events);
  }

  overflowed(): number {
    this.#size[0] = this.#meminfo.byteLength;
    const { libc } = this.#tools;
    libc.getsockopt(this.#descriptor, SOL_SOCKET, SO_MEMINFO, this.#meminfo, this.#size);
    return this.#meminfo[SK_MEMINFO_DROPS];
  }

  filter(program: Uint8Array<ArrayBuffer>): void {
    this.#set(SOL_SOCKET, SO_ATTACH_FILTER, filterOption(program), "SO_ATTACH_FILTER");
    // What came between the socket and its filter is anybody's.
    for (let reads = 0; reads < MAX_DISCARDS; reads++) {
      if (this.#batch.read(this.#descriptor, false) <= 0) return;
    }
  }

  close(): void {
    if (this.#descriptor < 0) return;
    if (this.#events !== null) this.#tools.poller.unwatch(this.#descriptor);
    this.#tools.libc.close(this.#descriptor);
    this.#descriptor = -1;
  }

  #sendOnce(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    const { libc, errno } = this.#tools;
    const size = this.#lengths[length] ??= BigInt(length);
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const to = this.#to;
    return libc.sendto(this.#descriptor, bytes, size, flags, to, to.length) >= 0 ? 0 : errno();
  }

  #drainQueue(errorQueue: boolean, events: PacketEvents): void {
    for (let reads = 0; reads < MAX_READS; reads++) {
      const count = this.#batch.read(this.#descriptor, errorQueue);
      if (count < 0) {
        // An ICMP error fails the next call on the socket once, whatever that call is about.
        if (!this.#takeError()) return;
        continue;
      }
      for (let i = 0; i < count; i++) this.#tell(this.#batch.message(i), errorQueue, events);
      if (!this.#batch.isFull(count) || this.#descriptor < 0) return;
    }
  }

  #tell(message: Message, errorQueue: boolean, events: PacketEvents): void {
    if (!errorQueue) events.received(message);
    else if (message.origin === SO_EE_ORIGIN_TIMESTAMPING) {
      events.left(message.data, message.stampUs);
    } else if (message.origin !== SO_EE_ORIGIN_NONE) events.returned(message);
  }

  /** Whether the last failure of a read was something else than nothing to read. */
  #takeError(): boolean {
    const { libc, errno } = this.#tools;
    const failure = errno();
    this.#size[0] = 4;
    libc.getsockopt(this.#descriptor, SOL_SOCKET, SO_ERROR, this.#number, this.#size);
    return failure !== ERRNO.EAGAIN;
  }

  #configure({ kind, family, ttl }: PacketSocketOptions): void {
    const four = family === 4;
    if (four) this.#setNumber(SOL_IP, IP_RECVERR, 1, "IP_RECVERR");
    else this.#setNumber(SOL_IPV6, IPV6_RECVERR, 1, "IPV6_RECVERR");
    this.#setNumber(SOL_SOCKET, SO_TIMESTAMPING, PACKET_STAMPS, "SO_TIMESTAMPING");
    if (kind === "raw-tcp" && four) this.#setNumber(SOL_IP, IP_HDRINCL, 1, "IP_HDRINCL");
    else if (kind === "raw-tcp") {
      this.#setNumber(SOL_IPV6, IPV6_CHECKSUM, TCP_CHECKSUM_AT, "IPV6_CHECKSUM");
    }
    if (ttl !== null && four) this.#setNumber(SOL_IP, IP_TTL, ttl, "IP_TTL");
    else if (ttl !== null) this.#setNumber(SOL_IPV6, IPV6_UNICAST_HOPS, ttl, "IPV6_UNICAST_HOPS");
    this.#number[0] = RECEIVE_BUFFER_BYTES;
    const { libc } = this.#tools;
    // Beyond the system's limit with CAP_NET_ADMIN only, else as much as that limit gives.
    if (libc.setsockopt(this.#descriptor, SOL_SOCKET, SO_RCVBUFFORCE, this.#number, 4) !== 0) {
      libc.setsockopt(this.#descriptor, SOL_SOCKET, SO_RCVBUF, this.#number, 4);
    }
  }

  #setNumber(level: number, name: number, value: number, call: string): void {
    this.#number[0] = value;
    this.#set(level, name, this.#number, call);
  }

  #set(level: number, name: number, value: BufferSource, call: string): void {
    const { libc, errno } = this.#tools;
    if (libc.setsockopt(this.#descriptor, level, name, value, value.byteLength) !== 0) {
      throw new ErrnoError(call, errno());
    }
  }

  /** A ping socket is bound in any case, since its port is its id; the others by their source alone. */
  #bind(kind: PacketKind, source: Endpoint | null): number {
    if (source === null && kind !== "ping") return 0;
    const { libc, errno, scopeOf } = this.#tools;
    const any = new Uint8Array(this.family === 4 ? 4 : 16);
    const own = { address: "", family: this.family, bytes: any, port: 0 };
    const name = source === null
      ? sockaddr(own)
      : sockaddr({ ...source, port: 0 }, scopeOf(source));
    if (libc.bind(this.#descriptor, name, name.length) !== 0) {
      throw new ErrnoError("bind", errno());
    }
    this.#size[0] = name.length;
    if (libc.getsockname(this.#descriptor, name, this.#size) !== 0) {
      throw new ErrnoError("getsockname", errno());
    }
    return kind === "ping" ? name[2] << 8 | name[3] : 0;
  }
}

function protocolOf(kind: PacketKind, family: 4 | 6): number {
  if (kind === "raw-tcp") return PROTOCOL_TCP;
  return family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
}
