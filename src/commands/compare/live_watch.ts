/** The live connections to the targets, as the kernel tells of them while these are compared. */
import { Observer } from "../../connections/observer.ts";
import { ConnectionWatch } from "../../connections/watch.ts";
import type {
  ConnectionGroup,
  ConnectionReport,
  ConnectionVerdictName,
  RttSpread,
} from "../../domain/connection.ts";
import type { LiveFigures, LiveSpread } from "../../domain/comparison.ts";
import type { Endpoint } from "../../domain/target.ts";
import { SystemError } from "../../domain/exit.ts";
import { SockDiag } from "../../kernel/sock_diag.ts";
import type { Clock } from "../../time/clock.ts";
import { median } from "../../stats/quantile.ts";

const INTERVAL_MS = 1000;
/** Readings whose medians are kept: an hour's. */
const MAX_READINGS = 3600;

/** A source of readings, opened before rights are given up; null where the kernel tells nothing. */
export function openLiveSource(): SockDiag | null {
  try {
    return SockDiag.open();
  } catch (error) {
    if (error instanceof SystemError) return null;
    throw error;
  }
}

/** Readings of the connections to one address and port that were there at the start. */
export class LiveWatch {
  #watch: ConnectionWatch;
  #source: SockDiag;
  #begun = Promise.withResolvers<void>();
  #ended: Promise<void> | null = null;
  readonly figures = new LiveTotals();

  constructor({ bytes, port }: Endpoint, source: SockDiag, clock: Clock) {
    this.#source = source;
    const observer = new Observer({
      by: "peer",
      top: 1,
      filter: {
        peers: [{ bytes, bits: 8 * bytes.length, port }],
        port: null,
        listening: false,
      },
      listening: false,
      groupedPortsOnly: true,
      thresholds: { rttUs: null, retransmittedRatio: null },
      steady: false,
    }, {
      source,
      clock,
      counters: () => null,
      beside: { handshakes: () => null, ownerOf: () => null, peerName: () => null },
    });
    this.#watch = new ConnectionWatch({ intervalMs: INTERVAL_MS, count: null, durationMs: null }, {
      clock,
      read: () => observer.read(),
      onBaseline: (report) => {
        this.figures.begin(report);
        this.#begun.resolve();
      },
      onReport: (report) => this.figures.add(report),
    });
  }

  /** Resolves after the first reading; what the kernel refuses then, or later, ends the readings. */
  async start(): Promise<void> {
    this.#ended = this.#watch.run().catch((error) => {
      if (!(error instanceof SystemError)) throw error;
    });
    await Promise.race([this.#begun.promise, this.#ended]);
  }

  async stop(): Promise<void> {
    this.#watch.stop();
    await this.#ended;
    this.#source.close();
  }
}

/** Reports added up. */
export class LiveTotals {
  #connections = 0;
  #readings = 0;
  #segmentsOut = 0;
  #segmentsRetransmitted = 0;
  #minRttUs: number | null = null;
  #rtt = new SpreadTotals();
  #replyRtt = new SpreadTotals();
  #evidence = new Map<ConnectionVerdictName, string>();

  /** The first reading, before any handshake of our own: those linger while a peer is slow to close. */
  begin({ groups }: ConnectionReport): void {
    for (const { direction, connections } of groups) {
      if (direction === "out") this.#connections += connections;
    }
  }

  add({ groups }: ConnectionReport): void {
    if (this.#connections === 0) return;
    for (const group of groups) {
      if (group.direction === "out" && group.observedUs > 0) this.#group(group);
    }
  }

  /** Null where there was no connection. */
  get(): LiveFigures | null {
    if (this.#readings === 0) return null;
    return {
      connections: this.#connections,
      readings: this.#readings,
      segmentsOut: this.#segmentsOut,
      segmentsRetransmitted: this.#segmentsRetransmitted,
      minRttUs: this.#minRttUs,
      rtt: this.#rtt.get(),
      replyRtt: this.#replyRtt.get(),
      loss: this.#evidence.get("loss") ?? null,
      queueing: this.#evidence.get("queueing") ?? null,
    };
  }

  #group(group: ConnectionGroup): void {
    this.#readings++;
    this.#segmentsOut += group.segmentsOut;
    this.#segmentsRetransmitted += group.segmentsRetransmitted;
    const { minRttUs, rtt, replyRtt, verdicts } = group;
    if (minRttUs !== null) this.#minRttUs = Math.min(this.#minRttUs ?? minRttUs, minRttUs);
    this.#rtt.add(rtt);
    this.#replyRtt.add(replyRtt);
    for (const { verdict, evidence } of verdicts) this.#evidence.set(verdict, evidence);
  }
}

class SpreadTotals {
  #count = 0;
  #minUs = Infinity;
  #maxUs = 0;
  #medians: number[] = [];

  add(spread: RttSpread | null): void {
    if (spread === null || spread.count === 0) return;
    this.#count += spread.count;
    this.#minUs = Math.min(this.#minUs, spread.minUs);
    this.#maxUs = Math.max(this.#maxUs, spread.maxUs);
    if (this.#medians.length < MAX_READINGS) this.#medians.push(spread.p50Us);
  }

  get(): LiveSpread | null {
    if (this.#count === 0) return null;
    const medians = [...this.#medians];
    const p50Us = median(medians);
    return { count: this.#count, minUs: this.#minUs, p50Us, maxUs: this.#maxUs, medians };
  }
}
