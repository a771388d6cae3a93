/** What decides how handshakes are made: by the runtime's connect, or on sockets of our own. */
import type { Endpoint } from "../domain/target.ts";
import type { CloseKind } from "./connector.ts";

/** What is missing where `TcpSockets.open` gives null. */
export const NO_KERNEL_FIGURES = "this platform or its permissions offer no TCP_INFO";

/**
 * From so many probes a second on, handshakes are made on sockets of our own. `task bench:connectors`: they
 * cost less CPU at any rate, by some 5 to 20 % up to here, where it is a few per cent of a core, and by 25 to
 * 35 % at 3,000 a second. Below it the runtime's connect, which every platform has, is the probe.
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

/** Whether sockets are bound to an address or an interface, which the runtime's connect cannot do. */
export function isBound({ source, device }: Pick<ConnectorChoice, "source" | "device">): boolean {
  return source !== null || device !== null;
}

/** Whether the runtime's connect is the way. */
export function isByRuntime(choice: Pick<ConnectorChoice, "source" | "device" | "rate">): boolean {
  return !isBound(choice) && choice.rate < OWN_SOCKETS_FROM;
}
