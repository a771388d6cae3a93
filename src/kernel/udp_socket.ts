/** Connected UDP sockets whose sends never wait and allocate nothing (udp(7), send(2)). */
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError, openErrno, type ReadErrno } from "./errno.ts";
import { openLibc } from "./libc.ts";
import {
  EAGAIN,
  ENOBUFS,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SO_ERROR,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOL_SOCKET,
} from "./linux.ts";
import { familyOf, sockaddr } from "./sockaddr.ts";

const LIBC_SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  // A ssize_t by its lower half, which holds every length and -1: a whole one would be a BigInt.
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
} as const;

// <asm-generic/errno.h>
const EMSGSIZE = 90;
const ECONNREFUSED = 111;

/**
 * What became of a send. `earlier_lost`: nothing was sent, but an ICMP error told that the
 * datagram before did not arrive. `full`: no room in the send buffer. `failed`: see `failure`.
 */
export type Sent = "sent" | "earlier_lost" | "full" | "failed";

export interface DatagramSocket {
  /** Sends the first `length` bytes as one datagram, now or not at all. */
  send(bytes: Uint8Array<ArrayBuffer>, length: number): Sent;
  /** Whether the last datagram is known not to have arrived; asked once there is nothing to send. */
  lastIsLost(): boolean;
  /** The system's name for the last `failed`. */
  readonly failure: string;
  close(): void;
}

type Libc = Deno.DynamicLibrary<typeof LIBC_SYMBOLS>["symbols"];

/** Opened before the FFI permission is given up; sockets can be had afterwards too. */
export class UdpSockets {
  #libc: Libc;
  #errno: ReadErrno;

  private constructor(libc: Libc, errno: ReadErrno) {
    this.#libc = libc;
    this.#errno = errno;
  }

  /** Null where there is no libc. */
  static open(): UdpSockets | null {
    const library = openLibc(LIBC_SYMBOLS);
    const errno = openErrno();
    return library === null || errno === null ? null : new UdpSockets(library.symbols, errno);
  }

  /** Connects with the first send, and anew after one that failed: the network may come later. */
  to(endpoint: Endpoint): DatagramSocket {
    return new UdpSocket(this.#libc, this.#errno, endpoint);
  }
}

class UdpSocket implements DatagramSocket {
  #libc: Libc;
  #errno: ReadErrno;
  #endpoint: Endpoint;
  #descriptor = -1;
  #failure = 0;
  #error = new Int32Array(1);
  #size = new Uint32Array(1);
  /** The BigInts that a size_t wants, each made once: as many as there are lengths of datagrams. */
  #lengths: bigint[] = [];

  constructor(libc: Libc, errno: ReadErrno, endpoint: Endpoint) {
    this.#libc = libc;
    this.#errno = errno;
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
      case EAGAIN:
      case ENOBUFS:
        return "full";
      case ECONNREFUSED:
      // No datagram here is too long for UDP: one before was for a router on the way.
      case EMSGSIZE:
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
    return this.#error[0] === ECONNREFUSED || this.#error[0] === EMSGSIZE;
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
    const address = sockaddr(this.#endpoint, this.#scope());
    if (this.#libc.connect(this.#descriptor, address, address.length) === 0) return true;
    this.#failure = this.#errno();
    this.close();
    return false;
  }

  /** The interface index of the endpoint's zone, by name or number; 0 for none. */
  #scope(): number {
    const zone = this.#endpoint.address.split("%")[1];
    if (zone === undefined) return 0;
    const index = this.#libc.if_nametoindex(new TextEncoder().encode(`${zone}\0`));
    return index !== 0 ? index : Number(zone) || 0;
  }
}
