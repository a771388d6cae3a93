/** Traces to many targets: so many at once, the next one begun when one is over. */
import type { TraceProtocol, TraceReport } from "../domain/path.ts";
import { type Clock, Pause } from "../time/clock.ts";
import type { OneTrace } from "./one_trace.ts";

/** Traces under way at once, and how many sockets one of them may need. */
export const MAX_TRACES = 256;
const SOCKETS_A_TRACE = 20;
/** Between the starts of two traces, so that their first packets fill no queue on the way. */
const START_EVERY_MS = 1;

/** The first of the ports that traces use by tradition, on which nobody listens. */
const UDP_PORT = 33_434;
const TCP_PORT = 443;

/** The port that is traced to where none is named. */
export function usualPort(protocol: TraceProtocol): number {
  return protocol === "udp" ? UDP_PORT : TCP_PORT;
}

/**
 * How many traces may be under way in a process with this descriptor limit; null for an unknown
 * limit.
 */
export function tracesAtOnce(descriptors: number | null): number {
  const sockets = descriptors ?? MAX_TRACES * SOCKETS_A_TRACE;
  return Math.max(1, Math.min(MAX_TRACES, Math.floor(sockets / SOCKETS_A_TRACE)));
}

export interface TracesPorts {
  readonly clock: Clock;
  /** The trace in this place; null where there is nothing to trace to. */
  begin(place: number): OneTrace | null | Promise<OneTrace | null>;
  /** The trace in this place is over; null where there was none, or the run ended before it. */
  ended(place: number, report: TraceReport | null): void | Promise<void>;
}

export class Traces {
  #ports: TracesPorts;
  #running = new Set<OneTrace>();
  #pauses = new Set<Pause>();
  #isStopped = false;

  constructor(ports: TracesPorts) {
    this.#ports = ports;
  }

  /** Begins the traces in this order; resolves when all are over, rejects with what a port threw. */
  async run(places: readonly number[], atOnce: number): Promise<void> {
    const { clock } = this.#ports;
    const startMs = clock.now();
    let next = 0;
    const work = async () => {
      const pause = new Pause();
      this.#pauses.add(pause);
      while (next < places.length) {
        const turn = next++;
        if (!this.#isStopped) await pause.until(clock, startMs + turn * START_EVERY_MS);
        await this.#one(places[turn]);
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, places.length) }, work));
  }

  /** Ends the traces under way; those that have not begun never do. */
  stop(): void {
    this.#isStopped = true;
    for (const pause of this.#pauses) pause.end();
    for (const one of this.#running) one.stop();
  }

  async #one(place: number): Promise<void> {
    const one = this.#isStopped ? null : await this.#ports.begin(place);
    if (one === null) return await this.#ports.ended(place, null);
    this.#running.add(one);
    if (this.#isStopped) one.stop();
    const report = await one.run();
    this.#running.delete(one);
    await this.#ports.ended(place, report);
  }
}
