/** A POST to one URL, with as much of the answer as a message needs; a server that is named is followed. */
import { literalEndpoint } from "../domain/address.ts";
import type { Resolver } from "../net/resolver.ts";
import { fetchReason } from "../text/quote.ts";
import type { Clock } from "../time/clock.ts";

/** What is read of an answer's body; the rest is left unread. */
const MAX_BODY_BYTES = 1024;

/** The reason given for a POST that the end of the run cut off. */
export const GIVEN_UP = "given up at the end";

/** Where a POST goes. */
export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What TLS needs besides the system's own authorities, in PEM. */
export interface TlsOptions {
  /** Further authorities that a server's certificate may be from. */
  readonly authorities: readonly string[];
  /** The client's certificate and key; null for none. */
  readonly client: { readonly cert: string; readonly key: string } | null;
}

export interface Reply {
  readonly status: number;
  /** The beginning of the body as text. */
  readonly message: string;
}

export interface WholeReply extends Reply {
  /** The beginning of the body as it came. */
  readonly body: Uint8Array;
  /** What the server asks to wait before the next request (RFC 9110, 10.2.3); null where it does not. */
  readonly retryAfterMs: number | null;
}

/** Rejects when there was no answer, or `signal` came first. */
export type Post<R extends Reply = Reply> = (
  body: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
) => Promise<R>;

/** How a server that is named is followed. */
export interface FollowPorts {
  readonly clock: Clock;
  /** The gate's. */
  readonly resolver: Resolver;
  /** The name has other addresses. */
  onMoved(addresses: readonly string[]): void;
}

/**
 * Redirects are not followed: the headers may hold a secret for this server alone. With `follow`, a
 * server that is named and moves is followed, though the connection to where it was still lives.
 * Throws TypeError or Error when `tls` holds no certificate or key.
 */
export function httpPost(
  { url, headers }: PostRequest,
  follow?: FollowPorts,
  tls: TlsOptions | null = null,
): Post<WholeReply> {
  const host = new URL(url).hostname;
  const own = tls === null ? null : clientOf(tls);
  const server = follow === undefined || literalEndpoint(plainHost(host), 1) !== null
    ? null
    : new FollowedServer(host, follow, tls);
  return async (body, signal) => {
    try {
      const init = { method: "POST", headers, body, signal, redirect: "manual" } as const;
      const client = server?.client() ?? own;
      const response = await fetch(url, client === null ? init : { ...init, client });
      const beginning = await beginningOf(response.body);
      return {
        status: response.status,
        message: new TextDecoder().decode(beginning),
        body: beginning,
        retryAfterMs: retryAfterMs(response.headers.get("retry-after"), Date.now()),
      };
    } catch (error) {
      server?.failed();
      throw new Error(fetchReason(error), { cause: error });
    }
  };
}

function clientOf(tls: TlsOptions | null): Deno.HttpClient {
  return Deno.createHttpClient({
    ...(tls === null || tls.authorities.length === 0 ? {} : { caCerts: [...tls.authorities] }),
    ...(tls?.client ?? {}),
  });
}

/** Without the brackets of an IPv6 address. */
function plainHost(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

/** Between two look-ups, in ms: with the wait of a batch, a server that moves is found within 10 s. */
const FOLLOW_MS = 4000;

/**
 * Looks a server's name up again and again, beside requests and never in their way. An HTTP client keeps
 * its connections, so one that has another address has another client.
 */
class FollowedServer {
  #host: string;
  #ports: FollowPorts;
  #tls: TlsOptions | null;
  /** Null for the runtime's own, or the caller's. */
  #client: Deno.HttpClient | null = null;
  /** In order; empty until it is known. */
  #addresses: readonly string[] = [];
  #askedMs = -Infinity;
  #stale = false;

  constructor(host: string, ports: FollowPorts, tls: TlsOptions | null) {
    this.#host = host;
    this.#ports = ports;
    this.#tls = tls;
  }

  /** For the next request; null for the runtime's own. */
  client(): Deno.HttpClient | null {
    const now = this.#ports.clock.now();
    if (now - this.#askedMs >= FOLLOW_MS) {
      this.#askedMs = now;
      this.#lookUp();
    }
    if (this.#stale) {
      this.#client?.close();
      this.#client = clientOf(this.#tls);
      this.#stale = false;
    }
    return this.#client;
  }

  /** A request was not answered: the next one opens a connection of its own. */
  failed(): void {
    this.#stale = true;
  }

  async #lookUp(): Promise<void> {
    try {
      const addresses = (await this.#ports.resolver.resolve(this.#host, 0)).toSorted();
      const moved = addresses.join(" ") !== this.#addresses.join(" ");
      if (moved && this.#addresses.length > 0) {
        this.#stale = true;
        this.#ports.onMoved(addresses);
      }
      this.#addresses = addresses;
    } catch {
      // The present connection may still work; a new one would say why it does not.
    }
  }
}

/** Seconds, or a date; null for neither. */
export function retryAfterMs(value: string | null, nowMs: number): number | null {
  if (value === null) return null;
  if (/^[0-9]+$/.test(value)) return Number(value) * 1000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

async function beginningOf(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  const bytes = new Uint8Array(MAX_BODY_BYTES);
  let size = 0;
  for await (const chunk of body ?? []) {
    const part = chunk.subarray(0, MAX_BODY_BYTES - size);
    bytes.set(part, size);
    size += part.length;
    if (size >= MAX_BODY_BYTES) break;
  }
  return bytes.subarray(0, size);
}
