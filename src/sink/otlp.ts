/**
 * OpenTelemetry metrics over HTTP (opentelemetry.io, "OTLP Specification"). What is sent are sums since
 * the start, or differences since the last request that arrived, so one that fails is made good by the
 * next: nothing waits but the request in hand.
 */
import type { HostPressure } from "../domain/host_pressure.ts";
import type { ProbeRecord } from "../domain/probe_record.ts";
import type { DropReason, ReceiverState } from "../domain/receiver.ts";
import type { Target } from "../domain/target.ts";
import { checkOtlpTarget, OtlpFormat, type OtlpSender, type OtlpSeries } from "../format/otlp.ts";
import { partialSuccess, statusMessage } from "../format/otlp_response.ts";
import type { MetricFamily } from "../format/metric_family.ts";
import { TargetCounts } from "../stats/target_counts.ts";
import { messageOf, shown } from "../text/quote.ts";
import { type Cancel, type Clock, repeat } from "../time/clock.ts";
import { type WallTime, wallTime } from "../time/wall_anchor.ts";
import { Drops, type Exporter, type Trouble } from "./exporter.ts";
import { GIVEN_UP, type Post, type WholeReply } from "./http_post.ts";
import type { OtlpRequest } from "./otlp_request.ts";
import { Backoff, type BackoffBounds } from "./timers.ts";

/** Targets in one request: some 200 KB before compression, so that encoding holds up no probe. */
export const TARGETS_A_REQUEST = 50;
/** The retryable codes of "OTLP/HTTP Response". */
const RETRYABLE = new Set([429, 502, 503, 504]);
/** How many different refusals are told. */
const MAX_SAID = 8;
const BACKOFF: BackoffBounds = { firstMs: 1000, mostMs: 30_000 };

export interface OtlpParts {
  readonly sender: OtlpSender;
  readonly post: Post<WholeReply>;
  readonly clock: Clock;
  readonly trouble: Trouble;
  /** Upper bounds of the histograms' buckets, in µs. */
  readonly boundsUs: readonly number[];
  /** Lines that the run's outputs and exporters could not deliver so far. */
  readonly runDropped: () => number;
  readonly residentBytes: () => number;
  /** How short the host is of CPU, memory and IO. */
  readonly pressure: () => HostPressure | null;
  /** How the run's receivers fare. */
  readonly receivers?: (() => Iterable<MetricFamily>) | undefined;
  /** Metrics beside the targets'. */
  readonly families?: (() => Iterable<MetricFamily>) | undefined;
}

export class OtlpExporter implements Exporter {
  readonly drops = new Drops();
  #request: OtlpRequest;
  #parts: OtlpParts;
  #format: OtlpFormat;
  #backoff: Backoff;
  #start: WallTime;
  #series = new Map<Target, Series>();
  /** Targets that have left, whose last results may still arrive. */
  #forgotten = new WeakSet<Target>();
  #cancel: Cancel;
  /** The figures of one moment on their way; one request at a time. */
  #delivery: Promise<void> = Promise.resolve();
  #abort: AbortController | null = null;
  /** Counts deliveries; one that is not the newest gives up instead of trying again. */
  #newest = 0;
  #deadlineMs = 0;
  #said = new Set<string>();
  /** The last answer was a refusal that a further attempt does not change. */
  #refused = false;
  /** Points that were sent, or are to be, and are not answered. */
  #open = 0;

  constructor(request: OtlpRequest, parts: OtlpParts) {
    this.#request = request;
    this.#parts = parts;
    this.#format = new OtlpFormat(parts.sender);
    this.#backoff = new Backoff(parts.clock, BACKOFF);
    this.#start = wallTime(parts.clock);
    this.#cancel = repeat(parts.clock, request.intervalMs, () => this.#begin(request.intervalMs));
  }

  /** Data points that were refused, or given up for newer ones. */
  get dropped(): number {
    return this.drops.total;
  }

