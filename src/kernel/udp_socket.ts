/** Connected UDP sockets whose sends never wait and allocate nothing (udp(7), send(2)). */
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError, openErrno, type ReadErrno } from "./errno.ts";
import { type Calls, openLibc } from "./libc.ts";
import {
  ERRNO,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SO_ERROR,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOL_SOCKET,
} from "./linux.ts";
import { familyOf, openScopes, type ScopeOf, sockaddr } from "./sockaddr.ts";

const CALLS = ["socket", "connect", "getsockopt", "send", "close"] as const;

/**
 * What became of a send. `earlier_lost`: nothing was sent, but an ICMP error told that the
 * datagram before did not arrive. `full`: no room in the send buffer. `failed`: see `failure`.
 * `early`: nothing was sent, since it is not known yet to where; see `known`.
 */
export type Sent = "sent" | "earlier_lost" | "full" | "failed" | "early";

export interface DatagramSocket {
  /** Sends the first `length` bytes as one datagram, now or not at all. */
  send(bytes: Uint8Array<ArrayBuffer>, length: number): Sent;
  /** Whether the last datagram is known not to have arrived; asked once there is nothing to send. */
  lastIsLost(): boolean;
  /** The system's name for the last `failed`. */
  readonly failure: string;
  /** Resolves when no send is `early` any more; absent where none ever is. */
  readonly known?: Promise<void>;
  close(): void;
}

type Libc = Calls<typeof CALLS>;

/** Opened before the FFI permission is given up; sockets can be had afterwards too. */
export class UdpSockets {
  #libc: Libc;
  #errno: ReadErrno;
  #scopeOf: ScopeOf;

  private constructor(libc: Libc, errno: ReadErrno, scopeOf: ScopeOf) {
    this.#libc = libc;
    this.#errno = errno;
    this.#scopeOf = scopeOf;
  }

  /** Null where there is no libc. */
  static open(): UdpSockets | null {
    const library = openLibc(CALLS);
    const errno = openErrno();
    const scopeOf = openScopes();
    if (library === null || errno === null || scopeOf === null) return null;
    return new UdpSockets(library.symbols, errno, scopeOf);
  }

  /** Connects with the first send, and anew after one that failed: the network may come later. */
  to(endpoint: Endpoint): DatagramSocket {
    return new UdpSocket(this.#libc, this.#errno, this.#scopeOf, endpoint);
  }
}

class UdpSocket implements DatagramSocket {
  #libc: Libc;
  #errno: ReadErrno;
  #scopeOf: ScopeOf;
  #endpoint: Endpoint;
  #descriptor = -1;
  #failure = 0;
  #error = new Int32Array(1);
  #size = new Uint32Array(1);
  /** The BigInts that a size_t wants, each made once: as many as there are lengths of datagrams. */
  #lengths: bigint[] = [];

  constructor(libc: Libc, errno: ReadErrno, scopeOf: ScopeOf, endpoint: Endpoint) {
    this.#libc = libc;
    this.#errno = errno;
    this.#scopeOf = scopeOf;
    this.#endpoint = endpoint;
  }

  get failure(): string {
    return new ErrnoError("send", this.#failure).code;
  }

  send(bytes: Uint8Array<ArrayBuffer>, length: number): Sent {
    if (this.#descriptor < 0 && !this.#connect()) return "failed";
    const size = this.#lengths[length] ??= BigInt(length);
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    if (this.#libc.send(this.#descriptor, bytes, size, flags) >= 0) return "sent";
    const errno = this.#errno();
    switch (errno) {
      case ERRNO.EAGAIN:
      case ERRNO.ENOBUFS:
        return "full";
      case ERRNO.ECONNREFUSED:
      // No datagram here is too long for UDP: an earlier one was too long for a router on the way.
      case ERRNO.EMSGSIZE:
        return "earlier_lost";
      default:
        this.#failure = errno;
        // A fresh socket next time: this one keeps a source address that may be gone.
        this.close();
        return "failed";
    }
  }

  lastIsLost(): boolean {
    if (this.#descriptor < 0) return false;
    this.#size[0] = 4;
    this.#libc.getsockopt(this.#descriptor, SOL_SOCKET, SO_ERROR, this.#error, this.#size);
    return this.#error[0] === ERRNO.ECONNREFUSED || this.#error[0] === ERRNO.EMSGSIZE;
  }

  close(): void {
    if (this.#descriptor >= 0) this.#libc.close(this.#descriptor);
    this.#descriptor = -1;
  }

  #connect(): boolean {
    const type = SOCK_DGRAM | SOCK_CLOEXEC;
    this.#descriptor = this.#libc.socket(familyOf(this.#endpoint), type, 0);
    if (this.#descriptor < 0) {
      this.#failure = this.#errno();
      return false;
    }
    const address = sockaddr(this.#endpoint, this.#scopeOf(this.#endpoint));
    if (this.#libc.connect(this.#descriptor, address, address.length) === 0) return true;
    this.#failure = this.#errno();
    this.close();
    return false;
  }
}
