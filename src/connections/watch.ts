/** Readings on a schedule, from the first to the last report or to a stop. */
import type { ConnectionReport } from "../domain/connection.ts";
import { type Clock, Pause } from "../time/clock.ts";
import { dueMs, skippedSlots } from "../time/schedule.ts";

export interface WatchOptions {
  readonly intervalMs: number;
  /** Reports there are to be; null for no end. */
  readonly count: number | null;
  /** Null for no end. */
  readonly durationMs: number | null;
}

export interface WatchPorts {
  readonly clock: Clock;
  /** One reading; the first one's interval is 0. */
  read(): Promise<ConnectionReport>;
  /** The first reading, which is no report. */
  onBaseline(report: ConnectionReport): void;
  /** The next reading waits for what this returns. */
  onReport(report: ConnectionReport): void | Promise<void>;
}

export class ConnectionWatch {
  #options: WatchOptions;
  #ports: WatchPorts;
  #stopped = false;
  #pause = new Pause();

  constructor(options: WatchOptions, ports: WatchPorts) {
    this.#options = options;
    this.#ports = ports;
  }

  /** Resolves after the last report; rejects when a reading fails. */
  async run(): Promise<void> {
    const { intervalMs, count, durationMs } = this.#options;
    const { clock, read, onBaseline, onReport } = this.#ports;
    const startMs = clock.now();
    const endMs = durationMs === null ? Infinity : startMs + durationMs;
    onBaseline(await read());
    let slot = 1;
    for (let reports = 0; count === null || reports < count; reports++) {
      // A reading that took longer than an interval has cost slots, which are not made up for.
      slot += skippedSlots(startMs, intervalMs, slot, clock.now());
      const atMs = Math.min(dueMs(startMs, intervalMs, slot), endMs);
      slot++;
      await this.#pause.until(clock, atMs);
      if (this.#stopped) break;
      await onReport(await read());
      if (atMs >= endMs) break;
    }
  }

  /** Ends the wait for the next reading, and all that would follow. */
  stop(): void {
    this.#stopped = true;
    this.#pause.end();
  }
}
