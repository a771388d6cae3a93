/** What the kernel knows of a TCP socket (TCP_INFO, tcp(7)), by its descriptor. */
import type { Endpoint } from "../domain/target.ts";
import { DescriptorSearch } from "./descriptor_search.ts";
import type { SetSocketOption } from "./flow_label.ts";
import { type Calls, openLibc, type Use } from "./libc.ts";
import {
  SO_ERROR,
  SO_LINGER,
  SOL_SOCKET,
  SOL_TCP,
  TCP_CLOSE,
  TCP_INFO,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
} from "./linux.ts";
import { TCP_INFO_AT as AT } from "./tcp_info_layout.ts";

const CALLS = ["getsockopt"] as const;
const SELDOM_CALLS = ["setsockopt"] as const;

/** As much of the struct as is read here. */
const INFO_BYTES = AT.segmentsOut + 4;
/** A struct that ends before its total of retransmits says too little. */
const MIN_INFO_BYTES = 104;

/** What TCP_INFO says of a handshake. */
export interface TcpInfo {
  /** Smoothed RTT in µs; after a handshake alone, its only sample. 0 means no sample. */
  rttUs: number;
  /** Segments sent again in the socket's life; after a handshake alone, its SYNs. */
  retransmits: number;
  /** Whether the socket has no connection any more, or has none yet that a SYN was sent for. */
  closed: boolean;
}

/** The accept queue of a listening socket, as the kernel holds it. */
export interface AcceptQueue {
  waiting: number;
  /** The backlog in force, after net.core.somaxconn. */
  limit: number;
}

export class TcpSockets {
  /** Finds the descriptors of sockets that the runtime opened. */
  readonly search: DescriptorSearch;
  #libc: Calls<typeof CALLS>;
  #seldom: Calls<typeof SELDOM_CALLS>;
  #info = new TcpInfoStruct();
  #errno = new Int32Array(1);
  #size = new Uint32Array(1);

  private constructor(
    libc: Calls<typeof CALLS>,
    seldom: Calls<typeof SELDOM_CALLS>,
    search: DescriptorSearch,
  ) {
    this.#libc = libc;
    this.#seldom = seldom;
    this.search = search;
  }

  /**
   * Null where the platform or its permissions have no libc to call. `use`: of `info`, which handshakes
   * of our own ask thousands of times a second.
   */
  static open(use: Use = "seldom"): TcpSockets | null {
    const libc = openLibc(CALLS, use)?.symbols;
    const seldom = openLibc(SELDOM_CALLS, "seldom")?.symbols;
    const search = DescriptorSearch.open();
    if (libc === undefined || seldom === undefined || search === null) return null;
    return new TcpSockets(libc, seldom, search);
  }

  /** Reads TCP_INFO; false when the socket has no handshake behind it. */
  info(descriptor: number, out: TcpInfo): boolean {
    const info = this.#info;
    const known = info.read(this.#libc.getsockopt, descriptor);
    out.closed = known && info.state === TCP_CLOSE;
    if (!known) return false;
    // The server closes at once, so CLOSE_WAIT and its like are as good as ESTABLISHED.
    if (info.state === TCP_SYN_SENT || info.state === TCP_SYN_RECV) return false;
    out.rttUs = info.u32(AT.rtt);
    out.retransmits = info.u32(AT.totalRetransmits);
    return true;
  }

  /** Segments sent again, of a handshake under way too: its SYNs. Infinity where the kernel does not say. */
  retransmits(descriptor: number): number {
    const info = this.#info;
    return info.read(this.#libc.getsockopt, descriptor) ? info.u32(AT.totalRetransmits) : Infinity;
  }

  /**
   * The ICMP error that a connecting socket has met, as its errno; 0 for none. The kernel keeps an error
   * back that comes while connect() still has the socket, as over IPv6 that of a router one hop away does.
   */
  heldError(descriptor: number, { family }: Pick<Endpoint, "family">): number {
    const info = this.#info;
    if (!info.read(this.#libc.getsockopt, descriptor)) return 0;
    // Closed: the error has just come, and the runtime was not told yet.
    if (info.state !== TCP_SYN_SENT && info.state !== TCP_CLOSE) return 0;
    if (this.search.familyOf(descriptor) !== family) return 0;
    this.#errno[0] = 0;
    this.#size[0] = 4;
    this.#libc.getsockopt(descriptor, SOL_SOCKET, SO_ERROR, this.#errno, this.#size);
    return this.#errno[0];
  }

  /** A listening socket's queue: the kernel reports it in two fields meant for other states. */
  acceptQueue(descriptor: number): AcceptQueue | null {
    const info = this.#info;
    if (!info.read(this.#libc.getsockopt, descriptor) || info.state !== TCP_LISTEN) return null;
    return { waiting: info.u32(AT.unacked), limit: info.u32(AT.sacked) };
  }

  /** Makes the coming close send RST and leave no TIME_WAIT (SO_LINGER 0, socket(7)). */
  resetOnClose(descriptor: number): boolean {
    return resetOnClose(this.#seldom.setsockopt, descriptor);
  }
}

/** struct linger of socket(7): on, and 0 seconds. */
const LINGER_RESET = new Int32Array([1, 0]);

/** Makes the coming close of a socket send RST and leave no TIME_WAIT (SO_LINGER 0, socket(7)). */
export function resetOnClose(setsockopt: SetSocketOption, descriptor: number): boolean {
  return setsockopt(descriptor, SOL_SOCKET, SO_LINGER, LINGER_RESET, LINGER_RESET.byteLength) === 0;
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
    return this.#bytes[AT.state];
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
  return begun.read(getsockopt, descriptor) && begun.u32(AT.segmentsOut) > 0;
}
