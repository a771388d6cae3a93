/**
 * TCP connects on sockets of our own by plain system calls: no object is made for a connect. A
 * socket whose answer takes long is watched by one epoll set (epoll(7)) for one event, which carries
 * the caller's two numbers; closing a socket takes it out of the set.
 */
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError, type ErrorText, openErrno, openErrorText, type ReadErrno } from "./errno.ts";
import { type Calls, openLibc } from "./libc.ts";
import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLHUP,
  EPOLLONESHOT,
  EPOLLOUT,
  ERRNO,
  IP_BIND_ADDRESS_NO_PORT,
  SO_BINDTODEVICE,
  SO_ERROR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_IP,
  SOL_SOCKET,
} from "./linux.ts";
import { EVENT_BYTES, EVENT_DATA_AT, interrupt } from "./poller.ts";
import { endsWithScope } from "./scope.ts";
import {
  familyOf,
  MAX_SOCKADDR_BYTES,
  openScopes,
  type ScopeOf,
  sockaddrBytes,
  writeSockaddr,
} from "./sockaddr.ts";
import { hasSent, resetOnClose } from "./tcp_info.ts";

const CALLS = [
  "socket",
  "setsockopt",
  "getsockopt",
  "bind",
  "connect",
  "close",
  "epoll_create1",
  "epoll_ctl",
  "epoll_wait",
  "epoll_wait_in_thread",
] as const;

const MAX_EVENTS = 256;
/** Stands for any target when only the interface is tried. */
const ANY: Endpoint = { address: "0.0.0.0", family: 4, bytes: new Uint8Array(4), port: 0 };

/** Events of one wait; each is good until the next wait with the same memory. */
export class ConnectEvents {
  readonly bytes = new Uint8Array(MAX_EVENTS * EVENT_BYTES);
  #view = new DataView(this.bytes.buffer);
  /** How many there are. */
  count = 0;

  /** Whether a further wait may give more at once. */
  get full(): boolean {
    return this.count === MAX_EVENTS;
  }

  /** The numbers that `connect` was given. */
  slot(index: number): number {
    return this.#view.getInt32(index * EVENT_BYTES + EVENT_DATA_AT, true);
  }

  generation(index: number): number {
    return this.#view.getInt32(index * EVENT_BYTES + EVENT_DATA_AT + 4, true);
  }

  /** Whether the event tells of an error, so that it has to be asked for. */
  isError(index: number): boolean {
    return (this.#view.getUint32(index * EVENT_BYTES, true) & (EPOLLERR | EPOLLHUP)) !== 0;
  }
}

export class ConnectingSockets {
  #libc: Calls<typeof CALLS>;
  #errno: ReadErrno;
  #errorText: ErrorText;
  #scopeOf: ScopeOf;
  #epoll: number;
  #source: Endpoint | null;
  /** The name of an interface as SO_BINDTODEVICE takes it (socket(7)); null for the kernel's choice. */
  #device: Uint8Array<ArrayBuffer> | null;
  #to = sockaddrBytes(MAX_SOCKADDR_BYTES);
  #from = sockaddrBytes(MAX_SOCKADDR_BYTES);
  #change = new DataView(new ArrayBuffer(EVENT_BYTES));
  #changeBytes = new Uint8Array(this.#change.buffer);
  #value = new Int32Array(1);
  #size = new Uint32Array(1);
  #waiting: Promise<void> = Promise.resolve();

