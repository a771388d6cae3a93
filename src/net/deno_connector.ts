/** Handshakes by `Deno.connect`, with the kernel's figures where the platform has them. */
import { NONE } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import type { TcpInfo, TcpSockets } from "../kernel/tcp_info.ts";
import { LateAbort } from "./late_abort.ts";
import type { Attempt, Connection, Connector, HandshakeSample } from "./connector.ts";

/** How a connection is closed: FIN, or RST, which leaves no TIME_WAIT behind. */
export type CloseKind = "fin" | "rst";

/** Abort signals kept for the next handshake; more than ever wait at once are not worth keeping. */
const MAX_SPARE = 1024;

export class DenoConnector implements Connector {
  #kernel: KernelSide | null;
  /** Signals that were not used, for a signal costs more than the rest of a handshake's objects. */
  #spare: LateAbort[] = [];

  /** `sockets` is null where the kernel's figures cannot be had; then only "fin" can be asked for. */
  constructor(sockets: TcpSockets | null, close: CloseKind) {
    this.#kernel = sockets === null ? null : new KernelSide(sockets, close === "rst");
  }

  connect(endpoint: Endpoint): Attempt {
    const abort = this.#spare.pop() ?? new LateAbort();
    const kernel = this.#kernel;
    // The runtime opens the socket before it returns, so the descriptor is known beforehand.
    const descriptor = kernel === null ? NONE : kernel.sockets.search.next();
    const dialled = Deno.connect({
      hostname: endpoint.address,
      port: endpoint.port,
      signal: abort.signal,
    });
    return {
      connection: dialled.then((connection) => {
        if (!abort.signal.aborted && this.#spare.length < MAX_SPARE) this.#spare.push(abort);
        return new DenoConnection(connection, endpoint, kernel, descriptor);
      }),
      answered: (out) =>
        kernel !== null && kernel.sockets.search.isConnected(descriptor, endpoint) &&
        kernel.sample(descriptor, out),
      cancel: () => abort.abort(),
    };
  }
}

/** What the kernel is asked of a connection, and told. */
class KernelSide {
  readonly sockets: TcpSockets;
  readonly reset: boolean;
  #info: TcpInfo = { rttUs: 0, retransmits: 0 };

  constructor(sockets: TcpSockets, reset: boolean) {
    this.sockets = sockets;
    this.reset = reset;
  }

  /** False, and nothing written, for what has no handshake behind it. */
  sample(descriptor: number, out: HandshakeSample): boolean {
    const info = this.#info;
    if (!this.sockets.info(descriptor, info)) return false;
    out.rttUs = info.rttUs > 0 ? info.rttUs : NONE;
    out.synRetransmits = info.retransmits;
    return true;
  }
}

class DenoConnection implements Connection {
  #connection: Deno.TcpConn;
  #endpoint: Endpoint;
  #kernel: KernelSide | null;
  #guess: number;

  constructor(
    connection: Deno.TcpConn,
    endpoint: Endpoint,
    kernel: KernelSide | null,
    guess: number,
  ) {
    this.#connection = connection;
    this.#endpoint = endpoint;
    this.#kernel = kernel;
    this.#guess = guess;
  }

  sample(out: HandshakeSample): void {
    const kernel = this.#kernel;
    if (kernel !== null && kernel.sample(this.#find(kernel), out)) return;
    out.rttUs = NONE;
    out.synRetransmits = NONE;
  }

  close(): void {
    const kernel = this.#kernel;
    if (kernel !== null && kernel.reset) kernel.sockets.resetOnClose(this.#find(kernel));
    this.#connection.close();
  }

  #find(kernel: KernelSide): number {
    const { port } = this.#connection.localAddr;
    return this.#guess = kernel.sockets.search.find(port, this.#endpoint, this.#guess);
  }
}
