/** `/probe?target=host:port`: one handshake when a scrape asks for it, within the scrape's time. */
import { messageOf, quote } from "../text/quote.ts";
import { UsageError } from "../domain/exit.ts";
import { blankRecord } from "../domain/probe_record.ts";
import type { Endpoint } from "../domain/target.ts";
import { PROMETHEUS_CONTENT_TYPE } from "../format/prometheus.ts";
import { probePage } from "../format/prometheus_probe.ts";
import { literalEndpoint } from "../domain/address.ts";
import type { Connector } from "../net/connector.ts";
import type { HttpRequest } from "../net/http_request.ts";
import { type HttpResponse, textResponse } from "../net/http_server.ts";
import type { Resolver } from "../net/resolver.ts";
import { parseHostPort } from "../input/target_text.ts";
import { probeOnce } from "../net/prober.ts";
import { TcpProber } from "../net/tcp_prober.ts";
import type { Clock } from "../time/clock.ts";

/** Probes at once, look-ups that outlive their probe included; more are refused with 503. */
export const MAX_PROBES = 16;
/** A probe's time where none is asked for, and the most that can be. */
const DEFAULT_TIMEOUT_MS = 5000;
const MAX_TIMEOUT_MS = 60_000;
/** The answer has to be with the scraper before its patience ends, as blackbox_exporter has it. */
const SCRAPE_MARGIN_MS = 500;
const SCRAPE_TIMEOUT = "x-prometheus-scrape-timeout-seconds";

/** What a request asks for. */
export interface AskedProbe {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** The family taken where the name has both; null for the system's order. */
  readonly prefer: 4 | 6 | null;
}

/** Reads target, timeout and preference; throws UsageError. Other parameters are nobody's. */
export function parseProbeRequest({ query, headers }: HttpRequest): AskedProbe {
  const target = query.get("target");
  if (target === null) throw new UsageError("no target: /probe?target=host:port");
  const { host, port } = parseHostPort(target);
  const family = query.get("prefer_ip");
  if (family !== null && family !== "4" && family !== "6") {
    throw new UsageError(`prefer_ip ${quote(family)}: wants 4 or 6`);
  }
  const prefer = family === "4" ? 4 : family === "6" ? 6 : null;
  const timeoutMs = parseTimeout(query.get("timeout"));
  return { host, port, timeoutMs: Math.min(timeoutMs, scrapeMs(headers)), prefer };
}

function parseTimeout(text: string | null): number {
  if (text === null) return DEFAULT_TIMEOUT_MS;
  const [, digits, unit] = /^([0-9]+(?:\.[0-9]+)?)(ms|s|)$/.exec(text) ?? [];
  const ms = Number(digits) * (unit === "s" ? 1000 : 1);
  if (!(ms >= 1 && ms <= MAX_TIMEOUT_MS)) {
    throw new UsageError(`timeout ${quote(text)}: wants 1ms to 60s, such as 250ms or 2s`);
  }
  return ms;
}

/** What the scraper's own timeout leaves for the probe. */
function scrapeMs(headers: ReadonlyMap<string, string>): number {
  const text = headers.get(SCRAPE_TIMEOUT);
  if (text === undefined) return MAX_TIMEOUT_MS;
  const ms = /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) * 1000 : 0;
  if (!(ms > 0)) throw new UsageError(`${SCRAPE_TIMEOUT} ${quote(text)}: wants seconds`);
  return Math.max(ms - SCRAPE_MARGIN_MS, ms / 2);
}

export class OnDemandProbes {
  #clock: Clock;
  #connector: Connector;
  #resolver: Resolver;
  #active = 0;

  constructor(clock: Clock, connector: Connector, resolver: Resolver) {
    this.#clock = clock;
    this.#connector = connector;
    this.#resolver = resolver;
  }

  async answer(request: HttpRequest): Promise<HttpResponse> {
    let asked: AskedProbe;
    try {
      asked = parseProbeRequest(request);
    } catch (error) {
      if (error instanceof UsageError) return textResponse(400, messageOf(error));
      throw error;
    }
    if (this.#active >= MAX_PROBES) {
      return textResponse(503, `${MAX_PROBES} probes are under way`);
    }
    return { status: 200, contentType: PROMETHEUS_CONTENT_TYPE, body: await this.#probe(asked) };
  }

  async #probe(asked: AskedProbe): Promise<string> {
    const startMs = this.#clock.now();
    const endMs = startMs + asked.timeoutMs;
    this.#active++;
    // A look-up cannot be called off, so its place stays taken until it ends.
    const lookup = this.#lookUp(asked);
    try {
      const endpoint = await this.#until(endMs, lookup);
      const lookedUpMs = this.#clock.now();
      const record = blankRecord();
      record.outcome = "unresolved";
      if (endpoint !== null) {
        const leftMs = Math.max(1, endMs - lookedUpMs);
        const prober = new TcpProber(this.#connector, this.#clock, leftMs, "auto");
        await probeOnce(prober, endpoint, record);
        prober.stop();
      }
      const durationMs = this.#clock.now() - startMs;
      return probePage({ record, endpoint, durationMs, lookupMs: lookedUpMs - startMs });
    } finally {
      lookup.then(() => this.#active--);
    }
  }

  /** The first address of the family preferred, or of any; null when there is none. */
  async #lookUp({ host, port, prefer }: AskedProbe): Promise<Endpoint | null> {
    const literal = literalEndpoint(host, port);
    if (literal !== null) return literal;
    try {
      const found = (await this.#resolver.resolve(host, 0))
        .map((address) => literalEndpoint(address, port))
        .filter((endpoint) => endpoint !== null);
      return found.find(({ family }) => family === prefer) ?? found[0] ?? null;
    } catch {
      return null;
    }
  }

  /** What the promise gives, or null when the time is up first. */
  #until<T>(endMs: number, promise: Promise<T>): Promise<T | null> {
    return new Promise((resolve) => {
      const cancel = this.#clock.wakeAt(endMs, () => resolve(null));
      promise.then((value) => {
        cancel();
        resolve(value);
      });
    });
  }
}
