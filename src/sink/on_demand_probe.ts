/** `/probe?target=host:port`: one handshake when a scrape asks for it, within the scrape's time. */
import { messageOf, quote } from "../text/quote.ts";
import { UsageError } from "../domain/exit.ts";
import { blankRecord } from "../domain/probe_record.ts";
import { type Endpoint, hostPort, type Target } from "../domain/target.ts";
import { PROMETHEUS_CONTENT_TYPE } from "../format/prometheus.ts";
import { probePage } from "../format/prometheus_probe.ts";
import { literalEndpoint } from "../domain/address.ts";
import type { Connector } from "../net/connector.ts";
import type { HttpRequest } from "../net/http_request.ts";
import { type HttpResponse, textResponse } from "../net/http_response.ts";
import type { Resolver } from "../net/resolver.ts";
import { isInRanges, type ProbeScope } from "../input/probe_scope.ts";
import { parseHostPort } from "../input/target_text.ts";
import { probeOnce } from "../net/prober.ts";
import { TcpProber } from "../net/tcp_prober.ts";
import type { Clock } from "../time/clock.ts";

/** What a request asks for. */
export interface AskedProbe {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** The family taken where the name has both; null for the system's order. */
  readonly prefer: 4 | 6 | null;
}

/** Reads target, which may be one of these names, timeout and preference; throws UsageError. Other parameters are ignored. */
export function parseProbeRequest(
  { query, headers }: HttpRequest,
  named: ReadonlyMap<string, Target> = new Map(),
): AskedProbe {
  const target = query.get("target");
  if (target === null) throw new UsageError("no target: /probe?target=host:port");
  const { host, port } = named.get(target) ?? parseHostPort(target);
  const family = query.get("prefer_ip");
  if (family !== null && family !== "4" && family !== "6") {
    throw new UsageError(`prefer_ip ${quote(family)}: wants 4 or 6`);
  }
  const prefer = family === "4" ? 4 : family === "6" ? 6 : null;
  const timeoutMs = parseTimeout(query.get("timeout"));
  return { host, port, timeoutMs: Math.min(timeoutMs, scrapeMs(headers)), prefer };
}

/** A probe's time where none is asked for, and the most that can be. */
const DEFAULT_TIMEOUT_MS = 5000;
const MAX_TIMEOUT_MS = 60_000;

function parseTimeout(text: string | null): number {
  if (text === null) return DEFAULT_TIMEOUT_MS;
  const [, digits, unit] = /^([0-9]+(?:\.[0-9]+)?)(ms|s|)$/.exec(text) ?? [];
  const ms = Number(digits) * (unit === "s" ? 1000 : 1);
  if (!(ms >= 1 && ms <= MAX_TIMEOUT_MS)) {
    throw new UsageError(`timeout ${quote(text)}: wants 1ms to 60s, such as 250ms or 2s`);
  }
  return ms;
}

/** The answer has to arrive this long before the scraper gives up, as with blackbox_exporter. */
const SCRAPE_MARGIN_MS = 500;
const SCRAPE_TIMEOUT = "x-prometheus-scrape-timeout-seconds";

/** What the scraper's own timeout leaves for the probe. */
function scrapeMs(headers: ReadonlyMap<string, string>): number {
  const text = headers.get(SCRAPE_TIMEOUT);
  if (text === undefined) return MAX_TIMEOUT_MS;
  const ms = /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) * 1000 : 0;
  if (!(ms > 0)) throw new UsageError(`${SCRAPE_TIMEOUT} ${quote(text)}: wants seconds`);
  return Math.max(ms - SCRAPE_MARGIN_MS, ms / 2);
}

export interface OnDemandPorts {
  readonly clock: Clock;
  readonly connector: Connector;
  readonly resolver: Resolver;
}

/** Probes at once, look-ups that outlive their probe included; more are refused with 503. */
export const MAX_PROBES = 16;
/** Probes a second on average, and at most at once after a rest: nobody scans a network by them. */
export const PROBES_A_SECOND = 100;
export const MOST_SAVED = 200;

export class OnDemandProbes {
  #scope: ProbeScope;
  #ports: OnDemandPorts;
  /** The run's own targets by their names and by host and port; kept where nothing else may be asked. */
  #own = new Map<string, Target>();
  #active = 0;
  #allowance: Allowance;

  constructor(scope: ProbeScope, ports: OnDemandPorts) {
    this.#scope = scope;
    this.#ports = ports;
    this.#allowance = new Allowance(ports.clock);
  }

