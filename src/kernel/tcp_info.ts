/**
 * The kernel's own figures for a TCP socket that another part of the runtime owns: the
 * descriptor is found by the socket's name, then TCP_INFO is read from it. One process-wide
 * search position, since descriptors are handed out in order.
 */
import { type Calls, openLibc } from "./libc.ts";
import {
  AF_INET,
  AF_INET6,
  SO_LINGER,
  SOL_SOCKET,
  SOL_TCP,
  TCP_INFO,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
} from "./linux.ts";
import { MAX_SOCKADDR_BYTES } from "./sockaddr.ts";

const CALLS = ["getsockname", "getpeername", "getsockopt", "setsockopt", "dup", "close"] as const;

// <linux/tcp.h>, struct tcp_info: offsets of the fields read here.
const INFO_STATE_AT = 0;
/** Of a listening socket: what waits in its accept queue, and the queue's limit. */
const INFO_UNACKED_AT = 24;
const INFO_SACKED_AT = 28;
const INFO_RTT_AT = 68;
const INFO_TOTAL_RETRANS_AT = 100;
/** Since Linux 4.2; older kernels give a shorter struct. */
const INFO_SEGMENTS_OUT_AT = 136;
const INFO_BYTES = 140;
/** A struct that ends before its total of retransmits says too little. */
const MIN_INFO_BYTES = 104;

const STDERR = 2;
const SOCKADDR_IN_BYTES = 16;
/** How far from the last hit the search goes before it gives up. */
const SEARCH_SPAN = 65_536;
/** How much further it goes once a socket with the right port but no peer was seen. */
const RESET_SEARCH_SPAN = 64;

/** How a descriptor compares with the socket looked for. */
const Match = { no: 0, yes: 1, disconnected: 2 } as const;
type Match = typeof Match[keyof typeof Match];

/** What TCP_INFO says of a handshake. */
export interface TcpInfo {
  /** Smoothed RTT in µs; after a handshake alone, its only sample. 0 means no sample. */
  rttUs: number;
  /** Segments sent again in the socket's life; after a handshake alone, its SYNs. */
  retransmits: number;
}

/** The accept queue of a listening socket, as the kernel holds it. */
export interface AcceptQueue {
  waiting: number;
  /** The backlog in force, after net.core.somaxconn. */
  limit: number;
}

/** An end of a connection, the remote one to tell sockets apart that share a local port. */
export interface Peer {
  readonly bytes: Uint8Array;
  readonly port: number;
}

export class TcpSockets {
  #libc: Calls<typeof CALLS>;
  #name = new Uint8Array(MAX_SOCKADDR_BYTES);
  #size = new Uint32Array(1);
  #info = new TcpInfoStruct();
  #linger = new Int32Array([1, 0]);
  #last = 0;

  private constructor(libc: Calls<typeof CALLS>) {
    this.#libc = libc;
  }

  /** Null where the platform or its permissions have no libc to call. */
  static open(): TcpSockets | null {
    const library = openLibc(CALLS);
    return library === null ? null : new TcpSockets(library.symbols);
  }

  /**
   * The descriptor that a socket opened right now would get: the lowest free one (dup(2)). Another
   * thread may be faster, so it is where a search starts, not its result; -1 when none is free.
   */
  nextDescriptor(): number {
    const descriptor = this.#libc.dup(STDERR);
    if (descriptor >= 0) this.#libc.close(descriptor);
    return descriptor;
  }

  /**
   * The descriptor of this process's socket with that local port and that peer; -1 when there is
   * none. Starts near a guess, else at the last hit, and walks outwards: one look-up as a rule.
   */
  find(localPort: number, peer: Peer, guess = -1): number {
    const last = guess < 0 ? this.#last : guess;
    let end = SEARCH_SPAN;
    let disconnected = -1;
    for (let step = 0; step <= end; step++) {
      for (let side = step === 0 ? 1 : 0; side < 2; side++) {
        const descriptor = side === 1 ? last + step : last - step;
        if (descriptor < 0) continue;
        const match = this.#match(descriptor, localPort, peer);
        if (match === Match.yes) return this.#last = descriptor;
        // A peer that has reset the connection left no name to check: the best there is, unless
        // the right one is close by.
        if (match === Match.disconnected && disconnected < 0) {
          disconnected = descriptor;
          end = Math.min(SEARCH_SPAN, step + RESET_SEARCH_SPAN);
        }
      }
    }
    return disconnected;
  }

  /** Whether a descriptor's socket is connected to this peer. */
  isConnected(descriptor: number, peer: Peer): boolean {
    this.#size[0] = MAX_SOCKADDR_BYTES;
    const connected = this.#libc.getpeername(descriptor, this.#name, this.#size) === 0;
    return connected && this.#size[0] >= SOCKADDR_IN_BYTES && this.#nameIs(peer);
  }

