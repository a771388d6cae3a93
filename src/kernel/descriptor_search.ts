/**
 * Finds the descriptor of a socket that the runtime opened and keeps to itself, by the socket's
 * name: only with it can the kernel be asked of a connection of `Deno.connect` or `Deno.listen`.
 *
 * Checked with Deno 2.7.11 and 2.9.6. It rests on this: `Deno.connect` opens its socket before it
 * returns, in this process, as the lowest free descriptor. Each find is checked against the
 * socket's own names, so a wrong guess costs further steps and never gives another socket's
 * figures; where nothing is found, the caller goes on without the kernel's figures. Its test is
 * tests/platform/runtime_test.ts.
 */
import { type Calls, openLibc } from "./libc.ts";
import { AF_INET, AF_INET6 } from "./linux.ts";
import { MAX_SOCKADDR_BYTES } from "./sockaddr.ts";

/** They stand beside a call of the runtime that takes many times as long. */
const CALLS = ["getsockname", "getpeername", "dup", "close"] as const;

const STDERR = 2;
const SOCKADDR_IN_BYTES = 16;
/** How far from the last hit the search goes before it gives up. */
const SEARCH_SPAN = 65_536;
/** The same for a connection that was accepted: there may be none, and each step is a system call. */
const ACCEPTED_SPAN = 8192;
/** How much further it goes once a socket with the right port but no peer was seen. */
const RESET_SEARCH_SPAN = 64;

/** How a descriptor compares with the socket looked for. */
const Match = { no: 0, yes: 1, disconnected: 2 } as const;
type Match = typeof Match[keyof typeof Match];

/** An end of a connection, the remote one to tell sockets apart that share a local port. */
export interface Peer {
  readonly bytes: Uint8Array;
  readonly port: number;
}

export class DescriptorSearch {
  #libc: Calls<typeof CALLS>;
  #name = new Uint8Array(MAX_SOCKADDR_BYTES);
  #size = new Uint32Array(1);
  /** The last hit. Descriptors are handed out in order, so the next one is near. */
  #last = 0;

  private constructor(libc: Calls<typeof CALLS>) {
    this.#libc = libc;
  }

  /** Null where the platform or its permissions have no libc to call. */
  static open(): DescriptorSearch | null {
    const libc = openLibc(CALLS, "seldom")?.symbols;
    return libc === undefined ? null : new DescriptorSearch(libc);
  }

  /**
   * The descriptor that a socket opened right now would get: the lowest free one (dup(2)). Another
   * thread may be faster, so it is where a search starts, not its result; -1 when none is free.
   */
  next(): number {
    const descriptor = this.#libc.dup(STDERR);
    if (descriptor >= 0) this.#libc.close(descriptor);
    return descriptor;
  }

  /**
   * The descriptor of this process's socket with that local port and that peer; -1 when there is
   * none. Starts near a guess, else at the last hit, and walks outwards: one look-up as a rule.
   */
  find(localPort: number, peer: Peer, guess = -1): number {
    return this.#walk(localPort, peer, guess < 0 ? this.#last : guess, true);
  }

  /**
   * The same of a connection that was accepted; -1 too when its peer has reset it. A listening socket
   * has the same port and no peer either, so none without a peer is taken.
   */
  findAccepted(localPort: number, peer: Peer): number {
    return this.#walk(localPort, peer, this.#last, false);
  }

  #walk(localPort: number, peer: Peer, last: number, takesReset: boolean): number {
    let end = takesReset ? SEARCH_SPAN : ACCEPTED_SPAN;
    let disconnected = -1;
    for (let step = 0; step <= end; step++) {
      for (let side = step === 0 ? 1 : 0; side < 2; side++) {
        const descriptor = side === 1 ? last + step : last - step;
        if (descriptor < 0) continue;
        const match = this.#match(descriptor, localPort, peer);
        if (match === Match.yes) return this.#last = descriptor;
        // A peer that has reset the connection left no name to check: the best there is, unless
        // the right one is close by.
        if (takesReset && match === Match.disconnected && disconnected < 0) {
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

  /** The address family of a descriptor's socket; null for what is no internet socket. */
  familyOf(descriptor: number): 4 | 6 | null {
    if (!this.#readName(descriptor)) return null;
    const family = this.#name[0] | this.#name[1] << 8;
    return family === AF_INET6 ? 6 : family === AF_INET ? 4 : null;
  }

  /** The first descriptor bound to exactly this address and port; -1 when there is none. */
  findBound(local: Peer): number {
    for (let descriptor = 0; descriptor <= SEARCH_SPAN; descriptor++) {
      if (this.#readName(descriptor) && this.#nameIs(local)) return descriptor;
    }
    return -1;
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
