/**
 * The outputs of a repeated trace beside standard output: exporters, and a line for each change.
 */
import type { PathRound } from "../../domain/path.ts";
import { pathInflux } from "../../format/path_influx.ts";
import { PathSeries } from "../../format/path_metrics.ts";
import { hostName } from "../../kernel/process.ts";
import type { Connector } from "../../net/connector.ts";
import { placeOf } from "../../run/introduction.ts";
import { say } from "../../run/outbox.ts";
import { Receivers, reportRun } from "../../run/receivers.ts";
import { durationText } from "../../text/duration.ts";
import { type Clock, systemClock } from "../../time/clock.ts";
import type { TraceOptions } from "./options.ts";

/** Between two lines about the path to one target; what changes in between is counted. */
const SAID_EVERY_MS = 60_000;

/** The last line about a target's path. */
interface Said {
  atMs: number;
  /** Changes until then. */
  changes: number;
}

export class TraceOutputs {
  #receivers: Receivers;
  #series: PathSeries;
  #host = hostName();
  #clock: Clock = systemClock;
  /** By target; there are as many as are traced at once. */
  #said = new Map<string, Said>();

  private constructor(receivers: Receivers, series: PathSeries) {
    this.#receivers = receivers;
    this.#series = series;
  }

  /** Null where nothing is exported; throws SystemError when an exporter cannot be had at all. */
  static async open(
    { exports, http, intervalMs }: TraceOptions,
    version: string,
    connector: Connector,
  ): Promise<TraceOutputs | null> {
    if (exports.length === 0) return null;
    const series = new PathSeries();
    const receivers = await Receivers.open(reportRun(exports, http, intervalMs), {
      connector,
      version,
      families: () => series.families(),
    });
    return new TraceOutputs(receivers, series);
  }

  round(round: PathRound): void {
    this.#series.add(round);
    this.#receivers.write("influx", () => pathInflux(round, this.#host));
    if (round.change !== null) this.#sayOf(round);
  }

  /** Delivers what is left, within the outbox's patience. */
  async close(): Promise<void> {
    await this.#receivers.close();
  }

  #sayOf({ target, change, changes }: PathRound): void {
    if (change === null) return;
    const now = this.#clock.now();
    const said = this.#said.get(target);
    if (said !== undefined && now - said.atMs < SAID_EVERY_MS) return;
    const unsaid = said === undefined ? 0 : changes - said.changes - 1;
    const more = unsaid > 0 ? `, and ${unsaid} times before since it was last said` : "";
    const [before, after] = [change.before, change.now].map((at) => at.join(", ") || "nobody");
    say(`${target}: the path changed at hop ${change.hops}: ${before} before, ${after} now${more}`);
    this.#said.set(target, { atMs: now, changes });
  }
}

/** What an agent says at its start. */
export function traceIntroduction(
  names: readonly string[],
  { exports, intervalMs, timeoutMs, protocol }: TraceOptions,
): string {
  const what = names.length === 1 ? names[0] : `${names.length} targets`;
  const every = `every ${durationText(intervalMs)}, timeout ${durationText(timeoutMs)}`;
  const places = exports.flatMap(placeOf);
  return [`tracing to ${what} by ${protocol} ${every}`, ...places].join("; ");
}
