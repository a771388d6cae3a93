/** Connections on loopback with something to send: in bulk on one port, requests and replies on the other. */
import { passing } from "./receiver.ts";

const REQUEST = new Uint8Array(2000);
const BULK = new Uint8Array(1 << 19);
const EVERY_MS = 50;

export class Traffic implements AsyncDisposable {
  readonly #listeners: readonly Deno.TcpListener[];
  #open = true;
  #running: Promise<void>[] = [];

  private constructor() {
    this.#listeners = [0, 0].map((port) => Deno.listen({ hostname: "127.0.0.1", port }));
  }

  static async open(): Promise<Traffic> {
    const traffic = new Traffic();
    for (const [i, listener] of traffic.#listeners.entries()) {
      traffic.#running.push(traffic.#serve(listener, i === 1));
      const { port } = listener.addr;
      const client = await Deno.connect({ hostname: "127.0.0.1", port });
      traffic.#running.push(traffic.#send(client, i === 1));
    }
    return traffic;
  }

  get ports(): readonly number[] {
    return this.#listeners.map(({ addr }) => addr.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#open = false;
    for (const listener of this.#listeners) listener.close();
    await Promise.all(this.#running);
  }

  async #send(client: Deno.TcpConn, echoed: boolean): Promise<void> {
    using _ = client;
    while (this.#open) {
      await client.write(echoed ? REQUEST : BULK);
      if (echoed) await readRequest(client);
      await passing(EVERY_MS);
    }
  }

  /** Those that send nothing are probes beside. */
  async #serve(listener: Deno.TcpListener, echo: boolean): Promise<void> {
    const served: Promise<void>[] = [];
    try {
      for await (const connection of listener) served.push(this.#answer(connection, echo));
    } catch (error) {
      if (this.#open) throw error;
    }
    await Promise.all(served);
  }

  async #answer(connection: Deno.TcpConn, echo: boolean): Promise<void> {
    using _ = connection;
    while (await readRequest(connection)) {
      if (echo) await connection.write(REQUEST);
    }
  }
}

/** False at the connection's end. */
async function readRequest(connection: Deno.TcpConn): Promise<boolean> {
  const buffer = new Uint8Array(REQUEST.length);
  try {
    for (let got = 0; got < REQUEST.length;) {
      const size = await connection.read(buffer);
      if (size === null) return false;
      got += size;
    }
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return false;
    throw error;
  }
}
