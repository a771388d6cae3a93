/** Handshakes by `Deno.connect`, with the kernel's figures where the platform has them. */
import { NONE } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import type { TcpInfo, TcpSockets } from "../kernel/tcp_info.ts";
import type { Attempt, Connection, Connector, HandshakeSample } from "./connector.ts";

/** How a connection is closed: FIN, or RST, which leaves no TIME_WAIT behind. */
export type CloseKind = "fin" | "rst";

export class DenoConnector implements Connector {
  #sockets: TcpSockets | null;
  #close: CloseKind;
  #info: TcpInfo = { rttUs: 0, retransmits: 0 };

  /** `sockets` is null where the kernel's figures cannot be had; then only "fin" can be asked for. */
  constructor(sockets: TcpSockets | null, close: CloseKind) {
    this.#sockets = sockets;
    this.#close = close;
  }

  connect(endpoint: Endpoint): Attempt {
    const abort = new AbortController();
    // The runtime asks the signal once more after the handshake, and would leave an established
    // socket without an owner when the abort fell into that moment. With nothing thrown there,
    // the connection is handed over after all, and its owner closes it.
    abort.signal.throwIfAborted = ignoreAbort;
    const dialled = Deno.connect({
      hostname: endpoint.address,
      port: endpoint.port,
      signal: abort.signal,
    });
    return {
      connection: dialled.then((connection) => this.#wrap(connection, endpoint)),
      cancel: () => abort.abort(),
    };
  }

  #wrap(connection: Deno.TcpConn, endpoint: Endpoint): Connection {
    return {
      sample: (out) => this.#sample(connection, endpoint, out),
      close: () => {
        if (this.#close === "rst") this.#resetOnClose(connection, endpoint);
        connection.close();
      },
    };
  }

  #sample(connection: Deno.TcpConn, endpoint: Endpoint, out: HandshakeSample): void {
    const sockets = this.#sockets;
    const known = sockets !== null &&
      sockets.info(sockets.find(connection.localAddr.port, endpoint), this.#info);
    out.rttUs = known && this.#info.rttUs > 0 ? this.#info.rttUs : NONE;
    out.synRetransmits = known ? this.#info.retransmits : NONE;
  }

  #resetOnClose(connection: Deno.TcpConn, endpoint: Endpoint): void {
    const sockets = this.#sockets;
    sockets?.resetOnClose(sockets.find(connection.localAddr.port, endpoint));
  }
}

function ignoreAbort(): void {}
