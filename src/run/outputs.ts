/** Hands a run's results to stdout and to the exporters, as single probes and as windows. */
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import type { Window } from "../domain/summary.ts";
import type { Exporter } from "../sink/exporter.ts";
import { type Cancel, type Clock, sleepUntil } from "../time/clock.ts";
import type { ReadPressure } from "./host_pressure.ts";
import type { Report } from "./report.ts";
import { Windows } from "./windows.ts";

export interface OutputOptions {
  readonly perProbe: boolean;
  /** Null for no windows. */
  readonly windowMs: number | null;
  /** How short the host is, for the windows; absent where that is not known. */
  readonly pressure?: ReadPressure;
}

/**
 * The windows that are handed out at the end are spread over this long, in ms, but over no more
 * than half of the time that is left, and with no more than LONGEST_PAUSE_MS between two turns.
 * Receivers of datagrams do not say how much they can take, and the usual buffer of a socket holds
 * some ninety.
 */
const LAST_SPREAD_MS = 1000;
const LONGEST_PAUSE_MS = 20;
/**
 * An output that takes nothing for this long at the end, or for half of the time that is left, is
 * stuck; in ms.
 */
const STUCK_MS = 1000;

export class Outputs {
  #report: Report;
  #exporters: readonly Exporter[];
  #windows: Windows | null = null;
  #perProbe: boolean;
  #clock: Clock;
  #leftMs: () => number = () => Infinity;
  /** Until when the last windows are spread. */
  #spreadUntilMs = 0;
  /** Outputs that took nothing at the end. */
  #stuck = new Set<Report | Exporter>();

  constructor(
    report: Report,
    exporters: readonly Exporter[],
    clock: Clock,
    options: OutputOptions,
  ) {
    this.#report = report;
    this.#exporters = exporters;
    this.#perProbe = options.perProbe;
    this.#clock = clock;
    if (options.windowMs === null) return;
    this.#windows = new Windows(options.windowMs, {
      clock,
      onWindow: (window) => this.#window(window),
      dropped: () => this.dropped,
      pressure: options.pressure ?? (() => null),
      room: (turns) => this.#room(turns),
    });
  }

  /** Lines that stdout or an exporter lost so far. */
  get dropped(): number {
    return this.#exporters.reduce((sum, { dropped }) => sum + dropped, this.#report.dropped);
  }

  /** Throws UsageError when some output cannot represent a target. */
  check(targets: readonly Target[]): void {
    for (const target of targets) {
      this.#report.check(target);
      for (const exporter of this.#exporters) exporter.check(target);
    }
  }

  /** Targets that are probed from now on. */
  watch(targets: readonly Target[]): void {
    for (const exporter of this.#exporters) {
      for (const target of targets) exporter.watch?.(target);
    }
  }

  start(): void {
    this.#windows?.start();
  }

  record(record: ProbeRecord): void {
    this.#windows?.record(record);
    if (this.#perProbe) this.#report.record(record);
    for (const exporter of this.#exporters) exporter.record(record);
  }

  skip(target: Target, probes: number): void {
    this.#windows?.skip(target, probes);
    for (const exporter of this.#exporters) exporter.skipped?.(target, probes);
  }

  /** A target is probed no more. */
  forget(target: Target): void {
    this.#windows?.forget(target);
    for (const exporter of this.#exporters) exporter.forget?.(target);
  }

  /** Ends the windows and delivers what is left, for as long as `leftMs` says that there is time. */
  async close(leftMs: () => number): Promise<void> {
    this.#leftMs = leftMs;
    this.#spread();
    await this.#windows?.stop();
    const withinMs = leftMs();
    await Promise.all(this.#exporters.map((exporter) => exporter.close(withinMs)));
  }

  /** Spreads the windows that are left from now on. */
  #spread(): void {
    this.#spreadUntilMs = this.#clock.now() + Math.min(LAST_SPREAD_MS, this.#leftMs() / 2);
  }

  /**
   * Waits until each output has room for some windows, but not beyond the end of `close`; `turns`
   * are still to come. An output that is stuck is not waited for again, since the others would lose
   * their lines meanwhile. A slow reader of stdout is not stuck as long as it takes something.
   */
  async #room(turns: number): Promise<void> {
    const clock = this.#clock;
    if (this.#leftMs() <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = new Set(
      [this.#report, ...this.#exporters].filter((of) => !this.#stuck.has(of)),
    );
    for (const output of waiting) {
      Promise.resolve(output.room?.()).then(() => {
        waiting.delete(output);
        if (waiting.size === 0) resolve();
      });
    }
    let taken = this.#report.taken;
    let cancel: Cancel = () => {};
    const watch = () => {
      const leftMs = this.#leftMs();
      cancel = clock.wakeAt(clock.now() + Math.min(leftMs / 2, STUCK_MS), () => {
        for (const output of waiting) {
          if (output === this.#report && this.#report.taken !== taken) continue;
          this.#stuck.add(output);
          waiting.delete(output);
          this.#spread();
        }
        taken = this.#report.taken;
        if (waiting.size === 0 || this.#leftMs() <= 0) resolve();
        else watch();
      });
    };
    watch();
    const pauseMs = Math.max(0, this.#spreadUntilMs - clock.now()) / turns;
    const paced = sleepUntil(clock, clock.now() + Math.min(LONGEST_PAUSE_MS, pauseMs));
    await Promise.all([promise, paced]);
    cancel();
  }

  #window(window: Window): void {
    this.#report.window(window);
    for (const exporter of this.#exporters) exporter.window?.(window);
  }
}
