/**
 * Waits for descriptors of our own by epoll(7): one call that waits in a thread of the runtime's
 * pool, however many descriptors there are.
 */
import { ErrnoError, openErrno, type ReadErrno } from "./errno.ts";
import { type Calls, openLibc } from "./libc.ts";
import {
  AF_INET,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLOUT,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
} from "./linux.ts";
import { endsWithScope } from "./scope.ts";

const CALLS = [
  "epoll_create1",
  "epoll_ctl",
  "epoll_wait",
  "epoll_wait_in_thread",
  "socket",
  "close",
] as const;

/** struct epoll_event is packed on x86_64 alone. */
export const EVENT_BYTES = Deno.build.arch === "x86_64" ? 12 : 16;
/** Where an event holds the 8 bytes that its watcher chose. */
export const EVENT_DATA_AT = EVENT_BYTES - 8;
const MAX_EVENTS = 256;
/** A wait ends now and then, so that nothing has to interrupt it while the process lasts. */
const WAIT_MS = 100;
/**
 * Where wake-ups follow one another faster than this, the poller waits this long before the next.
 * One wake-up then finds the events of many. Times are the kernel's, so accuracy does not suffer.
 */
const GATHER_MS = 5;
/** Wake-ups within this time follow one another quickly: a wait of GATHER_MS ends a little late. */
const BUSY_MS = 2 * GATHER_MS;

/**
 * Ends a wait for an epoll set in another thread: by a socket in the set that is ready at once. Resolves
 * when `wait` has ended. Where no socket can be had, that is when its time is over.
 */
export async function interrupt(
  libc: Pick<Calls<typeof CALLS>, "socket" | "close" | "epoll_ctl">,
  epoll: number,
  wait: Promise<void>,
): Promise<void> {
  const descriptor = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const change = new DataView(new ArrayBuffer(EVENT_BYTES));
  change.setUint32(0, EPOLLOUT, true);
  // No descriptor and no slot, so that the reader of the event ignores it.
  change.setInt32(EVENT_DATA_AT, -1, true);
  if (descriptor >= 0) {
    libc.epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, new Uint8Array(change.buffer));
  }
  await wait;
  if (descriptor >= 0) libc.close(descriptor);
}

export class Poller {
  #libc: Calls<typeof CALLS>;
  #errno: ReadErrno;
  #epoll: number;
  #watched = new Map<number, (events: number) => void>();
  #events = new DataView(new ArrayBuffer(MAX_EVENTS * EVENT_BYTES));
  #change = new DataView(new ArrayBuffer(EVENT_BYTES));
  #waiting = false;
  /** The wait under way; of no use once it has ended. */
  #ended: Promise<void> = Promise.resolve();
  #gathers: boolean;

  private constructor(
    libc: Calls<typeof CALLS>,
    errno: ReadErrno,
    gathers: boolean,
  ) {
    this.#gathers = gathers;
    this.#libc = libc;
    this.#errno = errno;
    this.#epoll = libc.epoll_create1(EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw new ErrnoError("epoll_create1", errno());
    endsWithScope(() => this.#end());
  }

  /**
   * Null where there is no libc; throws ErrnoError when the kernel refuses. `gathers`: for many answers
   * a second, of which none is waited for by itself.
   */
  static open(gathers = false): Poller | null {
    const library = openLibc(CALLS);
    const errno = openErrno();
    return library === null || errno === null ? null : new Poller(library.symbols, errno, gathers);
  }

  /** Calls back whenever one of the events (or an error) is there, until `unwatch`. */
  watch(descriptor: number, events: number, callback: (events: number) => void): void {
    this.#change.setUint32(0, events, true);
    this.#change.setInt32(EVENT_DATA_AT, descriptor, true);
    const change = new Uint8Array(this.#change.buffer);
    if (this.#libc.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, descriptor, change) !== 0) {
      throw new ErrnoError("epoll_ctl", this.#errno());
    }
    this.#watched.set(descriptor, callback);
    if (!this.#waiting) this.#ended = this.#wait();
  }

  /** Call before the descriptor is closed. */
  unwatch(descriptor: number): void {
    if (!this.#watched.delete(descriptor)) return;
    this.#libc.epoll_ctl(this.#epoll, EPOLL_CTL_DEL, descriptor, new Uint8Array(EVENT_BYTES));
  }

  /** Forgets all descriptors; those themselves are their owners' to close. */
  close(): void {
    for (const descriptor of [...this.#watched.keys()]) this.unwatch(descriptor);
  }

  /** Gives the epoll set back, and the thread that waits for it. */
  async #end(): Promise<void> {
    this.close();
    if (this.#waiting) await interrupt(this.#libc, this.#epoll, this.#ended);
    this.#libc.close(this.#epoll);
  }

  async #wait(): Promise<void> {
    this.#waiting = true;
    const bytes = new Uint8Array(this.#events.buffer);
    let wokenMs = -Infinity;
    let isBusy = false;
    while (this.#watched.size > 0) {
      // A busy poller looks for itself: to hand a wait to another thread costs more.
      const looked = isBusy ? this.#libc.epoll_wait(this.#epoll, bytes, MAX_EVENTS, 0) : 0;
      const count = looked > 0
        ? looked
        : await this.#libc.epoll_wait_in_thread(this.#epoll, bytes, MAX_EVENTS, WAIT_MS);
      for (let i = 0; i < count; i++) {
        const events = this.#events.getUint32(i * EVENT_BYTES, true);
        const descriptor = this.#events.getInt32(i * EVENT_BYTES + EVENT_DATA_AT, true);
        this.#watched.get(descriptor)?.(events);
      }
      if (count <= 0) continue;
      isBusy = this.#gathers && performance.now() - wokenMs < BUSY_MS;
      if (isBusy) await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      wokenMs = performance.now();
    }
    this.#waiting = false;
  }
}
