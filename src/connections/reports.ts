/** The reports of this machine's connections as an async iterable, for programs that use this one. */
import type { ConnectionReport, Grouping } from "../domain/connection.ts";
import { SockDiag } from "../kernel/sock_diag.ts";
import { openTcpCounters } from "../kernel/tcp_counters.ts";
import { systemClock } from "../time/clock.ts";
import type { ConnectionFilter } from "./grouping.ts";
import { Observer } from "./observer.ts";
import { ConnectionWatch } from "./watch.ts";

/** Groups shown by themselves, and ms between two readings, where nothing else is asked for. */
const DEFAULT_TOP = 8;
const DEFAULT_INTERVAL_MS = 1000;

export interface ConnectionsRequest {
  /** What makes connections one group; by their peers unless given. */
  readonly by?: Grouping;
  /** Which connections are looked at; all of them unless given. */
  readonly filter?: Partial<ConnectionFilter>;
  /** Groups that are shown by themselves; all others are one. 8 unless given. */
  readonly top?: number;
  /** Between two readings, in ms: 100 to 3,600,000; 1000 unless given. */
  readonly intervalMs?: number;
  /** Reports there are to be; no end unless given. */
  readonly count?: number;
  /** Ends the readings; the iterable then ends without an error. */
  readonly signal?: AbortSignal;
}

/**
 * Passive measurement of the TCP connections that this machine has: each report tells what they did
 * between two readings of the kernel's figures. Nothing is sent. A report that is not taken before the
 * next one comes is replaced by it. Linux alone; throws SystemError elsewhere, or where the kernel
 * refuses. Wants `--allow-ffi`.
 *
 * @example
 * ```ts
 * for await (const { groups } of connections({ filter: { port: 5432 }, count: 3 })) {
 *   for (const { group, minRttUs, verdicts } of groups) console.log(group, minRttUs, verdicts);
 * }
 * ```
 */
export async function* connections(
  request: ConnectionsRequest = {},
): AsyncGenerator<ConnectionReport, void, void> {
  const { by = "peer", top = DEFAULT_TOP, intervalMs = DEFAULT_INTERVAL_MS, signal } = request;
  const filter = { ...EVERYTHING, ...request.filter };
  const source = SockDiag.open();
  const observer = new Observer({
    by,
    top,
    filter,
    listening: filter.listening,
    groupedPortsOnly: filter.peer !== null || filter.peerPort !== null || filter.port !== null,
    thresholds: { rttUs: null, retransmittedRatio: null },
    steady: false,
  }, { source, clock: systemClock, counters: openTcpCounters(), beside: NOTHING });
  let newest: ConnectionReport | null = null;
  let arrived = Promise.withResolvers<void>();
  const watch = new ConnectionWatch(
    { intervalMs, count: request.count ?? null, durationMs: null },
    {
      clock: systemClock,
      read: () => observer.read(),
      onBaseline: () => {},
      onReport: (report) => {
        newest = report;
        arrived.resolve();
      },
    },
  );
  const stop = () => watch.stop();
  signal?.addEventListener("abort", stop);
  if (signal?.aborted === true) stop();
  let running = true;
  const ended = watch.run().finally(() => running = false);
  try {
    while (running) {
      await Promise.race([arrived.promise, ended]);
      const report: ConnectionReport | null = newest;
      newest = null;
      arrived = Promise.withResolvers();
      if (report !== null) yield report;
    }
    await ended;
    if (newest !== null) yield newest;
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
    await ended.catch(() => {});
    source.close();
  }
}

const EVERYTHING: ConnectionFilter = { peer: null, peerPort: null, port: null, listening: false };
const NOTHING = { handshakes: () => null, ownerOf: () => null, peerName: () => null };
