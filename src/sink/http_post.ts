/** A POST to one URL, with as much of the answer as a message needs. */
import { fetchReason } from "../text/quote.ts";

/** What is read of an answer's body; the rest is left unread. */
const MAX_BODY_BYTES = 1024;

/** Where a POST goes. */
export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
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

/** Redirects are not followed: the headers may hold a secret for this server alone. */
export function httpPost({ url, headers }: PostRequest): Post<WholeReply> {
  return async (body, signal) => {
    try {
      const init = { method: "POST", headers, body, signal, redirect: "manual" } as const;
      const response = await fetch(url, init);
      const beginning = await beginningOf(response.body);
      return {
        status: response.status,
        message: new TextDecoder().decode(beginning),
        body: beginning,
        retryAfterMs: retryAfterMs(response.headers.get("retry-after"), Date.now()),
      };
    } catch (error) {
      throw new Error(fetchReason(error), { cause: error });
    }
  };
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
