/**
 * Sockets for packets of our own making: ICMP echo on ping sockets and raw ones (icmp(7), raw(7)),
 * TCP segments on raw ones, datagrams (udp(7)); with the kernel's timestamps of what is sent and
 * received, and the ICMP errors that packets of ours have met.
 */
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from "../packet/ip.ts";
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError, openErrno, type ReadErrno } from "./errno.ts";
import { leaseFlowLabel, wantsLease } from "./flow_label.ts";
import { type Calls, openLibc } from "./libc.ts";
import {
  AF_INET,
  AF_INET6,
  EPOLLIN,
  ERRNO,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SK_MEMINFO_DROPS,
  SK_MEMINFO_RCVBUF,
  SK_MEMINFO_RMEM_ALLOC,
  SK_MEMINFO_VARS,
  SO_ATTACH_FILTER,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SO_EE_ORIGIN_NONE,
  SO_EE_ORIGIN_TIMESTAMPING,
  SO_ERROR,
  SO_MEMINFO,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_RAW,
  SOL_SOCKET,
} from "./linux.ts";
import { batchSizesFor, type Message, MessageBatch } from "./message_batch.ts";
import { PacketOptions } from "./packet_options.ts";
import type { PacketEvents, PacketKind, PacketSocket, PacketSocketOptions } from "./packet_port.ts";
import { Poller } from "./poller.ts";
import { openScopes, type ScopeOf, sockaddr } from "./sockaddr.ts";
import { filterOption } from "./socket_filter.ts";

const CALLS = [
  "socket",
  "setsockopt",
  "getsockopt",
  "getsockname",
  "bind",
  "connect",
  "sendto",
  "close",
  "clock_gettime",
] as const;

/** How often a packet is tried while each send reports an error of a packet before it. */
const MAX_SENDS_A_PACKET = 64;
/** Errors that say that the send itself was refused. */
const REFUSALS_OF_A_SEND: readonly number[] = [
  ERRNO.EPERM,
  ERRNO.EAGAIN,
  ERRNO.ENOBUFS,
  ERRNO.EMSGSIZE,
];
/** Calls a wake-up at most, so that a flood leaves time for other work; what is left wakes again. */
const MAX_READS = 64;
/** Enough to empty the receive buffer. */
const MAX_DISCARDS = 1024;

type Libc = Calls<typeof CALLS>;

/** What the sockets of a process share. */
export interface SocketTools {
  readonly libc: Libc;
  readonly errno: ReadErrno;
  readonly scopeOf: ScopeOf;
  readonly poller: Poller;
  readonly batch: MessageBatch;
  /** Whether a batch is being reported. Its listener may send, and a send may need to read. */
  isReading: boolean;
}

/** Opened before the FFI permission is given up; its sockets need that only for filters. */
export class PacketSockets {
  /** What all stamps count from, in seconds of the wall clock. */
  readonly baseSeconds: number;
  readonly tools: SocketTools;

  private constructor(tools: SocketTools, baseSeconds: number) {
    this.tools = tools;
    this.baseSeconds = baseSeconds;
  }

  /**
   * Null where there is no libc. `baseSeconds` of the wall clock is what all stamps count from;
   * packets longer than `packetBytes` are cut. `gathers`: see Poller.
   */
  static open(baseSeconds: number, packetBytes = 0, gathers = false): PacketSockets | null {
    const libc = openLibc(CALLS)?.symbols;
    const errno = openErrno();
    const scopeOf = openScopes();
    const poller = Poller.open(gathers);
    const batch = MessageBatch.open(baseSeconds, batchSizesFor(packetBytes));
    if (libc === undefined || errno === null || scopeOf === null) return null;
    if (poller === null || batch === null) return null;
    const tools = { libc, errno, scopeOf, poller, batch, isReading: false };
    return new PacketSockets(tools, baseSeconds);
  }

  /** Throws ErrnoError where the kernel refuses; its `code` says why. */
  socket(options: PacketSocketOptions): PacketSocket {
    return new KernelPacketSocket(this.tools, options);
  }
}

