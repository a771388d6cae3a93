/** Looks the names of scheduled targets up: at first, after failures, and now and then. */
import type { Outcome } from "../domain/outcome.ts";
import type { Endpoint } from "../domain/target.ts";
import type { Family, Resolver } from "../net/resolver.ts";
import { messageOf } from "../text/quote.ts";
import type { Cancel, Clock } from "../time/clock.ts";
import { retryPauseMs } from "../time/schedule.ts";
import type { ScheduledTarget } from "./scheduled_target.ts";

export interface LookUpOptions {
  readonly family: Family;
  /** False where the caller keeps figures of its own and needs none here. */
  readonly statistics?: boolean;
}

export interface LookUpPorts {
  readonly clock: Clock;
  readonly resolver: Resolver;
  /** Something worth a line on stderr. */
  onNotice(text: string): void;
  /** One line of detail for the user. */
  onDetail?(text: string): void;
  /** How long to wait before a name is looked up again, in ms, after so many failures in a row. */
  lookUpPauseMs?(failures: number): number;
}

function usualPauseMs(failures: number): number {
  return retryPauseMs(failures, Math.random);
}

export class LookUps {
  #options: LookUpOptions;
  #ports: LookUpPorts;
  #timer: Cancel | null = null;
  #stopped = false;

  constructor(options: LookUpOptions, ports: LookUpPorts) {
    this.#options = options;
    this.#ports = ports;
  }

  /** Begins no further look-up, for these entries or any other. */
  stop(entries: readonly ScheduledTarget[]): void {
    this.#stopped = true;
    this.#timer?.();
    for (const entry of entries) entry.cancelLookUp();
  }

  /** Looks a name up and takes its addresses; after a failure the known addresses stay. */
  async resolve(entry: ScheduledTarget, advance: boolean): Promise<void> {
    if (entry.resolving) return;
    entry.resolving = true;
    const { resolver, onNotice } = this.#ports;
    const before = entry.failures;
    const moved = (left: Endpoint | null) => {
      if (left === null) return;
      const why = advance ? `${left.address} failed ${before} times in a row` : "resolved again";
      onNotice(`${entry.target.name}: ${why}, now probing ${entry.endpoint?.address}`);
    };
    try {
      moved(entry.adopt(await entry.lookUp(resolver, this.#options.family), advance));
      entry.unresolvedReason = "";
      entry.lookUpFailures = 0;
    } catch (error) {
      entry.failures = 0;
      const reason = `cannot resolve ${entry.target.host}: ${messageOf(error)}`;
      if (reason !== entry.unresolvedReason) onNotice(`${entry.target.name}: ${reason}`);
      entry.unresolvedReason = reason;
      if (this.#options.statistics !== false) entry.stats.lastError = reason;
      this.#later(entry);
      if (advance) moved(entry.advance());
    } finally {
      entry.resolving = false;
    }
  }

  /** Takes the next address after failures in a row, after a look-up where one may tell something new. */
  advance(entry: ScheduledTarget, outcome: Outcome): void {
    // A name without an address is looked up by its own timer.
    if (entry.endpoint === undefined) return;
    // A single address that refuses is reached, so there is no sign that it is the wrong one.
    if (entry.addresses === 1 && outcome === "refused") {
      entry.failures = 0;
    } else if (this.#ports.clock.now() < entry.lookUpMs) {
      const left = entry.advance();
      if (left === null) return;
      this.#ports.onNotice(
        `${entry.target.name}: ${left.address} failed, now probing ${entry.endpoint?.address}`,
      );
    } else {
      if (!entry.isLiteral) {
        const { name, host } = entry.target;
        const failed = `${entry.failures} failures in a row, the last one ${outcome}`;
        this.#ports.onDetail?.(`${name}: ${failed}; looking ${host} up again`);
      }
      // Not awaited: probes go on during the look-up.
      this.resolve(entry, true);
    }
  }

  /** Looks all names up again this often, in ms; `entries` are those of the moment. */
  repeat(entries: readonly ScheduledTarget[], everyMs: number): void {
    const { clock } = this.#ports;
    this.#timer = clock.wakeAt(clock.now() + everyMs, async () => {
      await Promise.all(entries.map((entry) => this.resolve(entry, false)));
      if (!this.#stopped) this.repeat(entries, everyMs);
    });
  }

  /**
   * Plans the next look-up after one that failed. The pause before it grows; a name without an
   * address needs no failing probe for it.
   */
  #later(entry: ScheduledTarget): void {
    const { clock, lookUpPauseMs = usualPauseMs } = this.#ports;
    const atMs = clock.now() + lookUpPauseMs(++entry.lookUpFailures);
    entry.lookUpMs = atMs;
    this.#ports.onDetail?.(
      `${entry.target.name}: look-up failed ${entry.lookUpFailures} times in a row, ` +
        `next one in ${Math.round(atMs - clock.now())} ms`,
    );
    if (entry.endpoint !== undefined || entry.isLiteral || entry.removed || this.#stopped) return;
    entry.lookUpTimer = clock.wakeAt(atMs, () => this.resolve(entry, false));
  }
}
