/** A node's row by HTTP: in time, of bounded size, and of the node that was asked. */
import { fetchReason, messageOf, shown } from "../text/quote.ts";
import { literalEndpoint } from "../domain/address.ts";
import { hostPort } from "../domain/target.ts";
import type { MeshRow } from "../domain/mesh_row.ts";
import { decodeRow, MAX_ROW_BYTES, RowError } from "./row_json.ts";
import { type HttpToken, PROOF_FIELD } from "../net/http_token.ts";
import type { Resolver } from "../net/resolver.ts";
import { type NodeEntry, ROW_PATH } from "../input/nodes_file.ts";

/** Rows that a node asks for at once for its page: the others' work, and its own memory, stay small. */
export const GATHERED_AT_ONCE = 4;

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
 * By HTTP; redirects are not followed, since they lead to a host that is no node of the list. With a
 * token, the request proves that this node knows it, and a row counts only if its node proves the same.
 */
export function rowFetcher(token: HttpToken | null, resolver: Resolver): FetchRow {
  return (entry, timeoutMs, stopped) => fetchFrom(entry, { timeoutMs, token, resolver, stopped });
}

async function fetchFrom(entry: NodeEntry, asking: Asking): Promise<Fetched> {
  const body = await fetchBytes(entry, ROW_PATH, asking);
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
  /** For nodes that are named; the gate's, since the runtime's own would take all its threads. */
  readonly resolver: Resolver;
  readonly stopped?: AbortSignal | undefined;
}

/** What a node answers at a path, at most MAX_ROW_BYTES; or in one line why it does not. */
export async function fetchBytes(
  entry: NodeEntry,
  path: string,
  asking: Asking,
): Promise<Uint8Array | string> {
  const { timeoutMs, stopped } = asking;
  const signal = AbortSignal.any([
    AbortSignal.timeout(timeoutMs),
    ...(stopped === undefined ? [] : [stopped]),
  ]);
  try {
    const { host } = entry.target;
    return literalEndpoint(host, entry.httpPort) !== null
      ? await fetchOf(`http://${hostPort(urlHost(host), entry.httpPort)}${path}`, asking, {
        signal,
      })
      : await fetchOfNamed(entry, path, asking, signal);
  } catch (error) {
    if (error instanceof RowError) return `its row: ${error.message}`;
    if (stopped?.aborted === true) return "not waited for";
    return signal.aborted ? "no answer in time" : transportReason(error);
  }
}

/**
 * Tries the name's addresses one after the other until one answers. Each has its share of the time
 * that is left.
 */
async function fetchOfNamed(
  { target: { host }, httpPort }: NodeEntry,
  path: string,
  asking: Asking,
  signal: AbortSignal,
): Promise<Uint8Array | string> {
  const endMs = performance.now() + asking.timeoutMs;
  const addresses = await unlessAborted(asking.resolver.resolve(host, 0), signal)
    .catch((error) => {
      throw new Error(`cannot resolve ${host}: ${messageOf(error)}`, { cause: error });
    });
  // The request names the node, since a proxy before it may need the name.
  using client = Deno.createHttpClient({ allowHost: true });
  const headers = { host: hostPort(host, httpPort) };
  for (const [i, address] of addresses.entries()) {
    const url = `http://${hostPort(address, httpPort)}${path}`;
    const shareMs = Math.max(1, (endMs - performance.now()) / (addresses.length - i));
    const part = AbortSignal.any([signal, AbortSignal.timeout(shareMs)]);
    try {
      return await fetchOf(url, asking, { signal: part, headers, client });
    } catch (error) {
      const last = i === addresses.length - 1;
      if (error instanceof RowError || signal.aborted || last) throw error;
    }
  }
  throw new Error(`cannot resolve ${host}: no address`);
}

async function fetchOf(
  url: string,
  { token }: Asking,
  init: RequestInit & { readonly client?: Deno.HttpClient },
): Promise<Uint8Array | string> {
  const question = await token?.ask() ?? null;
  const headers = new Headers(init.headers);
  if (question !== null) headers.set("authorization", question.authorization);
  const response = await fetch(url, { ...init, headers, redirect: "manual" });
  if (response.status !== 200) {
    await response.body?.cancel();
    return statusReason(response.status);
  }
  const body = await boundedBody(response);
  if (
    question !== null &&
    await token?.proves(response.headers.get(PROOF_FIELD), question, body) !== true
  ) {
    return "it does not prove that it knows the token of --http-token";
  }
  return body;
}

/** Rejects when the signal comes first; a look-up then goes on for whoever else wants it. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
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

/** The answer's bytes; throws RowError where they are too many. */
async function boundedBody(response: Response): Promise<Uint8Array> {
  const told = response.headers.get("content-length");
  // Told how many they are, the runtime reads them at once, and no more than these. In chunks they may be
  // any number beside it (RFC 9112 6.3).
  const isTold = told !== null && !response.headers.has("transfer-encoding");
  if (isTold && Number(told) <= MAX_ROW_BYTES) return await response.bytes();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  // Leaving the loop cancels the stream.
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_ROW_BYTES) throw new RowError(`larger than ${MAX_ROW_BYTES} bytes`);
    chunks.push(chunk);
  }
  return await new Blob(chunks).bytes();
}

/** Without the URL, which the user knows, and the layers that the message came through. */
function transportReason(error: unknown): string {
  return shown(fetchReason(error));
}
