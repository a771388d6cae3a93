/** Receivers on loopback and in temporary folders that do as a test tells them, and keep what came. */
import { Buffer } from "node:buffer";
import dgram from "node:dgram";

/** A condition that is not met by then never will be, however busy the machine. */
const PATIENCE_MS = 20_000;
const POLL_MS = 5;

export async function until(condition: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The `seq` that the lines of `numbered()` bear. */
export function numbersOf(text: string): number[] {
  return text.split("\n").slice(0, -1).map(Number);
}

export class UdpReceiver {
  readonly numbers: number[] = [];
  datagrams = 0;
  longest = 0;
  #socket: dgram.Socket;

  private constructor(socket: dgram.Socket) {
    this.#socket = socket;
    socket.on("message", (bytes: Buffer) => {
      this.datagrams++;
      this.longest = Math.max(this.longest, bytes.length);
      this.numbers.push(...numbersOf(bytes.toString()));
    });
  }

  /** On a free port, or on the one given. */
  static async open(address: string, port = 0): Promise<UdpReceiver> {
    const socket = dgram.createSocket(address.includes(":") ? "udp6" : "udp4");
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(port, address, () => resolve());
    });
    return new UdpReceiver(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

/** How the write API answers: at once with a status, or not at all. */
export type HttpManner = { readonly status: number; readonly body?: string } | "silent";

export class InfluxServer {
  readonly stored = new Set<number>();
  manner: HttpManner = { status: 204 };
  requests: { path: string; authorization: string | null }[] = [];
  #server: Deno.HttpServer<Deno.NetAddr>;
  #release: (() => void)[] = [];
  #cut = new AbortController();

  constructor(port = 0) {
    const options = { hostname: "127.0.0.1", port, signal: this.#cut.signal, onListen: () => {} };
    this.#server = Deno.serve(options, (request) => this.#answer(request));
  }

  get port(): number {
    return this.#server.addr.port;
  }

  /** Breaks all connections off. */
  async stop(): Promise<void> {
    for (const release of this.#release) release();
    this.#cut.abort();
    await this.#server.finished;
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    this.requests.push({
      path: pathname + search,
      authorization: request.headers.get("authorization"),
    });
    const numbers = numbersOf(await request.text());
    const { manner } = this;
    if (manner === "silent") {
      await new Promise<void>((resolve) => this.#release.push(resolve));
      return new Response(null, { status: 503 });
    }
    if (manner.status === 204) { for (const number of numbers) this.stored.add(number); }
    return new Response(manner.body ?? null, { status: manner.status });
  }
}

/** How collectd treats lines: takes them, refuses them, or neither reads nor replies. */
export type CollectdManner = "takes" | "refuses" | "stopped";

export class CollectdServer {
  /** What was answered with success, whole lines as they came. */
  readonly taken: string[] = [];
  refused = 0;
  manner: CollectdManner;
  /** After so many lines more the connection is closed, in mid-stream. */
  linesLeft = Infinity;
  #path: string;
  #listener: Deno.UnixListener;
  #connections = new Set<Deno.UnixConn>();
  #done: Promise<void>[] = [];

  constructor(path: string, manner: CollectdManner = "takes") {
    this.#path = path;
    this.manner = manner;
    this.#listener = Deno.listen({ transport: "unix", path });
    this.#done.push(this.#accept());
  }

  get connections(): number {
    return this.#connections.size;
  }

  async stop(): Promise<void> {
    this.#listener.close();
    Deno.removeSync(this.#path);
    for (const connection of [...this.#connections]) this.#close(connection);
    await Promise.all(this.#done);
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#connections.add(connection);
      this.#done.push(this.#serve(connection));
    }
  }

  async #serve(connection: Deno.UnixConn): Promise<void> {
    const into = new Uint8Array(1000);
    const decoder = new TextDecoder();
    let text = "";
    try {
      while (this.#connections.has(connection)) {
        if (this.manner === "stopped") {
          await new Promise((resolve) => setTimeout(resolve, POLL_MS));
          continue;
        }
        const size = await connection.read(into);
        if (size === null) break;
        const lines = (text + decoder.decode(into.subarray(0, size))).split("\n");
        text = lines.pop() ?? "";
        for (const line of lines) await this.#reply(connection, line);
      }
    } catch {
      // Closed by either end.
    }
    this.#close(connection);
  }

  async #reply(connection: Deno.UnixConn, line: string): Promise<void> {
    if (this.linesLeft-- <= 0) return this.#close(connection);
    const takes = this.manner !== "refuses";
    const reply = takes ? "0 Success: 1 value has been dispatched.\n" : "-1 No such type\n";
    await connection.write(new TextEncoder().encode(reply));
    if (takes) this.taken.push(line);
    else this.refused++;
  }

  #close(connection: Deno.UnixConn): void {
    if (this.#connections.delete(connection)) connection.close();
  }
}
