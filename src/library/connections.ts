/** connections: the reports of this machine's own connections as a stream. */
import type { ConnectionFilter } from "../connections/grouping.ts";
import { Observer, type ObserverOptions } from "../connections/observer.ts";
import { ConnectionWatch, type WatchOptions } from "../connections/watch.ts";
import { type ConnectionReport, type Grouping, GROUPINGS } from "../domain/connection.ts";
import { UsageError } from "../domain/exit.ts";
import {
  DEFAULT_INTERVAL_MS,
  DEFAULT_TOP,
  MAX_COUNT,
  MAX_DURATION_MS,
  MAX_PORT,
  MAX_READING_MS,
  MAX_TOP,
  MIN_READING_MS,
} from "../domain/limits.ts";
import { parsePeerPrefix } from "../input/peer_prefix.ts";
import { KernelScope } from "../kernel/scope.ts";
import { SockDiag } from "../kernel/sock_diag.ts";
import { openTcpCounters } from "../kernel/tcp_counters.ts";
import { quote } from "../text/quote.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { whole, within } from "./checks.ts";
import {
  Places,
  Results,
  type ResultSource,
  type ResultStream,
  type StreamOptions,
} from "./result_stream.ts";

/** Which connections are looked at, and how often. */
export interface ConnectionsOptions extends StreamOptions {
  /** What makes connections one group: their service, peer, peer's prefix, or none but themselves. `peer` unless given. */
  readonly by?: Grouping;
  /** Only connections with these peers: `10.0.0.5`, `10.0.0.0/24:5432`, `[2001:db8::/32]:443`. All unless given. */
  readonly peer?: string;
  /** Only this service: its port there where it was opened, here where it was accepted. 1 to 65,535. */
  readonly port?: number;
  /** Only connections that this machine accepted, and its listening ports; not unless given. */
  readonly listening?: boolean;
  /** Groups shown by themselves, all others are one: 1 to 1000; 8 unless given. */
  readonly top?: number;
  /** Between two readings, in milliseconds: 100 to 3,600,000; 1000 unless given. */
  readonly intervalMs?: number;
  /** Reports: 1 to 2^31 - 1; no end unless given. */
  readonly count?: number;
  /** No reading is made so many milliseconds after the first: 100 to 3,600,000,000; no end unless given. */
  readonly durationMs?: number;
  /** Reports that wait for their reader at most: 1 to 1,000,000; 16 unless given. */
  readonly buffer?: number;
  /** The clock and its timers; the machine's unless given. */
  readonly clock?: Clock;
}

/** A report of thousands of connections is larger than the result of a probe. */
const USUAL_BUFFER = 16;

/**
 * Passive measurement of the TCP connections that this machine has: each report tells what they did between
 * two readings of the kernel's figures. Nothing is sent. While the reader is slow and `whenFull` is `wait`,
 * no reading is made, and the next report covers the longer time. Throws UsageError at once where an option
 * cannot be used; SystemError comes with the first report, where the system has no such figures. Linux
 * alone; wants `--allow-ffi`.
 *
 * @example Who is slow
 * ```ts
 * import { connections } from "@wire-probe/wire-probe";
 *
 * for await (const { groups } of connections({ count: 2, intervalMs: 100 })) {
 *   for (const { group, minRttUs, verdicts } of groups) console.log(group, minRttUs, verdicts);
 * }
 * ```
 */
export function connections(options: ConnectionsOptions = {}): ResultStream<ConnectionReport> {
  return new Results(new ConnectionsSource(options), options, USUAL_BUFFER);
}

class ConnectionsSource implements ResultSource<ConnectionReport> {
  #request: Request;
  #places: Places;
  #scope = new KernelScope();
  #watch: ConnectionWatch | null = null;
  #isStopped = false;

  constructor(options: ConnectionsOptions) {
    this.#request = checked(options);
    this.#places = new Places(options, USUAL_BUFFER);
  }

  async run(put: (report: ConnectionReport) => void): Promise<void> {
    if (this.#isStopped) return;
    const { watch, observer: options, clock } = this.#request;
    const { source, counters } = this.#scope.opening(() => {
      const source = SockDiag.open();
      this.#scope.add(() => source.close());
      return { source, counters: openTcpCounters() };
    });
    const observer = new Observer(options, { source, clock, counters, beside: NOTHING });
    this.#watch = new ConnectionWatch(watch, {
      clock,
      read: () => observer.read(),
      onBaseline: () => {},
      onReport: async (report) => {
        await this.#places.take();
        put(report);
      },
    });
    await this.#watch.run();
  }

  stop(): void {
    this.#isStopped = true;
    this.#watch?.stop();
    this.#places.end();
  }

  close(): Promise<void> {
    return this.#scope.close();
  }

  taken(reports: number): void {
    this.#places.free(reports);
  }
}

/** A request, checked. */
interface Request {
  readonly clock: Clock;
  readonly watch: WatchOptions;
  readonly observer: ObserverOptions;
}

/** Throws UsageError. */
function checked(options: ConnectionsOptions): Request {
  const { by = "peer", listening = false, clock = systemClock } = options;
  if (!GROUPINGS.includes(by)) {
    throw new UsageError(`by ${quote(String(by))}: wants ${GROUPINGS.join(", ")}`);
  }
  const filter: ConnectionFilter = {
    peers: options.peer === undefined ? null : [parsePeerPrefix(options.peer, "peer")],
    port: whole("port", options.port, 1, MAX_PORT, null),
    listening,
  };
  const { top, intervalMs, count, durationMs } = options;
  return {
    clock,
    watch: {
      intervalMs: within(
        "intervalMs",
        intervalMs,
        MIN_READING_MS,
        MAX_READING_MS,
        DEFAULT_INTERVAL_MS,
      ),
      count: whole("count", count, 1, MAX_COUNT, null),
      durationMs: within("durationMs", durationMs, MIN_READING_MS, MAX_DURATION_MS, null),
    },
    observer: {
      by,
      top: whole("top", top, 1, MAX_TOP, DEFAULT_TOP),
      filter,
      listening,
      groupedPortsOnly: filter.peers !== null || filter.port !== null,
      thresholds: { rttUs: null, retransmittedRatio: null },
      steady: false,
    },
  };
}

const NOTHING = { handshakes: () => null, ownerOf: () => null, peerName: () => null };
