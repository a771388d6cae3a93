/**
 * A node that leaves on purpose says so to the others (`POST /leaving?node=NAME`), so that it is no alarm.
 * Each takes it only from that node's own address.
 */
import { literalEndpoint } from "../domain/address.ts";
import { hostPort } from "../domain/target.ts";
import type { NodeEntry } from "../input/nodes_file.ts";
import type { HttpRequest } from "../net/http_request.ts";
import { type HttpResponse, textResponse } from "../net/http_response.ts";
import type { HttpToken } from "../net/http_token.ts";
import type { Resolver } from "../net/resolver.ts";
import { fewAtOnce } from "../time/turns.ts";

export const LEAVING_PATH = "/leaving";

/** How long the other nodes are told that this one leaves; those that do not answer are not waited for. */
const TELL_MS = 1000;
/** Nodes told at once. */
const TOLD_AT_ONCE = 64;

/** Tells the others that this node leaves; from its own address where it is known, since others may share the host. */
export async function tellLeaving(
  others: readonly NodeEntry[],
  name: string,
  ownAddress: string | null,
  token: HttpToken | null,
): Promise<void> {
  const client = ownAddress === null ? null : Deno.createHttpClient({ localAddress: ownAddress });
  const signal = AbortSignal.timeout(TELL_MS);
  await fewAtOnce(TOLD_AT_ONCE, others, async ({ target, httpPort }) => {
    if (signal.aborted) return;
    const host = hostPort(target.host.replace("%", "%25"), httpPort);
    const url = `http://${host}${LEAVING_PATH}?node=${encodeURIComponent(name)}`;
    const question = await token?.ask() ?? null;
    const headers: Record<string, string> = question === null
      ? {}
      : { authorization: question.authorization };
    const options = { method: "POST", headers, signal, ...(client === null ? {} : { client }) };
    try {
      await (await fetch(url, options)).body?.cancel();
    } catch {
      // It is not there, and will find out itself that this node has gone.
    }
  });
  client?.close();
}

/** The ports of a node that receives such a notice. */
export interface LeavingPorts {
  readonly resolver: Resolver;
  /** The nodes there are now. */
  entries(): readonly NodeEntry[];
  /** A node said that it leaves. */
  onLeave(name: string): void;
}

/** Answers such a request of the peer at an address. */
export async function answerLeaving(
  { method, query }: HttpRequest,
  peer: string,
  { resolver, entries, onLeave }: LeavingPorts,
): Promise<HttpResponse> {
  if (method !== "POST") return textResponse(405, "POST only");
  const name = query.get("node") ?? "";
  const entry = entries().find(({ target }) => target.name === name);
  if (entry === undefined) return textResponse(404, "no such node");
  if (!await isAt(entry, peer, resolver)) {
    return textResponse(403, "only that node itself may say so, from its own address");
  }
  onLeave(name);
  return textResponse(200, "ok");
}

async function isAt({ target }: NodeEntry, peer: string, resolver: Resolver): Promise<boolean> {
  const bytes = literalEndpoint(peer, 0)?.bytes;
  const own = literalEndpoint(target.host, 0);
  const addresses = own === null
    ? (await resolver.resolve(target.host, 0).catch(() => []))
      .flatMap((address) => literalEndpoint(address, 0) ?? [])
    : [own];
  return bytes !== undefined &&
    addresses.some((one) =>
      one.bytes.length === bytes.length && one.bytes.every((b, i) => b === bytes[i])
    );
}
