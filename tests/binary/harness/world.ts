/** The peers of the cases, all of them on loopback: responders, a closed port, a black hole. */
import { freePort } from "../../../scripts/gate/command.ts";
import { blackHole } from "./black_hole.ts";

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

  async #blackHole(): Promise<number> {
    const hole = await blackHole();
    this.#opened.push(hole);
    return hole.port;
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
