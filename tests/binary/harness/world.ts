/** What the cases talk to, all of it on loopback: responders, a closed port, a black hole. */
import { freePort } from "../../../scripts/gate/command.ts";

const FILL_TRIES = 16;
const FILL_WAIT_MS = 150;

/** The variables of a case's script, and what its expected output calls `[NAME]`. */
export type Names = Readonly<Record<string, string>>;

export class World {
  #opened: Disposable[] = [];
  #shared: Names = {};

  static async open(): Promise<World> {
    const world = new World();
    world.#shared = {
      PORT: String(world.#respond("127.0.0.1")),
      PORT6: String(world.#respond("::1")),
      CLOSED: String(freePort()),
      BLACK_HOLE: String(await world.#blackHole()),
    };
    return world;
  }

  /** What all cases share, and ports of the case's own that are free. */
  names(): Names {
    return { ...this.#shared, FREE: String(freePort()), FREE2: String(freePort()) };
  }

  [Symbol.dispose](): void {
    for (const opened of this.#opened) opened[Symbol.dispose]();
  }

  #respond(hostname: string): number {
    const listener = Deno.listen({ hostname, port: 0, tcpBacklog: 4096 });
    this.#opened.push(listener);
    acceptAndClose(listener);
    return listener.addr.port;
  }

  /** A listener whose queue is full and that accepts nothing: the kernel drops each further SYN. */
  async #blackHole(): Promise<number> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
    this.#opened.push(listener);
    for (let i = 0; i < FILL_TRIES; i++) {
      const filler = await answered(listener.addr.port);
      if (filler === null) return listener.addr.port;
      this.#opened.push(filler);
    }
    throw new Error("cannot make a black hole: the listener's queue does not fill");
  }
}

async function acceptAndClose(listener: Deno.TcpListener): Promise<void> {
  for (;;) {
    try {
      (await listener.accept()).close();
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      // Else the peer was gone before it could be accepted: the next one.
    }
  }
}

/** A connection, or null when there was none in time. */
async function answered(port: number): Promise<Deno.TcpConn | null> {
  const signal = AbortSignal.timeout(FILL_WAIT_MS);
  try {
    return await Deno.connect({ hostname: "127.0.0.1", port, signal });
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}
