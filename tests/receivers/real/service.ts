/** A service on loopback that accepts as a test tells it: always, never, or so seldom that SYNs are dropped. */
import { passing } from "./receiver.ts";

/** The kernel keeps so few connections for accept, and drops SYNs while there are as many. */
const BACKLOG = 1;
/** Between two looks at what has come, where it accepts seldom; a dropped SYN comes again after a second. */
const SELDOM_MS = 700;
const LOOK_MS = 50;

export class Service implements AsyncDisposable {
  pace: "always" | "seldom" | "never" = "always";
  readonly port: number;
  #listener: Deno.TcpListener;
  #running: Promise<void>;
  #open = true;
  /** An accept under way. */
  #accepting: Promise<void> | null = null;

  /** On loopback; 0 picks a port. */
  constructor(port = 0) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port, tcpBacklog: BACKLOG });
    this.port = this.#listener.addr.port;
    this.#running = this.#run();
  }

  get target(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** From now on the kernel refuses. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#open) this.#listener.close();
    this.#open = false;
    await this.#running;
    // The last wait for a connection.
    await passing(LOOK_MS);
  }

  async #run(): Promise<void> {
    while (this.#open) {
      if (this.pace === "never") await passing(LOOK_MS);
      else if (this.pace === "always") await this.#accept();
      else {
        await passing(SELDOM_MS);
        for (let i = 0; i <= BACKLOG + 1; i++) await this.#accept();
      }
    }
  }

  /** Waits for a connection for a moment. */
  async #accept(): Promise<void> {
    this.#accepting ??= this.#next();
    await Promise.race([this.#accepting, passing(LOOK_MS)]);
  }

  async #next(): Promise<void> {
    try {
      (await this.#listener.accept()).close();
    } catch (error) {
      if (this.#open) throw error;
    }
    this.#accepting = null;
  }
}
