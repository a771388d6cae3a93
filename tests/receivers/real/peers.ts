/** What the probes are made to, all of it on loopback: one that answers, one that refuses, one silent. */
import { freePort } from "../../../scripts/gate/command.ts";
import { blackHole } from "../../binary/harness/black_hole.ts";

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

  /** A peer that drops each SYN. */
  async silent(): Promise<string> {
    const hole = await blackHole();
    this.#opened.push(hole);
    return `127.0.0.1:${hole.port}`;
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
