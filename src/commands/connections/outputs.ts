/** Where reports of connections go: standard output, and the exporters. */
import type { ConnectionReport } from "../../domain/connection.ts";
import { isoTimeText } from "../../format/byte_writer.ts";
import { connectionsCollectd } from "../../format/connections_collectd.ts";
import { CONNECTIONS_CSV_HEADER, connectionsCsv } from "../../format/connections_csv.ts";
import { connectionsInflux } from "../../format/connections_influx.ts";
import { connectionsJson } from "../../format/connections_json.ts";
import { ConnectionSeries } from "../../format/connections_metrics.ts";
import { connectionLines } from "../../format/connections_text.ts";
import { choosePaint, type Paint, plain } from "../../format/paint.ts";
import { pathInflux } from "../../format/path_influx.ts";
import { traceJson } from "../../format/path_json.ts";
import { PathSeries } from "../../format/path_metrics.ts";
import { traceLines } from "../../format/path_text.ts";
import type { Step } from "../../format/record_format.ts";
import { hostName } from "../../kernel/process.ts";
import type { Connector } from "../../net/connector.ts";
import { collectdOptions, type ExportRun } from "../../run/options.ts";
import { outbox } from "../../run/outbox.ts";
import { Receivers, reportRun } from "../../run/receivers.ts";
import { stdoutWantsColour, summaryColumns } from "../../sink/stdio.ts";
import type { ConnectionsOptions } from "./options.ts";
import type { PeerPath } from "../../trace/peer_tracer.ts";

/** The width of reports that do not go to a terminal. */
const USUAL_COLUMNS = 80;
/** Paths told after a screen; the oldest goes first. */
const MAX_PATHS_LEFT = 8;

export class ConnectionOutputs {
  /** Whether reports redraw a screen instead of following one another as text. */
  onScreen = false;
  #options: ConnectionsOptions;
  #paint: Paint;
  #series: ConnectionSeries;
  #paths: PathSeries;
  #receivers: Receivers;
  #host = hostName();
  #collectd: { readonly host: string; readonly intervalMs: number };
  #reports = 0;
  /** Paths that wait for the end of a screen, as text. */
  #pathsLeft: string[] = [];

  private constructor(
    options: ConnectionsOptions,
    series: ConnectionSeries,
    paths: PathSeries,
    receivers: Receivers,
  ) {
    this.#options = options;
    this.#series = series;
    this.#paths = paths;
    this.#receivers = receivers;
    this.#paint = choosePaint(stdoutWantsColour(), options.noColor);
    this.#collectd = collectdOptions(exportRun(options));
  }

  /** Opens the exporters; throws SystemError when one cannot be had at all. */
  static async open(
    options: ConnectionsOptions,
    version: string,
    connector: Connector,
  ): Promise<ConnectionOutputs> {
    const series = new ConnectionSeries();
    const paths = new PathSeries();
    const receivers = await Receivers.open(exportRun(options), {
      connector,
      version,
      families: () => [...series.families(), ...paths.families()],
    });
    const outputs = new ConnectionOutputs(options, series, paths, receivers);
    if (options.output === "csv" && !options.quiet) outbox.stdout.text(CONNECTIONS_CSV_HEADER);
    return outputs;
  }

  report(report: ConnectionReport): void {
    this.#series.add(report);
    if (!this.#options.quiet) this.#print(report);
    this.#receivers.write("influx", () => connectionsInflux(report, this.#host));
    this.#receivers.write("collectd", () => connectionsCollectd(report, this.#collectd));
  }

  /** The path to a peer, as it was when its group crossed a threshold. */
  path({ report, round }: PeerPath): void {
    if (round !== null) {
      this.#paths.add(round);
      this.#receivers.write("influx", () => pathInflux(round, this.#host));
    }
    const { output, quiet } = this.#options;
    if (quiet) return;
    if (output === "json") outbox.stdout.text(traceJson(report));
    else if (output === "influx" && round !== null) writeSteps(pathInflux(round, this.#host));
    else if (output === "text") this.#textOfPath(traceLines(report, this.#paint));
  }

  /** A screen has no room for paths: the newest are told after its last report. */
  #textOfPath(lines: readonly string[]): void {
    const text = `\n${lines.join("\n")}\n`;
    if (!this.onScreen) return outbox.stdout.text(text);
    this.#pathsLeft.push(text);
    if (this.#pathsLeft.length > MAX_PATHS_LEFT) this.#pathsLeft.shift();
  }

  /** The last report on standard error, whatever goes to standard output. */
  summarize(report: ConnectionReport): void {
    outbox.status(`${connectionLines(report, USUAL_COLUMNS, plain).join("\n")}\n`);
  }

  /** Delivers what is left, within the outbox's patience. */
  async close(): Promise<void> {
    await this.#receivers.close();
  }

  #print(report: ConnectionReport): void {
    switch (this.#options.output) {
      case "text":
        return this.#text(report);
      case "json":
        return outbox.stdout.text(connectionsJson(report));
      case "csv":
        return outbox.stdout.text(connectionsCsv(report));
      case "influx":
        return writeSteps(connectionsInflux(report, this.#host));
      case "collectd":
        return writeSteps(connectionsCollectd(report, this.#collectd));
      case "none":
        return;
      default:
        return this.#options.output satisfies never;
    }
  }

  /** The last report of a screen, which stays on the terminal. */
  leave(report: ConnectionReport): void {
    this.#writeText(report);
    for (const text of this.#pathsLeft.splice(0)) outbox.stdout.text(text);
  }

  #text(report: ConnectionReport): void {
    if (!this.onScreen) this.#writeText(report);
    this.#reports++;
  }

  #writeText(report: ConnectionReport): void {
    const lines = connectionLines(report, summaryColumns(), this.#paint);
    const time = this.#options.timestamps ? [isoTimeText(report)] : [];
    const gap = this.#reports === 0 || this.onScreen ? [] : [""];
    outbox.stdout.text(`${[...gap, ...time, ...lines].join("\n")}\n`);
  }
}

function writeSteps(steps: Iterable<Step>): void {
  for (const step of steps) {
    step(outbox.stdout.begin());
    outbox.stdout.commit();
  }
}

function exportRun({ exports, http, intervalMs }: ConnectionsOptions): ExportRun {
  return reportRun(exports, http, intervalMs);
}