  get receiver(): ReceiverState {
    const state = this.#parts.trouble.state(this.#open, this.drops);
    return { ...state, delivering: state.delivering && !this.#refused };
  }

  check(target: Target): void {
    checkOtlpTarget(target);
  }

  watch(target: Target): void {
    this.#forgotten.delete(target);
    this.#of(target);
  }

  record(record: ProbeRecord): void {
    this.#of(record.target)?.add(record);
  }

  skipped(target: Target, slots: number): void {
    const series = this.#of(target);
    if (series !== null) series.skipped += slots;
  }

  /** The target's figures are sent once more. */
  forget(target: Target): void {
    this.#forgotten.add(target);
  }

  /** Sends the last figures. */
  async close(withinMs: number): Promise<void> {
    const { clock } = this.#parts;
    this.#cancel();
    const cancel = clock.wakeAt(clock.now() + withinMs, () => this.#giveUp());
    await this.#begin(withinMs);
    cancel();
  }

  #of(target: Target): Series | null {
    const known = this.#series.get(target);
    if (known !== undefined) return known;
    if (this.#forgotten.has(target)) return null;
    const series = new Series(target, wallTime(this.#parts.clock), this.#parts.boundsUs);
    this.#series.set(target, series);
    return series;
  }

  /** Sends the current figures once the request under way has arrived or was given up. */
  #begin(withinMs: number): Promise<void> {
    const delivery = ++this.#newest;
    const before = this.#delivery;
    this.#deadlineMs = this.#parts.clock.now() + Math.min(withinMs, this.#request.exportMs);
    this.#backoff.cut();
    this.#delivery = (async () => {
      await before;
      if (delivery === this.#newest) await this.#deliver(delivery);
    })();
    return this.#delivery;
  }

  async #deliver(delivery: number): Promise<void> {
    const { clock, runDropped, residentBytes, pressure } = this.#parts;
    const at = wallTime(clock);
    const all = [...this.#series.values()];
    const about = {
      start: this.#start,
      exportDropped: runDropped(),
      residentBytes: residentBytes(),
      pressure: pressure(),
    };
    for (let i = 0; i === 0 || i < all.length; i += TARGETS_A_REQUEST) {
      const some = all.slice(i, i + TARGETS_A_REQUEST);
      const request = this.#format.request(
        some,
        i === 0 ? about : null,
        at,
        i === 0 ? this.#families() : [],
      );
      const body = this.#request.gzip ? await gzipped(request) : request.slice();
      const points = this.#format.points;
      this.#open = points;
      const failed = await this.#send(body, points, delivery);
      this.#open = 0;
      if (failed === null) {
        this.#format.arrived();
        continue;
      }
      // The targets of the requests that follow have as many points each.
      const share = Math.max(1, all.length - i) / Math.max(1, some.length);
      this.drops.add(Math.round(points * share), failed);
      break;
    }
    for (const { target } of all) {
      if (this.#forgotten.has(target)) this.#series.delete(target);
    }
  }

  #families(): readonly MetricFamily[] {
    const { families, receivers } = this.#parts;
    return [...families?.() ?? [], ...receivers?.() ?? []];
  }

  /** Null when the receiver has taken it, or what it would have of it; else why it was dropped. */
  async #send(
    body: Uint8Array<ArrayBuffer>,
    points: number,
    delivery: number,
  ): Promise<DropReason | null> {
    const { clock } = this.#parts;
    this.#backoff.reset();
    for (;;) {
      const waitMs = await this.#attempt(body, points);
      if (waitMs === null) return null;
      if (waitMs === Infinity) return "refused";
      if (clock.now() + waitMs >= this.#deadlineMs || delivery !== this.#newest) return "unsent";
      await this.#backoff.wait(waitMs);
      if (delivery !== this.#newest) return "unsent";
    }
  }

  /** Null for success, else how long to wait before the next attempt: Infinity for never. */
  async #attempt(body: Uint8Array<ArrayBuffer>, points: number): Promise<number | null> {
    const { clock, post } = this.#parts;
    const { timeoutMs } = this.#request;
    const abort = new AbortController();
    this.#abort = abort;
    const cancel = clock.wakeAt(clock.now() + timeoutMs, () => {
      abort.abort(new Error(`no answer within ${timeoutMs / 1000} s`));
    });
    try {
      return this.#judge(await post(body, abort.signal), points);
    } catch (error) {
      this.#tryAgain(`${shown(messageOf(error))}`);
      return 0;
    } finally {
      cancel();
      this.#abort = null;
    }
  }

  #judge({ status, body, retryAfterMs }: WholeReply, points: number): number | null {
    this.#refused = false;
    if (status >= 200 && status < 300) {
      const { rejected, message } = partialSuccess(body);
      if (rejected > 0) this.#sayOnce(`points refused: ${shown(message)}`);
      else if (message !== "") this.#sayOnce(shown(message));
      this.drops.add(Math.min(rejected, points), "refused");
      this.#parts.trouble.ends(this.dropped);
      return null;
    }
    const why = shown(`HTTP ${status} ${statusMessage(body)}`);
    if (!RETRYABLE.has(status)) {
      this.#sayOnce(`refused: ${why}`);
      this.#refused = true;
      return Infinity;
    }
    this.#tryAgain(`${why}`);
    return retryAfterMs ?? 0;
  }

  /** Each refusal is told once: it comes again with every request. */
  #sayOnce(what: string): void {
    if (this.#said.has(what) || this.#said.size >= MAX_SAID) return;
    this.#said.add(what);
    this.#parts.trouble.say(what);
  }

  #tryAgain(why: string): void {
    const { trouble } = this.#parts;
    const after = why === GIVEN_UP ? "" : "; trying again";
    trouble.begins(`cannot send: ${why}${after}`, this.dropped);
    trouble.detail(`attempt failed: ${why}`);
  }

  #giveUp(): void {
    this.#newest++;
    this.#deadlineMs = 0;
    this.#abort?.abort(new Error(GIVEN_UP));
    this.#backoff.cut();
  }
}

/** One target's figures and since when they are counted. */
class Series extends TargetCounts implements OtlpSeries {
  readonly target: Target;
  readonly start: WallTime;

  constructor(target: Target, start: WallTime, boundsUs: readonly number[]) {
    super(boundsUs);
    this.target = target;
    this.start = start;
  }
}

async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
