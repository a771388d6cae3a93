/**
 * Listening sockets that share their port with other processes (SO_REUSEPORT, socket(7)). `Deno.listen`
 * has an option for it, which wants a flag of the runtime that makes every start 3 ms longer. Waiting for
 * connections holds one of the runtime's blocking threads, which wakes ten times a second.
 */
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError, openErrno, openErrorText } from "./errno.ts";
import { type Calls, openLibc } from "./libc.ts";
import {
  EPOLLIN,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from "./linux.ts";
import { Poller } from "./poller.ts";
import { familyOf, openScopes, portOf, sockaddr } from "./sockaddr.ts";

const CALLS = [
  "socket",
  "setsockopt",
  "bind",
  "listen",
  "getsockname",
  "accept4",
  "close",
] as const;

type Libc = Calls<typeof CALLS>;

/** A connection that was accepted. */
interface Accepted {
  close(): void;
}

/** A failed call, with its errno. */
type Fail = (call: string) => ErrnoError;

/** Opened before the FFI permission is given up. */
export class SharedPorts {
  #libc: Libc;
  #poller: Poller;
  #fail: Fail;
  #scopeOf = openScopes();

  private constructor(libc: Libc, poller: Poller, fail: Fail) {
    this.#libc = libc;
    this.#poller = poller;
    this.#fail = fail;
  }

  /** Null where there is no libc. */
  static open(): SharedPorts | null {
    const libc = openLibc(CALLS, "seldom")?.symbols;
    const poller = Poller.open();
    const errno = openErrno();
    const text = openErrorText();
    if (libc === undefined || poller === null || errno === null || text === null) return null;
    const fail = (call: string) => {
      const number = errno();
      return new ErrnoError(call, number, text(number));
    };
    return new SharedPorts(libc, poller, fail);
  }

  /** Listens; throws ErrnoError where the address or the port cannot be had. */
  listen(endpoint: Endpoint, backlog: number): SharedListener {
    const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const libc = this.#libc;
    const descriptor = libc.socket(familyOf(endpoint), type, 0);
    if (descriptor < 0) throw this.#fail("socket");
    const on = new Int32Array([1]);
    for (const option of [SO_REUSEADDR, SO_REUSEPORT]) {
      libc.setsockopt(descriptor, SOL_SOCKET, option, on, on.byteLength);
    }
    const name = sockaddr(endpoint, this.#scopeOf?.(endpoint));
    const failed = libc.bind(descriptor, name, name.length) !== 0
      ? this.#fail("bind")
      : libc.listen(descriptor, backlog) !== 0
      ? this.#fail("listen")
      : null;
    if (failed === null) {
      return new SharedListener(libc, this.#poller, this.#fail, descriptor, endpoint.address);
    }
    libc.close(descriptor);
    throw failed;
  }
}

/** Used as the runtime's own listening sockets are. */
class SharedListener {
  readonly addr: { readonly hostname: string; readonly port: number };
  #libc: Libc;
  #poller: Poller;
  #fail: Fail;
  /** -1 when closed. */
  #descriptor: number;
  /** Ends the wait for a connection. */
  #wake = () => {};

  constructor(libc: Libc, poller: Poller, fail: Fail, descriptor: number, hostname: string) {
    this.#libc = libc;
    this.#poller = poller;
    this.#fail = fail;
    this.#descriptor = descriptor;
    this.addr = { hostname, port: portOf(libc.getsockname, descriptor) };
  }

  get descriptor(): number {
    return this.#descriptor;
  }

  /**
   * The next connection. Waits for the event loop first, also where one is there already: under load
   * nothing else would ever have its turn. Throws BadResource when it is closed, and ErrnoError.
   */
  async accept(): Promise<Accepted> {
    for (;;) {
      await this.#readable();
      const descriptor = this.#descriptor;
      if (descriptor < 0) throw new Deno.errors.BadResource("the socket is closed");
      const connection = this.#libc.accept4(descriptor, null, null, SOCK_CLOEXEC);
      if (connection >= 0) return { close: () => void this.#libc.close(connection) };
      const error = this.#fail("accept");
      // Whoever connected is gone, or it was accepted with another one.
      if (error.code !== "EAGAIN") throw error;
    }
  }

  /** Harmless when done twice. */
  close(): void {
    if (this.#descriptor < 0) return;
    this.#poller.unwatch(this.#descriptor);
    this.#libc.close(this.#descriptor);
    this.#descriptor = -1;
    this.#wake();
  }

  #readable(): Promise<void> {
    if (this.#descriptor < 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    this.#poller.watch(this.#descriptor, EPOLLIN, () => {
      this.#poller.unwatch(this.#descriptor);
      resolve();
    });
    return promise;
  }
}
