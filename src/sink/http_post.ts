/** A POST to one URL, with as much of the answer as a message needs. */
import { messageOf } from "../text/quote.ts";
import type { WriteRequest } from "./influx_request.ts";

/** What is read of an answer's body; the rest is left unread. */
const MAX_MESSAGE_BYTES = 1024;

export interface Reply {
  readonly status: number;
  /** The beginning of the body, as it came. */
  readonly message: string;
}

/** Rejects when there was no answer, or `signal` came first. */
export type Post = (body: Uint8Array<ArrayBuffer>, signal: AbortSignal) => Promise<Reply>;

/** Redirects are not followed: the token is for this server alone. */
export function httpPost({ url, headers }: WriteRequest): Post {
  return async (body, signal) => {
    try {
      const init = { method: "POST", headers, body, signal, redirect: "manual" } as const;
      const response = await fetch(url, init);
      return { status: response.status, message: await beginningOf(response.body) };
    } catch (error) {
      // The runtime's message starts with the URL, which the user knows.
      const reason = messageOf(error).replace(/^error sending request for url \(.*?\): /, "");
      throw new Error(reason, { cause: error });
    }
  };
}

async function beginningOf(body: ReadableStream<Uint8Array> | null): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of body) {
    text += decoder.decode(chunk.subarray(0, MAX_MESSAGE_BYTES - size), { stream: true });
    size += chunk.length;
    if (size >= MAX_MESSAGE_BYTES) break;
  }
  return text;
}
