/** Which way handshakes are made: by the runtime's connect, or on sockets of our own. */
import { SystemError } from "../domain/exit.ts";
import type { Endpoint } from "../domain/target.ts";
import { ConnectingSockets } from "../kernel/connecting_sockets.ts";
import type { TcpSockets } from "../kernel/tcp_info.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import type { CloseKind, Connector } from "./connector.ts";
import { DenoConnector } from "./deno_connector.ts";
import { OwnConnector } from "./own_connector.ts";

/** What is missing where `TcpSockets.open` gives null. */
export const NO_KERNEL_FIGURES = "this platform or its permissions offer no TCP_INFO";

/**
 * From so many probes a second on, sockets of our own cost less CPU than the runtime's connect
 * (`task bench:scale`); below it they would wait in a thread for each answer.
 */
export const OWN_SOCKETS_FROM = 1000;

/** What a connector is chosen by. */
export interface ConnectorChoice {
  readonly source: Endpoint | null;
  readonly device: string | null;
  readonly close: CloseKind;
  /** Probes a second, all targets together. */
  readonly rate: number;
  /** Whether they are spread evenly over each second. */
  readonly even: boolean;
}

/** `Deno.connect`, or sockets of our own from a source address or an interface, and at a rate. */
export function connectorFor(
  { source, device, close, rate, even }: ConnectorChoice,
  sockets: TcpSockets | null,
  clock: Clock = systemClock,
): Connector {
  const atRate = rate >= OWN_SOCKETS_FROM;
  const bound = source !== null || device !== null;
  if (!bound && !atRate) return new DenoConnector(sockets, close);
  const connects = ConnectingSockets.open(source, device);
  const asked = source === null ? `--interface ${device}` : `--source ${source.address}`;
  if (connects === null || sockets === null) {
    if (!bound) return new DenoConnector(sockets, close);
    throw new SystemError(`${asked}: this platform offers no way to bind`);
  }
  const refusal = connects.refusal();
  if (refusal !== null) throw new SystemError(`${asked}: ${refusal}`);
  const steady = atRate && even;
  return new OwnConnector(connects, sockets, clock, { close, steady });
}
