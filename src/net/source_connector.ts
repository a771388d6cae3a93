/** Handshakes from an address of the user's choice, which the runtime's own connect cannot bind. */
import { NONE } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import { ErrnoError } from "../kernel/errno.ts";
import { ERRNO } from "../kernel/linux.ts";
import type { TcpConnects } from "../kernel/tcp_connect.ts";
import type { TcpInfo, TcpSockets } from "../kernel/tcp_info.ts";
import type { Attempt, Connection, Connector, HandshakeSample } from "./connector.ts";
import type { CloseKind } from "./deno_connector.ts";

export class SourceConnector implements Connector {
  #connects: TcpConnects;
  #sockets: TcpSockets;
  #source: Endpoint;
  #close: CloseKind;
  #info: TcpInfo = { rttUs: 0, retransmits: 0 };

  constructor(connects: TcpConnects, sockets: TcpSockets, source: Endpoint, close: CloseKind) {
    this.#connects = connects;
    this.#sockets = sockets;
    this.#source = source;
    this.#close = close;
  }

  connect(endpoint: Endpoint): Attempt {
    if (endpoint.family !== this.#source.family) {
      const error = new ErrnoError("bind", ERRNO.EAFNOSUPPORT);
      return { connection: Promise.reject(error), answered: () => false, cancel: () => {} };
    }
    const pending = this.#connects.connect(endpoint, this.#source);
    return {
      connection: pending.descriptor.then((descriptor) => this.#wrap(descriptor)),
      // Its own poller tells of it in the next turn at the latest.
      answered: () => false,
      cancel: () => pending.cancel(),
    };
  }

  #wrap(descriptor: number): Connection {
    return {
      sample: (out) => this.#sample(descriptor, out),
      close: () => {
        if (this.#close === "rst") this.#sockets.resetOnClose(descriptor);
        this.#connects.close(descriptor);
      },
    };
  }

  #sample(descriptor: number, out: HandshakeSample): void {
    const known = this.#sockets.info(descriptor, this.#info);
    out.rttUs = known && this.#info.rttUs > 0 ? this.#info.rttUs : NONE;
    out.synRetransmits = known ? this.#info.retransmits : NONE;
  }
}