  private constructor(
    libc: Calls<typeof CALLS>,
    errno: ReadErrno,
    errorText: ErrorText,
    scopeOf: ScopeOf,
    source: Endpoint | null,
    device: string | null,
  ) {
    this.#libc = libc;
    this.#errno = errno;
    this.#errorText = errorText;
    this.#scopeOf = scopeOf;
    this.#source = source;
    this.#device = device === null ? null : new TextEncoder().encode(`${device}\0`);
    this.#epoll = libc.epoll_create1(EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw new ErrnoError("epoll_create1", errno());
    endsWithScope(() => this.#end());
  }

  /**
   * Null where there is no libc; throws ErrnoError when the kernel refuses. `source` is the address
   * that every socket is bound to, and `device` the interface; null for the kernel's choice.
   */
  static open(source: Endpoint | null, device: string | null): ConnectingSockets | null {
    const libc = openLibc(CALLS)?.symbols;
    const errno = openErrno();
    const errorText = openErrorText();
    const scopeOf = openScopes();
    if (libc === undefined || errno === null || errorText === null || scopeOf === null) return null;
    return new ConnectingSockets(libc, errno, errorText, scopeOf, source, device);
  }

  /** Whether a socket can be bound to the source; null when it can, else why not. */
  refusal(): string | null {
    if (this.#source === null && this.#device === null) return null;
    const descriptor = this.#socket(this.#source ?? ANY);
    if (descriptor < 0) return new ErrnoError("bind", -descriptor).reason;
    this.#libc.close(descriptor);
    return null;
  }

  /**
   * Begins to connect, which sends the SYN. Returns the descriptor, the caller's to close, or the
   * errno as a negative number.
   */
  connect(endpoint: Endpoint): number {
    const libc = this.#libc;
    const descriptor = this.#socket(endpoint);
    if (descriptor < 0) return descriptor;
    const length = writeSockaddr(this.#to, endpoint, this.#scopeOf(endpoint));
    if (libc.connect(descriptor, this.#to.bytes, length) !== 0) {
      const errno = this.#errno();
      if (errno !== ERRNO.EINPROGRESS && !hasSent(libc.getsockopt, descriptor)) {
        libc.close(descriptor);
        return -errno;
      }
    }
    return descriptor;
  }

  /**
   * Watches a socket for one event, which will carry the slot and the generation. Returns 0, or the
   * errno where the kernel refuses.
   */
  watch(descriptor: number, slot: number, generation: number): number {
    return this.#control(EPOLL_CTL_ADD, descriptor, slot, generation);
  }

  /** The same for one further event of a socket that was watched. */
  watchAgain(descriptor: number, slot: number, generation: number): number {
    return this.#control(EPOLL_CTL_MOD, descriptor, slot, generation);
  }

  /** Takes the events that are there now, and does not wait. */
  take(events: ConnectEvents): void {
    const count = this.#libc.epoll_wait(this.#epoll, events.bytes, MAX_EVENTS, 0);
    events.count = Math.max(0, count);
  }

  /** Waits for events in a thread of the runtime's pool, so long at the most. */
  wait(events: ConnectEvents, ms: number): Promise<void> {
    return this.#waiting = this.#waitInThread(events, ms);
  }

  /** The error of a socket, which is thereby taken from it: its errno, or 0 for none. */
  error(descriptor: number): number {
    this.#size[0] = 4;
    this.#libc.getsockopt(descriptor, SOL_SOCKET, SO_ERROR, this.#value, this.#size);
    return this.#value[0];
  }

  /** The error of an errno, in the runtime's words; of a source without a way, in ours. */
  errorOf(errno: number): ErrnoError {
    if (errno === ERRNO.EAFNOSUPPORT) return new ErrnoError("bind", errno);
    return new ErrnoError("connect", errno, this.#errorText(errno));
  }

  /** Makes the coming close send RST. */
  resetOnClose(descriptor: number): void {
    resetOnClose(this.#libc.setsockopt, descriptor);
  }

  close(descriptor: number): void {
    this.#libc.close(descriptor);
  }

  async #waitInThread(events: ConnectEvents, ms: number): Promise<void> {
    const wait = this.#libc.epoll_wait_in_thread;
    events.count = Math.max(0, await wait(this.#epoll, events.bytes, MAX_EVENTS, ms));
  }

  /** Gives the epoll set back, and the thread that waits for it. Its sockets are closed by then. */
  async #end(): Promise<void> {
    await interrupt(this.#libc, this.#epoll, this.#waiting);
    this.#libc.close(this.#epoll);
  }

  /** A socket for a target, bound to the source; or a negative errno. */
  #socket(endpoint: Endpoint): number {
    const libc = this.#libc;
    const source = this.#source;
    if (source !== null && source.family !== endpoint.family) return -ERRNO.EAFNOSUPPORT;
    const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const descriptor = libc.socket(familyOf(endpoint), type, 0);
    if (descriptor < 0) return -this.#errno();
    if (this.#device !== null) {
      const name = this.#device;
      if (libc.setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, name, name.length) !== 0) {
        const errno = this.#errno();
        libc.close(descriptor);
        return -errno;
      }
    }
    if (source === null) return descriptor;
    this.#value[0] = 1;
    libc.setsockopt(descriptor, SOL_IP, IP_BIND_ADDRESS_NO_PORT, this.#value, 4);
    const length = writeSockaddr(this.#from, source, this.#scopeOf(source));
    if (libc.bind(descriptor, this.#from.bytes, length) === 0) return descriptor;
    const errno = this.#errno();
    libc.close(descriptor);
    return -errno;
  }

  #control(operation: number, descriptor: number, slot: number, generation: number): number {
    this.#change.setUint32(0, EPOLLOUT | EPOLLONESHOT, true);
    this.#change.setInt32(EVENT_DATA_AT, slot, true);
    this.#change.setInt32(EVENT_DATA_AT + 4, generation, true);
    const result = this.#libc.epoll_ctl(this.#epoll, operation, descriptor, this.#changeBytes);
    return result === 0 ? 0 : this.#errno();
  }
}