class KernelPacketSocket implements PacketSocket {
  readonly family: 4 | 6;
  readonly id: number;
  #tools: SocketTools;
  #descriptor: number;
  #events: PacketEvents | null = null;
  #to: Uint8Array<ArrayBuffer>;
  #toView: DataView;
  /** The BigInts that a size_t wants, each made once: as many as there are lengths of packets. */
  #lengths: bigint[] = [];
  #number = new Int32Array(1);
  #size = new Uint32Array(1);
  #meminfo = new Uint32Array(SK_MEMINFO_VARS);
  #hops: number | null;
  readonly #isDatagram: boolean;
  readonly #options: PacketOptions;
  #interface = 0;
  readonly #bound: boolean;
  /** Drops counted until now, and those of them that a full queue explains. */
  #drops = 0;
  #overflowed = 0;
  #wasFull = false;

  constructor(tools: SocketTools, options: PacketSocketOptions) {
    const { kind, family, ttl } = options;
    this.#tools = tools;
    this.family = family;
    this.#hops = ttl;
    this.#isDatagram = kind === "udp";
    this.#bound = (options.interfaceName ?? null) !== null;
    this.#to = sockaddr({ address: "", family, bytes: new Uint8Array(0), port: 0 });
    this.#toView = new DataView(this.#to.buffer);
    const type = (kind === "ping" || kind === "udp" ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC;
    const domain = family === 4 ? AF_INET : AF_INET6;
    this.#descriptor = tools.libc.socket(domain, type, protocolOf(kind, family));
    if (this.#descriptor < 0) throw new ErrnoError("socket", tools.errno());
    this.#options = new PacketOptions(tools.libc, tools.errno, this.#descriptor);
    try {
      this.#options.configure(options);
      this.id = this.#bind(options);
    } catch (error) {
      tools.libc.close(this.#descriptor);
      throw error;
    }
  }

  send(bytes: Uint8Array<ArrayBuffer>, length: number, to: Endpoint, flowLabel = 0): number {
    this.#to.set(to.bytes, this.family === 4 ? 4 : 8);
    // A raw socket takes a port for a protocol (ipv6(7)).
    if (this.#isDatagram) this.#toView.setUint16(2, to.port, false);
    if (this.family === 6) {
      this.#toView.setUint32(4, flowLabel, false);
      const scope = this.#tools.scopeOf(to);
      // Without it, the kernel would look for the address behind any interface.
      if (scope === 0 && to.address.includes("%")) return ERRNO.ENODEV;
      this.#toView.setUint32(24, scope, true);
    }
    let errno = this.#sendOnce(bytes, length);
    if (wantsLease(errno, flowLabel)) {
      const { setsockopt } = this.#tools.libc;
      if (!leaseFlowLabel(setsockopt, this.#descriptor, flowLabel, to)) return errno;
      errno = this.#sendOnce(bytes, length);
    }
    for (let tries = 1; tries < MAX_SENDS_A_PACKET; tries++) {
      if (errno === 0 || REFUSALS_OF_A_SEND.includes(errno)) return errno;
      // It may have been the error of a packet before this one (ip(7), IP_RECVERR), which is thereby
      // taken off the socket, and this one was not sent. With hundreds under way the next such error
      // may be there by the next try.
      this.#takeError();
      errno = this.#sendOnce(bytes, length);
    }
    return errno;
  }

  setHops(hops: number): void {
    if (hops === this.#hops) return;
    this.#hops = hops;
    this.#options.hops(this.family, hops);
  }

  setInterface(index: number): void {
    // The kernel takes no second interface of a socket that is bound to one.
    if (index === this.#interface || this.#bound) return;
    this.#interface = index;
    this.#options.unicastInterface(this.family, index);
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
    this.#countDrops();
    return this.#overflowed;
  }

  filter(program: Uint8Array<ArrayBuffer>): void {
    this.#options.set(SOL_SOCKET, SO_ATTACH_FILTER, filterOption(program), "SO_ATTACH_FILTER");
    // Packets that came before the filter was set may be anybody's.
    for (let reads = 0; reads < MAX_DISCARDS; reads++) {
      if (this.#tools.batch.read(this.#descriptor, false) <= 0) return;
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
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const to = this.#to;
    const size = this.#lengths[length] ??= BigInt(length);
    return libc.sendto(this.#descriptor, bytes, size, flags, to, to.length) >= 0 ? 0 : errno();
  }

  /** Does nothing while a batch is being reported: another read would overwrite its messages. */
  #drainQueue(errorQueue: boolean, events: PacketEvents): void {
    if (this.#tools.isReading) return;
    this.#tools.isReading = true;
    try {
      this.#readQueue(errorQueue, events);
    } finally {
      this.#tools.isReading = false;
    }
  }

  #readQueue(errorQueue: boolean, events: PacketEvents): void {
    const { batch } = this.#tools;
    for (let reads = 0; reads < MAX_READS; reads++) {
      const count = batch.read(this.#descriptor, errorQueue);
      if (count < 0) {
        // An ICMP error fails the next call on the socket once, whatever that call is about.
        if (this.#tools.errno() === ERRNO.EAGAIN) return;
        this.#takeError();
        continue;
      }
      // A queue that overflowed is still nearly full when the first of it has been read.
      if (reads === 0 && batch.isFull(count)) this.#countDrops();
      for (let i = 0; i < count; i++) this.#tell(batch.message(i), errorQueue, events);
      if (!batch.isFull(count) || this.#descriptor < 0) return;
    }
  }

  #tell(message: Message, errorQueue: boolean, events: PacketEvents): void {
    if (!errorQueue) events.received(message);
    else if (message.origin === SO_EE_ORIGIN_TIMESTAMPING) {
      events.left(message.data, message.stampUs);
    } else if (message.origin === SO_EE_ORIGIN_ICMP || message.origin === SO_EE_ORIGIN_ICMP6) {
      events.returned(message);
    } else if (message.origin !== SO_EE_ORIGIN_NONE && message.errno === ERRNO.EMSGSIZE) {
      events.tooLong?.(message.info);
    }
  }

  /**
   * Tells drops for want of room from others: the kernel also counts packets whose checksum is
   * wrong, which anybody can send.
   */
  #countDrops(): void {
    const { libc } = this.#tools;
    this.#size[0] = this.#meminfo.byteLength;
    libc.getsockopt(this.#descriptor, SOL_SOCKET, SO_MEMINFO, this.#meminfo, this.#size);
    const isFull = 2 * this.#meminfo[SK_MEMINFO_RMEM_ALLOC] > this.#meminfo[SK_MEMINFO_RCVBUF];
    const drops = this.#meminfo[SK_MEMINFO_DROPS];
    if (isFull || this.#wasFull) this.#overflowed += drops - this.#drops >>> 0;
    this.#wasFull = isFull;
    this.#drops = drops;
  }

  #takeError(): void {
    this.#size[0] = 4;
    const { libc } = this.#tools;
    libc.getsockopt(this.#descriptor, SOL_SOCKET, SO_ERROR, this.#number, this.#size);
  }

  /**
   * A ping or UDP socket is always bound, since answers find it by its port. A raw one is bound
   * where it has a source.
   */
  #bind({ kind, source }: PacketSocketOptions): number {
    const hasPort = kind === "ping" || kind === "udp";
    if (source === null && !hasPort) return 0;
    const { libc, errno, scopeOf } = this.#tools;
    const any = new Uint8Array(this.family === 4 ? 4 : 16);
    const own = source ?? { address: "", family: this.family, bytes: any, port: 0 };
    const name = sockaddr({ ...own, port: kind === "udp" ? own.port : 0 }, scopeOf(own));
    if (libc.bind(this.#descriptor, name, name.length) !== 0) {
      throw new ErrnoError("bind", errno());
    }
    this.#size[0] = name.length;
    if (libc.getsockname(this.#descriptor, name, this.#size) !== 0) {
      throw new ErrnoError("getsockname", errno());
    }
    return hasPort ? name[2] << 8 | name[3] : 0;
  }
}

function protocolOf(kind: PacketKind, family: 4 | 6): number {
  if (kind === "raw-tcp") return PROTOCOL_TCP;
  if (kind === "udp") return PROTOCOL_UDP;
  return family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
}
