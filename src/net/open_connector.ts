/** Opens the way in which handshakes are made: the runtime's connect, or sockets of our own. */
import { SystemError } from "../domain/exit.ts";
import type { Endpoint } from "../domain/target.ts";
import { ConnectingSockets } from "../kernel/connecting_sockets.ts";
import { TcpSockets } from "../kernel/tcp_info.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import type { Connector, HandshakeObserver } from "./connector.ts";
import {
  type ConnectorChoice,
  isBound,
  isByRuntime,
  OWN_SOCKETS_FROM,
} from "./connector_choice.ts";
import { DenoConnector } from "./deno_connector.ts";
import { OwnConnector } from "./own_connector.ts";

/** `Deno.connect`, or sockets of our own from a source address or an interface, and at a rate. */
export function connectorFor(
  choice: ConnectorChoice,
  sockets: TcpSockets | null,
  clock: Clock = systemClock,
): Connector {
  const { source, device, close, rate, even } = choice;
  const bound = isBound(choice);
  if (isByRuntime(choice)) return new DenoConnector(sockets, close);
  const connects = ConnectingSockets.open(source, device);
  const asked = source === null ? `--interface ${device}` : `--source ${source.address}`;
  const infos = TcpSockets.open("often");
  if (connects === null || infos === null) {
    if (!bound) return new DenoConnector(sockets, close);
    throw new SystemError(`${asked}: this platform offers no way to bind`);
  }
  const refusal = connects.refusal();
  if (refusal !== null) throw new SystemError(`${asked}: ${refusal}`);
  const steady = rate >= OWN_SOCKETS_FROM && even;
  return new OwnConnector(connects, infos, clock, { close, steady });
}

/**
 * The runtime's connect below a rate, sockets of our own above it, for a run whose targets may change.
 * Both are opened at its start, since later it may open nothing any more. Handshakes under way end by the
 * way they were begun.
 */
export class ConnectorByRate implements Connector {
  /** By what a handle's lowest bit says. */
  #ways: readonly [Connector, Connector];
  #way: 0 | 1 = 0;

  constructor(runtime: Connector, own: Connector) {
    this.#ways = [runtime, own];
  }

  /** Null where there is but one way. */
  static open(
    choice: Omit<ConnectorChoice, "rate">,
    sockets: TcpSockets | null,
  ): ConnectorByRate | null {
    if (isBound(choice)) return null;
    const own = connectorFor({ ...choice, rate: OWN_SOCKETS_FROM }, sockets);
    if (!(own instanceof OwnConnector)) return null;
    return new ConnectorByRate(new DenoConnector(sockets, choice.close), own);
  }

  /** From now on there are so many probes a second. */
  choose(rate: number): void {
    this.#way = rate >= OWN_SOCKETS_FROM ? 1 : 0;
  }

  get sendsATurn(): number {
    return this.#ways[this.#way].sendsATurn;
  }

  connect(endpoint: Endpoint, observer: HandshakeObserver): number {
    const way = this.#way;
    return this.#ways[way].connect(endpoint, observer) * 2 + way;
  }

  readAnswers(): void {
    for (const way of this.#ways) way.readAnswers?.();
  }

  poll(handle: number): boolean {
    return this.#ways[handle & 1].poll(handle >> 1);
  }

  cancel(handle: number): void {
    this.#ways[handle & 1].cancel(handle >> 1);
  }
}
