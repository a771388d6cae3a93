/** Answers handshakes: sockets that accept and close, for every command that has some. */
import { hostPort } from "../domain/target.ts";
import { openDrain } from "../kernel/accept_queue.ts";
import type { TcpSockets } from "../kernel/tcp_info.ts";
import {
  acceptAndClose,
  type AcceptCounters,
  backlogInForce,
  drainOf,
  listenAs,
  type Listener,
  type ListenOptions,
} from "./listener.ts";
import { sleepUntil, systemClock } from "../time/clock.ts";

/** A socket that listens. */
export interface ListeningSocket {
  /** The address that it is bound to. */
  readonly address: string;
  /** Its port. */
  readonly port: number;
  /** Connections that may wait in it, by what the kernel says; null where it does not tell. */
  readonly backlog: number | null;
}

/** Where a socket listens, in words; `asked`: the backlog that was asked for. */
export function listeningText({ address, port, backlog }: ListeningSocket, asked: number): string {
  return `listening on ${hostPort(address, port)}, backlog ${backlogText(backlog, asked)}`;
}

export class Responder {
  readonly counters: AcceptCounters = { accepted: 0, aborted: 0, exhausted: 0 };
  #listeners: readonly Listener[];
  #drains: readonly (() => number)[];
  #sockets: TcpSockets | null;
  #open = true;

  /** Listens at once; throws SystemError that names the address that cannot be had. */
  constructor(addresses: readonly string[], options: ListenOptions, sockets: TcpSockets | null) {
    this.#sockets = sockets;
    this.#listeners = listenAs(addresses, options);
    const drain = openDrain();
    this.#drains = this.#listeners.map((listener) => drainOf(listener, sockets, drain));
  }

  /** Where it listens. */
  get sockets(): ListeningSocket[] {
    return this.#listeners.map((listener) => ({
      address: listener.addr.hostname,
      port: listener.addr.port,
      backlog: backlogInForce(listener, this.#sockets),
    }));
  }

  /** Answers until it is closed; `worked` is told of each turn's connections. */
  async run(worked: (connections: number) => void): Promise<void> {
    const pause = (ms: number) => sleepUntil(systemClock, systemClock.now() + ms);
    await Promise.all(
      this.#listeners.map((listener, i) =>
        acceptAndClose(listener, this.counters, { pause, worked, drain: this.#drains[i] })
      ),
    );
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const listener of this.#listeners) listener.close();
  }
}

function backlogText(inForce: number | null, asked: number): string {
  if (inForce === null) return `${asked} asked for`;
  return inForce < asked
    ? `${inForce} (${asked} asked for; net.core.somaxconn is the bound)`
    : String(inForce);
}