  /** The first descriptor bound to exactly this address and port; -1 when there is none. */
  findBound(local: Peer): number {
    for (let descriptor = 0; descriptor <= SEARCH_SPAN; descriptor++) {
      if (this.#readName(descriptor) && this.#nameIs(local)) return descriptor;
    }
    return -1;
  }

  /** Reads TCP_INFO; false when the socket has no handshake behind it. */
  info(descriptor: number, out: TcpInfo): boolean {
    const info = this.#info;
    if (!info.read(this.#libc.getsockopt, descriptor)) return false;
    // The server closes at once, so CLOSE_WAIT and its like are as good as ESTABLISHED.
    if (info.state === TCP_SYN_SENT || info.state === TCP_SYN_RECV) return false;
    out.rttUs = info.u32(INFO_RTT_AT);
    out.retransmits = info.u32(INFO_TOTAL_RETRANS_AT);
    return true;
  }

  /** A listening socket's queue: the kernel reports it in two fields meant for other states. */
  acceptQueue(descriptor: number): AcceptQueue | null {
    const info = this.#info;
    if (!info.read(this.#libc.getsockopt, descriptor) || info.state !== TCP_LISTEN) return null;
    return { waiting: info.u32(INFO_UNACKED_AT), limit: info.u32(INFO_SACKED_AT) };
  }

  /** Makes the coming close send RST and leave no TIME_WAIT (SO_LINGER 0, socket(7)). */
  resetOnClose(descriptor: number): boolean {
    return this.#libc.setsockopt(descriptor, SOL_SOCKET, SO_LINGER, this.#linger, 8) === 0;
  }

  #match(descriptor: number, localPort: number, peer: Peer): Match {
    if (!this.#readName(descriptor)) return Match.no;
    if ((this.#name[2] << 8 | this.#name[3]) !== localPort) return Match.no;
    this.#size[0] = MAX_SOCKADDR_BYTES;
    const connected = this.#libc.getpeername(descriptor, this.#name, this.#size) === 0;
    if (!connected) return Match.disconnected;
    return this.#nameIs(peer) ? Match.yes : Match.no;
  }

  /** A descriptor's own name; false for what is no internet socket, whose name is shorter. */
  #readName(descriptor: number): boolean {
    this.#size[0] = MAX_SOCKADDR_BYTES;
    const named = this.#libc.getsockname(descriptor, this.#name, this.#size) === 0;
    return named && this.#size[0] >= SOCKADDR_IN_BYTES;
  }

  /** sockaddr_in holds its address at 4, sockaddr_in6 at 8 (ip(7), ipv6(7)). */
  #nameIs(peer: Peer): boolean {
    const name = this.#name;
    if ((name[2] << 8 | name[3]) !== peer.port) return false;
    const family = name[0] | name[1] << 8;
    if (family !== (peer.bytes.length === 16 ? AF_INET6 : AF_INET)) return false;
    const at = family === AF_INET6 ? 8 : 4;
    for (let i = 0; i < peer.bytes.length; i++) {
      if (name[at + i] !== peer.bytes[i]) return false;
    }
    return true;
  }
}

/** getsockopt(2). */
type GetSocketOption = (
  descriptor: number,
  level: number,
  name: number,
  value: Uint8Array<ArrayBuffer>,
  size: Uint32Array<ArrayBuffer>,
) => number;

/** Memory for one struct tcp_info, read into again and again. */
class TcpInfoStruct {
  #words = new Uint32Array(INFO_BYTES / 4);
  #bytes = new Uint8Array(this.#words.buffer);
  #size = new Uint32Array(1);

  /** False where the descriptor is no TCP socket, or the kernel tells too little. */
  read(getsockopt: GetSocketOption, descriptor: number): boolean {
    this.#size[0] = INFO_BYTES;
    const result = getsockopt(descriptor, SOL_TCP, TCP_INFO, this.#bytes, this.#size);
    return result === 0 && this.#size[0] >= MIN_INFO_BYTES;
  }

  /** A number of <net/tcp_states.h>. */
  get state(): number {
    return this.#bytes[INFO_STATE_AT];
  }

  /** The field at this offset; 0 where the kernel's struct ends before it. */
  u32(at: number): number {
    return at < this.#size[0] ? this.#words[at >> 2] : 0;
  }
}

const begun = new TcpInfoStruct();

/**
 * Whether a TCP socket has sent its SYN, whatever came of it; false for any other socket. Tells
 * whether a connect that did not succeed at once is under way. Its errno, EINPROGRESS, tells that
 * too, but between the call and the reading of errno the runtime may make calls of its own, which
 * fail now and then and leave theirs there.
 */
export function hasSent(getsockopt: GetSocketOption, descriptor: number): boolean {
  return begun.read(getsockopt, descriptor) && begun.u32(INFO_SEGMENTS_OUT_AT) > 0;
}
