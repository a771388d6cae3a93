/** A responder for handshakes: it accepts connections and closes them. */
import { literalEndpoint } from "../domain/address.ts";
import { UsageError } from "../domain/exit.ts";
import { DEFAULT_BACKLOG, MAX_COUNT, MAX_PORT } from "../domain/limits.ts";
import { KernelScope } from "../kernel/scope.ts";
import { TcpSockets } from "../kernel/tcp_info.ts";
import type { AcceptCounters } from "../net/listener.ts";
import { type ListeningSocket, Responder } from "../net/responder.ts";
import { quote } from "../text/quote.ts";
import { whole } from "./checks.ts";

/** Where a responder listens. */
export interface ServeOptions {
  /** Port to listen on: 0 to 65,535; 0, which picks a free one, unless given. */
  readonly port?: number;
  /** IP addresses to listen on; `0.0.0.0` unless given. `::` takes IPv4 too. */
  readonly addresses?: readonly string[];
  /** Connections that may wait to be accepted: 1 to 2^31 - 1; 4096 unless given. */
  readonly backlog?: number;
  /** Whether the port is shared with other processes (SO_REUSEPORT, `--allow-ffi`); not unless given. */
  readonly reusePort?: boolean;
  /** Told after each turn of the event loop how many connections were accepted in it. */
  readonly onAccepted?: (connections: number) => void;
  /** Closes it. */
  readonly signal?: AbortSignal;
}

/** A responder that listens. */
export interface Server extends AsyncDisposable {
  /** The port in force; the same on all addresses. */
  readonly port: number;
  /** Where it listens. */
  readonly sockets: readonly ListeningSocket[];
  /** What was accepted so far. */
  readonly counters: Readonly<AcceptCounters>;
  /** Resolves when it is closed. */
  readonly finished: Promise<void>;
  /** Stops listening; resolves when everything is freed. Harmless when done twice. */
  close(): Promise<void>;
}

/**
 * Accepts TCP connections and closes them at once, until it is closed: what `probe` is pointed at. Throws
 * UsageError where an option cannot be used, and SystemError that names an address or port that cannot be
 * had. Wants `--allow-net`.
 *
 * @example Accepts for as long as the block runs
 * ```ts
 * import { probe, serve } from "@wire-probe/wire-probe";
 *
 * await using server = serve({ addresses: ["127.0.0.1", "::1"] });
 * for await (const _ of probe(`127.0.0.1:${server.port}`, { count: 3, intervalMs: 10 }));
 * console.log(`${server.counters.accepted} connections`);
 * ```
 */
export function serve(options: ServeOptions = {}): Server {
  const { addresses = ["0.0.0.0"], reusePort = false, onAccepted = () => {}, signal } = options;
  for (const address of addresses) {
    if (literalEndpoint(address, 0) !== null) continue;
    throw new UsageError(`address ${quote(address)}: wants an IP address of this machine`);
  }
  if (addresses.length === 0) throw new UsageError("addresses: wants at least one");
  const listen = {
    port: whole("port", options.port, 0, MAX_PORT, 0),
    backlog: whole("backlog", options.backlog, 1, MAX_COUNT, DEFAULT_BACKLOG),
    reusePort,
  };
  const scope = new KernelScope();
  const responder = scope.opening(() => new Responder(addresses, listen, TcpSockets.open()));
  const stop = () => responder.close();
  signal?.addEventListener("abort", stop);
  if (signal?.aborted === true) stop();
  const finished = responder.run(onAccepted).finally(() => {
    signal?.removeEventListener("abort", stop);
    return scope.close();
  });
  const close = () => {
    stop();
    return finished;
  };
  const { sockets, counters } = responder;
  return {
    port: sockets[0].port,
    sockets,
    counters,
    finished,
    close,
    [Symbol.asyncDispose]: close,
  };
}