  /** The run has this target. */
  watch(target: Target): void {
    if (this.#scope.kind !== "own") return;
    for (const key of keysOf(target)) this.#own.set(key, target);
  }

  /** The run has it no more. */
  forget(target: Target): void {
    for (const key of keysOf(target)) if (this.#own.get(key) === target) this.#own.delete(key);
  }

  /** `gone` ends the probe: its asker has left. */
  async answer(request: HttpRequest, gone: AbortSignal): Promise<HttpResponse> {
    let asked: AskedProbe;
    try {
      asked = parseProbeRequest(request, this.#own);
    } catch (error) {
      if (error instanceof UsageError) return textResponse(400, messageOf(error));
      throw error;
    }
    // A link that leads here from elsewhere must not make this machine connect.
    if (request.headers.get("sec-fetch-site") === "cross-site") return forbidden("another site");
    if (this.#scope.kind === "own" && !this.#own.has(hostPort(asked.host, asked.port))) {
      return forbidden("a target that this run does not have; ?probe=any or a list allows others");
    }
    if (this.#active >= MAX_PROBES) {
      return textResponse(503, `${MAX_PROBES} probes are under way`);
    }
    if (!this.#allowance.take()) {
      return textResponse(429, `more than ${PROBES_A_SECOND} probes a second are asked for`);
    }
    const body = await this.#probe(asked, gone);
    if (body === null) return forbidden("an address that is not in the list of ?probe=");
    return { status: 200, contentType: PROMETHEUS_CONTENT_TYPE, body };
  }

  /** Null where the name resolves to an address that may not be asked for. */
  async #probe(asked: AskedProbe, gone: AbortSignal): Promise<string | null> {
    const { clock, connector } = this.#ports;
    const startMs = clock.now();
    const endMs = startMs + asked.timeoutMs;
    this.#active++;
    // A look-up cannot be called off, so its place stays taken until it ends.
    const lookup = this.#lookUp(asked);
    try {
      const endpoint = await this.#until(endMs, gone, lookup);
      const lookedUpMs = clock.now();
      const record = blankRecord();
      record.outcome = "unresolved";
      if (endpoint !== null) {
        if (this.#scope.kind === "listed" && !isInRanges(endpoint, this.#scope.ranges)) return null;
        const prober = new TcpProber(connector, clock, Math.max(1, endMs - lookedUpMs), "auto");
        // The prober ends the probe itself at its time.
        await this.#until(Infinity, gone, probeOnce(prober, endpoint, record));
        prober.stop();
      }
      return probePage({
        record,
        endpoint,
        durationMs: clock.now() - startMs,
        lookupMs: lookedUpMs - startMs,
      });
    } finally {
      lookup.then(() => this.#active--);
    }
  }

  /** The first address of the family preferred, or of any; null when there is none. */
  async #lookUp({ host, port, prefer }: AskedProbe): Promise<Endpoint | null> {
    const literal = literalEndpoint(host, port);
    if (literal !== null) return literal;
    try {
      const found = (await this.#ports.resolver.resolve(host, 0))
        .map((address) => literalEndpoint(address, port))
        .filter((endpoint) => endpoint !== null);
      return found.find(({ family }) => family === prefer) ?? found[0] ?? null;
    } catch {
      return null;
    }
  }

  /** What the promise gives, or null when the time is up or the asker has left first. */
  #until<T>(endMs: number, gone: AbortSignal, promise: Promise<T>): Promise<T | null> {
    return new Promise((resolve) => {
      const left = () => resolve(null);
      const cancel = endMs === Infinity ? () => {} : this.#ports.clock.wakeAt(endMs, left);
      gone.addEventListener("abort", left);
      if (gone.aborted) left();
      promise.then((value) => {
        cancel();
        gone.removeEventListener("abort", left);
        resolve(value);
      });
    });
  }
}

/** The probes that may be made now: so many a second, of which some may be saved up. */
class Allowance {
  #clock: Clock;
  #left = MOST_SAVED;
  #atMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMs = clock.now();
  }

  /** Takes one; false when there is none. */
  take(): boolean {
    const now = this.#clock.now();
    const earned = (now - this.#atMs) / 1000 * PROBES_A_SECOND;
    this.#left = Math.min(MOST_SAVED, this.#left + earned);
    this.#atMs = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}

function keysOf({ name, host, port }: Target): string[] {
  return [name, hostPort(host, port)];
}

function forbidden(what: string): HttpResponse {
  return textResponse(403, `not allowed: ${what}`);
}
