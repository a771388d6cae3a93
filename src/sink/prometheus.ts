/**
 * `prometheus://addr:port`: keeps each target's counters and histograms, and serves them when
 * somebody scrapes; beside them probes on demand, and whether this process is alive.
 */
import type { HostPressure } from "../domain/host_pressure.ts";
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { Target } from "../domain/target.ts";
import { ByteWriter } from "../format/byte_writer.ts";
import {
  checkPrometheusTarget,
  labelsText,
  MAX_STEP_BYTES,
  processStep,
  type ProcessView,
  PROMETHEUS_CONTENT_TYPE,
  prometheusPage,
  type SeriesView,
} from "../format/prometheus.ts";
import { type MetricFamily, prometheusFamilies } from "../format/metric_family.ts";
import type { Naming } from "../format/naming.ts";
import type { Step } from "../format/record_format.ts";
import { residentBytes } from "../kernel/process.ts";
import type { ProbeScope } from "../input/probe_scope.ts";
import type { Connector } from "../net/connector.ts";
import { HEALTH_PATH } from "../net/http_access.ts";
import type { HttpRequest } from "../net/http_request.ts";
import { type HttpResponse, textResponse } from "../net/http_response.ts";
import { type Asker, type HttpPorts, HttpServer } from "../net/http_server.ts";
import type { Resolver } from "../net/resolver.ts";
import { TargetCounts } from "../stats/target_counts.ts";
import { type Clock, sleepUntil } from "../time/clock.ts";
import { Drops, type Exporter } from "./exporter.ts";
import { OnDemandProbes } from "./on_demand_probe.ts";

/** Pages of metrics being sent at once; another one waits a little, then is refused with 503. */
export const MAX_PAGES = 4;
const PAGE_PATIENCE_MS = 800;
const LOOK_AGAIN_MS = 50;
/**
 * A page is sent in pieces of about this size, with a turn of the event loop after each. So a
 * scrape makes a probe late by no more than the time to write one piece.
 */
const PIECE_BYTES = 64 * 1024;

const NO_PROBES = "no probes on demand here: --export 'prometheus://addr:port?probe' allows them";
const PROBE_ITEM =
  "<li>/probe?target=host:port[&amp;timeout=2s][&amp;prefer_ip=4|6]: one handshake now\n";

function index(probes: boolean): string {
  return `<!DOCTYPE html><html lang="en"><title>wire-probe</title><h1>wire-probe</h1><ul>
<li><a href="/metrics">/metrics</a>: the targets probed
${probes ? PROBE_ITEM : ""}<li><a href="/healthz">/healthz</a></ul></html>
`;
}

export interface PrometheusPorts {
  readonly clock: Clock;
  /** For probes on demand. */
  readonly connector: Connector;
  readonly resolver: Resolver;
  /** Lines that the run's outputs and exporters could not deliver so far. */
  readonly dropped: () => number;
  readonly http: HttpPorts;
  /** What `/probe` may be asked for; null where there is no `/probe`. */
  readonly onDemand: ProbeScope | null;
  readonly naming: Naming;
  /** Upper bounds of the histograms' buckets, in µs. */
  readonly boundsUs: readonly number[];
  /** How short the host is of CPU, memory and IO. */
  readonly pressure: () => HostPressure | null;
  /** How the run's receivers fare. */
  readonly receivers?: (() => Iterable<MetricFamily>) | undefined;
  /** Metrics in place of the targets'; there are no probes on demand then. */
  readonly families?: (() => Iterable<MetricFamily>) | undefined;
}

export class PrometheusExporter implements Exporter {
  /** The scraper notices a scrape that fails; the figures are in the next one. */
  readonly dropped = 0;
  readonly drops = new Drops();
  #version: string;
  #ports: PrometheusPorts;
  #startMs: number;
  #server: HttpServer;
  #probes: OnDemandProbes | null;
  /** By label text; targets alike in it count together. */
  #series = new Map<string, Series>();
  #seriesOf = new WeakMap<Target, Series>();
  /** Targets that have left, whose last results may still arrive. */
  #forgotten = new WeakSet<Target>();
  #pages = 0;
  /** Buffers of pages that were sent, for the next ones. */
  #spare: ByteWriter[] = [];

  /** Listens at once; throws SystemError when it cannot. */
  constructor(address: string, port: number, version: string, ports: PrometheusPorts) {
    this.#version = version;
    this.#ports = ports;
    this.#startMs = ports.clock.wall();
    this.#probes = ports.onDemand === null || ports.families !== undefined
      ? null
      : new OnDemandProbes(ports.onDemand, ports);
    const handler = (request: HttpRequest, { gone }: Asker) => this.#answer(request, gone);
    this.#server = new HttpServer(address, port, handler, ports.http);
  }

