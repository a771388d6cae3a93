/** A node's row by HTTP: in time, of bounded size, and of the node that was asked. */
import { fetchReason, shown } from "../text/quote.ts";
import { hostPort } from "../domain/target.ts";
import type { MeshRow } from "../domain/mesh_row.ts";
import { decodeRow, MAX_ROW_BYTES, RowError } from "./row_json.ts";
import { type HttpToken, PROOF_FIELD } from "../net/http_token.ts";
import { type NodeEntry, ROW_PATH } from "../input/nodes_file.ts";

/** A row, or in one line why there is none. */
export type Fetched =
  | { readonly row: MeshRow; readonly reason: null }
  | { readonly row: null; readonly reason: string };

/** Asks a node for its row; resolves within the time, or when `stopped` is aborted, whatever the node does. */
export type FetchRow = (
  entry: NodeEntry,
  timeoutMs: number,
  stopped?: AbortSignal,
) => Promise<Fetched>;

/**
 * By HTTP; redirects are not followed, since they lead to who was not asked. With a token, the node
 * is shown that it is known here, and its row counts only with a proof that it is known there.
 */
export function rowFetcher(token: HttpToken | null): FetchRow {
  return (entry, timeoutMs, stopped) => fetchFrom(entry, timeoutMs, token, stopped);
}

async function fetchFrom(
  entry: NodeEntry,
  timeoutMs: number,
  token: HttpToken | null,
  stopped?: AbortSignal,
): Promise<Fetched> {
  const body = await fetchBytes(entry, ROW_PATH, { timeoutMs, token, stopped });
  if (typeof body === "string") return refusal(body);
  try {
    const row = decodeRow(body);
    return row.node === entry.target.name
      ? { row, reason: null }
      : refusal("the row is another node's");
  } catch (error) {
    if (error instanceof RowError) return refusal(`its row: ${error.message}`);
    throw error;
  }
}

/** How a node is asked. */
interface Asking {
  readonly timeoutMs: number;
  readonly token: HttpToken | null;
  readonly stopped?: AbortSignal | undefined;
}

/** What a node answers at a path, at most MAX_ROW_BYTES; or in one line why it does not. */
export async function fetchBytes(
  { target, httpPort }: NodeEntry,
  path: string,
  { timeoutMs, token, stopped }: Asking,
): Promise<Uint8Array | string> {
  const signal = AbortSignal.any([
    AbortSignal.timeout(timeoutMs),
    ...(stopped === undefined ? [] : [stopped]),
  ]);
  const url = `http://${hostPort(urlHost(target.host), httpPort)}${path}`;
  try {
    const question = await token?.ask() ?? null;
    const headers: Record<string, string> = question === null
      ? {}
      : { authorization: question.authorization };
    const response = await fetch(url, { signal, headers, redirect: "manual" });
    if (response.status !== 200) {
      await response.body?.cancel();
      return statusReason(response.status);
    }
    const body = await boundedBody(response.body);
    if (
      question !== null &&
      await token?.proves(response.headers.get(PROOF_FIELD), question, body) !== true
    ) {
      return "it does not prove that it knows the token of --http-token";
    }
    return body;
  } catch (error) {
    if (error instanceof RowError) return `its row: ${error.message}`;
    if (stopped?.aborted === true) return "not waited for";
    return signal.aborted ? "no answer in time" : transportReason(error);
  }
}

function statusReason(status: number): string {
  return status === 401
    ? "wants the token of --http-token, which is another here or none"
    : `answered with HTTP status ${status}`;
}

function refusal(reason: string): Fetched {
  return { row: null, reason };
}

/** A zone identifier has its percent sign escaped in a URL (RFC 6874). */
function urlHost(host: string): string {
  return host.replace("%", "%25");
}

async function boundedBody(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the stream.
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > MAX_ROW_BYTES) throw new RowError(`larger than ${MAX_ROW_BYTES} bytes`);
    chunks.push(chunk);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Without the URL, which the user knows, and the layers that the message came through. */
function transportReason(error: unknown): string {
  return shown(
    fetchReason(error).replace(/^client error \(Connect\): (tcp connect error: )?/, ""),
  );
}
