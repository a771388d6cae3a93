/**
 * This machine's listening sockets: which connections they accepted, how full their accept queues
 * are, and what they dropped since the reading before.
 */
import type { ListeningPort } from "../domain/connection.ts";
import type { DiagSocket } from "../kernel/sock_diag.ts";

/** Listening sockets that are kept; a machine has some dozens. */
const MAX_LISTENERS = 4096;
const PORTS = 65_536;
/** By port: nobody listens, on some of this machine's addresses, on all of them. */
const [NOBODY, SOME, ALL] = [0, 1, 2];

interface Listener {
  readonly port: number;
  /** 4 or 16 bytes; null for all addresses. */
  readonly address: Uint8Array | null;
  waiting: number;
  limit: number;
  /** Since the socket was made, and what came in the last interval. */
  drops: number;
  dropsNow: number;
  seen: number;
}

/** A listening port's sockets together; SO_REUSEPORT makes several of one port. */
export interface PortState extends ListeningPort {
  waiting: number;
  limit: number;
  drops: number;
  /** Whether one of its queues is full: the kernel holds one more than its limit. */
  full: boolean;
}

export class Listeners {
  /** By cookie. */
  #listeners = new Map<number, Listener>();
  #ports = new Uint8Array(PORTS);
  #states = new Map<number, PortState>();
  #reading = 0;
  #first = true;

  /** Begins a reading. */
  begin(): void {
    this.#reading++;
  }

  /** A socket in the state LISTEN. */
  add(socket: DiagSocket): void {
    const cookie = socket.cookieHigh * 2 ** 32 + socket.cookieLow;
    let listener = this.#listeners.get(cookie);
    if (listener === undefined) {
      if (this.#listeners.size >= MAX_LISTENERS) return;
      const address = addressOf(socket);
      const { localPort: port } = socket;
      // Drops before a socket was first seen do not count, unless it was made after the reading
      // before.
      const drops = this.#first ? socket.drops : 0;
      listener = { port, address, waiting: 0, limit: 0, drops, dropsNow: 0, seen: 0 };
      this.#listeners.set(cookie, listener);
    }
    listener.waiting = socket.receiveQueue;
    listener.limit = socket.sendQueue;
    listener.dropsNow = socket.drops - listener.drops >>> 0;
    listener.drops = socket.drops;
    listener.seen = this.#reading;
  }

  /** Ends a reading: sockets that it did not meet are gone. */
  end(): void {
    this.#first = false;
    this.#ports.fill(NOBODY);
    this.#states.clear();
    for (const [cookie, listener] of this.#listeners) {
      if (listener.seen !== this.#reading) {
        this.#listeners.delete(cookie);
        continue;
      }
      const { port, address, waiting, limit, dropsNow } = listener;
      if (address === null) this.#ports[port] = ALL;
      else if (this.#ports[port] === NOBODY) this.#ports[port] = SOME;
      let state = this.#states.get(port);
      if (state === undefined) {
        state = { port, waiting: 0, limit: 0, drops: 0, full: false };
        this.#states.set(port, state);
      }
      state.waiting += waiting;
      state.limit += limit;
      state.drops += dropsNow;
      state.full ||= waiting > limit;
    }
  }

  /** Whether a listening socket of this machine may have accepted this connection. */
  accepted(socket: DiagSocket): boolean {
    const port = socket.localPort;
    const where = this.#ports[port];
    if (where !== SOME) return where === ALL;
    const address = addressOf(socket);
    if (address === null) return false;
    for (const listener of this.#listeners.values()) {
      if (listener.port === port && same(listener.address, address)) return true;
    }
    return false;
  }

  /** Null where nobody listens on the port. */
  of(port: number): PortState | null {
    return this.#states.get(port) ?? null;
  }

  /** All listening ports, by their number. */
  ports(): PortState[] {
    return [...this.#states.values()].sort((a, b) => a.port - b.port);
  }
}

/** The local address, an IPv4-mapped one as IPv4; null for one of zeros alone: all addresses. */
function addressOf({ bytes, localAt, localV4 }: DiagSocket): Uint8Array | null {
  const address = bytes.slice(localAt, localAt + (localV4 ? 4 : 16));
  return address.every((byte) => byte === 0) ? null : address;
}

function same(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && a.length === b.length && a.every((byte, i) => byte === b[i]);
}
