/** Listening sockets that accept and close. */
import { SystemError } from "../domain/exit.ts";
import { messageOf } from "../text/quote.ts";
import { hostPort } from "../domain/target.ts";
import type { DrainAcceptQueue } from "../kernel/accept_queue.ts";
import { errnoName } from "../kernel/errno.ts";
import { SharedPorts } from "../kernel/shared_port.ts";
import type { TcpSockets } from "../kernel/tcp_info.ts";
import { literalEndpoint } from "../domain/address.ts";

/** A socket that listens: the runtime's, or one that shares its port. */
export interface Listener {
  readonly addr: { readonly hostname: string; readonly port: number };
  /** Absent for one of the runtime, which does not tell it. */
  readonly descriptor?: number;
  accept(): Promise<{ close(): void }>;
  close(): void;
}

export interface ListenOptions {
  readonly port: number;
  readonly backlog: number;
  /** Whether other processes may listen on the port too. */
  readonly reusePort: boolean;
}

/** Listens on an address; throws what says why it cannot be had. */
export type Listen<L extends Listener> = (hostname: string, port: number) => L;

/** By the runtime. */
export function listening(backlog: number): Listen<Deno.TcpListener> {
  return (hostname, port) => Deno.listen({ hostname, port, tcpBacklog: backlog });
}

/** On a port that other processes may listen on too. Opened before the FFI permission is given up. */
function listeningShared(backlog: number): Listen<Listener> {
  const ports = SharedPorts.open();
  return (hostname, port) => {
    const endpoint = literalEndpoint(hostname, port);
    if (ports === null || endpoint === null) {
      throw new Error("a shared port wants Linux, glibc, and the permission --allow-ffi");
    }
    return ports.listen(endpoint, backlog);
  };
}

/** What a responder counts; nothing is kept per connection. */
export interface AcceptCounters {
  /** Connections that were accepted. */
  accepted: number;
  /** Connections that were gone before they could be accepted. */
  aborted: number;
  /** Times that descriptors or memory ran out; the connection waits in the backlog meanwhile. */
  exhausted: number;
}

/** How long to leave the backlog alone after descriptors ran out. */
const BACK_OFF_MS = 50;
const EXHAUSTED_CODES = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

/** Whether an address is this machine's: one that it can listen on. */
export function isOwnAddress(address: string): boolean {
  try {
    Deno.listen({ hostname: address, port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

/** Listens on every address, and on one port; throws SystemError that names the one that cannot be had. */
export function listenAs(addresses: readonly string[], options: ListenOptions): Listener[] {
  const { port, backlog, reusePort } = options;
  const listen: Listen<Listener> = reusePort ? listeningShared(backlog) : listening(backlog);
  return listenOn(addresses, port, listen);
}

/**
 * The same in one way. `port`: 0 for a free one. Where `::` takes IPv4 too, a wildcard for IPv4 beside it
 * is already served.
 */
export function listenOn<L extends Listener>(
  addresses: readonly string[],
  port: number,
  listen: Listen<L>,
): L[] {
  const listeners: L[] = [];
  const dualFirst = [...addresses].sort((a, b) => Number(b === "::") - Number(a === "::"));
  for (const address of dualFirst) {
    try {
      const listener = listen(address, port);
      port = listener.addr.port;
      listeners.push(listener);
    } catch (error) {
      const covered = address === "0.0.0.0" && addresses.includes("::") &&
        errnoName(error) === "EADDRINUSE";
      if (covered) continue;
      for (const opened of listeners) opened.close();
      throw new SystemError(`cannot listen on ${hostPort(address, port)}: ${messageOf(error)}`);
    }
  }
  return listeners;
}

/** The listener's descriptor; one of the runtime's is told from others by its address and port. -1 for none. */
function listenerDescriptor(listener: Listener, sockets: TcpSockets | null): number {
  if (listener.descriptor !== undefined) return listener.descriptor;
  const { hostname, port } = listener.addr;
  const endpoint = literalEndpoint(hostname, port);
  return endpoint === null ? -1 : sockets?.search.findBound(endpoint) ?? -1;
}

/** Drains a listener by libc; does nothing where its descriptor cannot be had. */
export function drainOf(
  listener: Listener,
  sockets: TcpSockets | null,
  drain: DrainAcceptQueue | null,
): () => number {
  const descriptor = listenerDescriptor(listener, sockets);
  return drain === null || descriptor < 0 ? () => 0 : () => drain(descriptor);
}

/** The backlog in force, after net.core.somaxconn; null where the kernel does not tell. */
export function backlogInForce(
  listener: Listener,
  sockets: TcpSockets | null,
): number | null {
  const descriptor = listenerDescriptor(listener, sockets);
  return sockets?.acceptQueue(descriptor)?.limit ?? null;
}

/** What accepting needs of its surroundings. */
export interface AcceptPorts {
  pause(ms: number): Promise<void>;
  /** Called after each turn with the number of connections in it. */
  worked(connections: number): void;
  /** Accepts and closes what else waits at the listener. */
  drain(): number;
}

/** Accepts and closes until the listener is closed. Nothing that a peer does ends it. */
export async function acceptAndClose(
  listener: Listener,
  counters: AcceptCounters,
  { pause, worked, drain }: AcceptPorts,
): Promise<void> {
  for (;;) {
    let more = 0;
    try {
      const connection = await listener.accept();
      connection.close();
      // Under load many wait by now: the runtime's own way to each costs twice as much.
      more = drain();
      counters.accepted += 1 + more;
    } catch (error) {
      if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) {
        return;
      }
      if (failedAccept(error, counters) === "exhausted") await pause(BACK_OFF_MS);
    }
    worked(1 + more);
  }
}

function failedAccept(error: unknown, counters: AcceptCounters): keyof AcceptCounters {
  const code = errnoName(error);
  const what = EXHAUSTED_CODES.has(code)
    ? "exhausted"
    // Accepted, but reset by its peer before the runtime could ask for its name.
    : code === "ENOTCONN"
    ? "accepted"
    : "aborted";
  counters[what]++;
  return what;
}