  /** The port served, which is the system's choice where 0 was asked for. */
  get port(): number {
    return this.#server.port;
  }

  check(target: Target): void {
    checkPrometheusTarget(target);
  }

  /** Shows the target's series from now on, at 0 until there is something to count. */
  watch(target: Target): void {
    this.#forgotten.delete(target);
    this.#probes?.watch(target);
    this.#of(target);
  }

  /** Shows the target's series no more, unless another target has the same labels. */
  forget(target: Target): void {
    this.#forgotten.add(target);
    this.#probes?.forget(target);
    const series = this.#seriesOf.get(target);
    if (series === undefined) return;
    this.#seriesOf.delete(target);
    series.targets--;
    if (series.targets === 0) this.#series.delete(series.key);
  }

  record(record: ProbeRecord): void {
    this.#of(record.target)?.add(record);
  }

  skipped(target: Target, slots: number): void {
    const series = this.#of(target);
    if (series !== null) series.skipped += slots;
  }

  close(_withinMs: number): Promise<void> {
    this.#server.close();
    return Promise.resolve();
  }

  #of(target: Target): Series | null {
    const known = this.#seriesOf.get(target);
    if (known !== undefined) return known;
    if (this.#forgotten.has(target)) return null;
    const key = labelsText(target);
    const series = this.#series.get(key) ?? new Series(key, target, this.#ports.boundsUs);
    series.targets++;
    this.#series.set(key, series);
    this.#seriesOf.set(target, series);
    return series;
  }

  async #answer(request: HttpRequest, gone: AbortSignal): Promise<HttpResponse> {
    switch (request.path) {
      case "/metrics":
        return await this.#metrics();
      case "/probe":
        return await this.#probes?.answer(request, gone) ?? textResponse(404, NO_PROBES);
      case HEALTH_PATH:
        return textResponse(200, "ok");
      case "/":
        return {
          status: 200,
          contentType: "text/html; charset=utf-8",
          body: index(this.#probes !== null),
        };
      default:
        return textResponse(404, "not here: /metrics, /probe, /healthz");
    }
  }

  async #metrics(): Promise<HttpResponse> {
    const { clock } = this.#ports;
    // A peer that does not read its page must not keep others from theirs.
    for (const endMs = clock.now() + PAGE_PATIENCE_MS; this.#pages >= MAX_PAGES;) {
      if (this.#server.breakOffStalled()) break;
      if (clock.now() >= endMs) return textResponse(503, `${MAX_PAGES} scrapes are under way`);
      await sleepUntil(clock, clock.now() + LOOK_AGAIN_MS);
    }
    this.#pages++;
    const out = this.#spare.pop() ?? new ByteWriter(PIECE_BYTES + MAX_STEP_BYTES);
    const done = () => {
      this.#pages--;
      this.#spare.push(out);
    };
    return { status: 200, contentType: PROMETHEUS_CONTENT_TYPE, body: this.#page(out), done };
  }

  async *#page(out: ByteWriter): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { clock, dropped } = this.#ports;
    const about = {
      version: this.#version,
      exportDropped: dropped(),
      residentBytes: residentBytes(),
      pressure: this.#ports.pressure(),
      startMs: this.#startMs,
    };
    out.length = 0;
    for (const step of this.#steps(about)) {
      out.begin();
      step(out);
      out.end();
      if (out.length < PIECE_BYTES) continue;
      yield out.bytes.subarray(0, out.length);
      out.length = 0;
      await sleepUntil(clock, clock.now());
    }
    if (out.length > 0) yield out.bytes.subarray(0, out.length);
  }

  *#steps(about: ProcessView): Iterable<Step> {
    const { naming, boundsUs, families, receivers } = this.#ports;
    if (families === undefined) {
      yield* prometheusPage(about, [...this.#series.values()], boundsUs, naming);
    } else {
      yield processStep(about);
      yield* prometheusFamilies(families());
    }
    yield* prometheusFamilies(receivers?.() ?? []);
  }
}

/** What is counted under one set of labels. */
class Series extends TargetCounts implements SeriesView {
  readonly key: string;
  readonly labels: Uint8Array;
  /** How many targets have these labels. */
  targets = 0;
  /** One of them. */
  readonly target: Target;

  constructor(key: string, target: Target, boundsUs: readonly number[]) {
    super(boundsUs);
    this.key = key;
    this.target = target;
    this.labels = new TextEncoder().encode(key);
  }
}
