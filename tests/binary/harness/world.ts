/** The peers of the cases, all of them on loopback: responders, a closed port, a black hole. */
import { freePort } from "../../../scripts/gate/command.ts";

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
    const { port } = listener.addr;
    // A queue is full when it holds one more than its limit.
    for (let i = 0; i < 2; i++) {
      this.#opened.push(await Deno.connect({ hostname: "127.0.0.1", port }));
    }
    const queued = queuedAt(port);
    if (queued !== 2) throw new Error(`cannot make a black hole: ${queued} connections are queued`);
    return port;
  }
}

/** How many connections a listener on 127.0.0.1 has not accepted yet: its receive queue (proc(5), /proc/net/tcp). */
function queuedAt(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const listens = new RegExp(`^ *\\d+: ${local} \\S+ 0A [0-9A-F]+:([0-9A-F]+) `, "m");
  return parseInt(listens.exec(Deno.readTextFileSync("/proc/net/tcp"))?.[1] ?? "0", 16);
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
