/** TCP connects on sockets of our own, for what the runtime's connect cannot do: a source address. */
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError, openErrno, type ReadErrno } from "./errno.ts";
import { type Calls, openLibc } from "./libc.ts";
import {
  EPOLLOUT,
  ERRNO,
  IP_BIND_ADDRESS_NO_PORT,
  SO_ERROR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_IP,
  SOL_SOCKET,
} from "./linux.ts";
import { Poller } from "./poller.ts";
import { familyOf, MAX_SOCKADDR_BYTES, openScopes, type ScopeOf, sockaddr } from "./sockaddr.ts";
import { hasSent } from "./tcp_info.ts";

const CALLS = [
  "socket",
  "setsockopt",
  "getsockopt",
  "bind",
  "connect",
  "getpeername",
  "close",
] as const;

/** A connect under way. */
export interface PendingSocket {
  /** The connected descriptor, the caller's to close; rejects with ErrnoError. */
  readonly descriptor: Promise<number>;
  /** Closes the socket, unless it is connected already: then `descriptor` still resolves. */
  cancel(): void;
}

export class TcpConnects {
  #libc: Calls<typeof CALLS>;
  #errno: ReadErrno;
  #poller: Poller;
  #scopeOf: ScopeOf;
  #error = new Int32Array(1);
  #name = new Uint8Array(MAX_SOCKADDR_BYTES);
  #size = new Uint32Array(1);

  private constructor(
    libc: Calls<typeof CALLS>,
    errno: ReadErrno,
    poller: Poller,
    scopeOf: ScopeOf,
  ) {
    this.#libc = libc;
    this.#errno = errno;
    this.#poller = poller;
    this.#scopeOf = scopeOf;
  }

  /** Null where there is no libc. */
  static open(): TcpConnects | null {
    const library = openLibc(CALLS);
    const errno = openErrno();
    const poller = Poller.open();
    const scopeOf = openScopes();
    if (library === null || errno === null || poller === null || scopeOf === null) return null;
    return new TcpConnects(library.symbols, errno, poller, scopeOf);
  }

  /** Sends the SYN before it returns. */
  connect(endpoint: Endpoint, source: Endpoint): PendingSocket {
    let descriptor: number;
    try {
      descriptor = this.#start(endpoint, source);
    } catch (error) {
      return { descriptor: Promise.reject(error), cancel: () => {} };
    }
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    let pending = true;
    const settle = () => {
      pending = false;
      this.#poller.unwatch(descriptor);
    };
    this.#poller.watch(descriptor, EPOLLOUT, () => {
      const errno = this.#socketError(descriptor);
      // Linux tells of an ICMP error a moment before it says which: the next turn knows.
      if (errno === 0 && !this.#isConnected(descriptor)) return;
      settle();
      if (errno === 0) return resolve(descriptor);
      this.#libc.close(descriptor);
      reject(new ErrnoError("connect", errno));
    });
    const cancel = () => {
      if (!pending) return;
      settle();
      this.#libc.close(descriptor);
      reject(new Error("given up"));
    };
    return { descriptor: promise, cancel };
  }

  close(descriptor: number): void {
    this.#libc.close(descriptor);
  }

  /** Whether a socket can be bound to this address; null when it can, else why not. */
  refusal(source: Endpoint): string | null {
    try {
      this.#libc.close(this.#bound(source));
      return null;
    } catch (error) {
      return error instanceof ErrnoError ? error.reason : String(error);
    }
  }

  #start(endpoint: Endpoint, source: Endpoint): number {
    const descriptor = this.#bound(source);
    const address = sockaddr(endpoint, this.#scopeOf(endpoint));
    if (this.#libc.connect(descriptor, address, address.length) !== 0) {
      const errno = this.#errno();
      if (errno !== ERRNO.EINPROGRESS && !hasSent(this.#libc.getsockopt, descriptor)) {
        this.#libc.close(descriptor);
        throw new ErrnoError("connect", errno);
      }
    }
    return descriptor;
  }

  #bound(source: Endpoint): number {
    const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const descriptor = this.#libc.socket(familyOf(source), type, 0);
    if (descriptor < 0) throw new ErrnoError("socket", this.#errno());
    const on = new Int32Array([1]);
    this.#libc.setsockopt(descriptor, SOL_IP, IP_BIND_ADDRESS_NO_PORT, on, 4);
    const address = sockaddr(source, this.#scopeOf(source));
    if (this.#libc.bind(descriptor, address, address.length) !== 0) {
      const errno = this.#errno();
      this.#libc.close(descriptor);
      throw new ErrnoError("bind", errno);
    }
    return descriptor;
  }

  #isConnected(descriptor: number): boolean {
    this.#size[0] = MAX_SOCKADDR_BYTES;
    return this.#libc.getpeername(descriptor, this.#name, this.#size) === 0;
  }

  #socketError(descriptor: number): number {
    this.#size[0] = 4;
    this.#libc.getsockopt(descriptor, SOL_SOCKET, SO_ERROR, this.#error, this.#size);
    return this.#error[0];
  }
}
