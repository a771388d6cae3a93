/** What the probes are made to, all of it on loopback: one that answers, one that refuses, one silent. */
import { freePort } from "../../../scripts/gate/command.ts";

const FILL_TRIES = 16;
const FILL_WAIT_MS = 150;

export class Peers implements Disposable {
  /** Accepts and closes. */
  readonly live: string;
  /** Nobody listens there. */
  readonly dead: string;
  #opened: Disposable[] = [];
  #accepted = 0;

  constructor() {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 4096 });
    this.#opened.push(listener);
    this.#serve(listener);
    this.live = `127.0.0.1:${listener.addr.port}`;
    this.dead = `127.0.0.1:${freePort()}`;
  }

  /** Connections that the live peer accepted. */
  get accepted(): number {
    return this.#accepted;
  }

  /** A peer that drops each SYN: a listener whose queue is full and that accepts nothing. */
  async silent(): Promise<string> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
    this.#opened.push(listener);
    for (let i = 0; i < FILL_TRIES; i++) {
      const filler = await answered(listener.addr.port);
      if (filler === null) return `127.0.0.1:${listener.addr.port}`;
      this.#opened.push(filler);
    }
    throw new Error("cannot make a silent peer: the listener's queue does not fill");
  }

  [Symbol.dispose](): void {
    for (const opened of this.#opened) opened[Symbol.dispose]();
  }

  async #serve(listener: Deno.TcpListener): Promise<void> {
    for (;;) {
      try {
        (await listener.accept()).close();
        this.#accepted++;
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) return;
        // Else the prober was gone before it could be accepted: the next one.
      }
    }
  }
}

/** Null when nobody answered in time; a connection that comes later is closed. */
async function answered(port: number): Promise<Deno.TcpConn | null> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), FILL_WAIT_MS);
  try {
    return await Deno.connect({ hostname: "127.0.0.1", port, signal: stop.signal });
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
