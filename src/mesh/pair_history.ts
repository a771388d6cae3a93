/** `/api/pair?from=A&to=B`: a pair's last day as JSON, from the node that measured it. */
import { type HttpResponse, textResponse } from "../net/http_response.ts";
import type { HttpRequest } from "../net/http_request.ts";
import type { NodeEntry } from "../input/nodes_file.ts";
import { millisOf } from "../text/number.ts";
import { DAY_WINDOW_MS } from "./pair_day.ts";
import type { PairHistory } from "./row_builder.ts";

export const PAIR_PATH = "/api/pair";
export const PAIR_SCHEMA = "wire-probe.mesh-pair.v1";

export interface HistoryPorts {
  nodes(): { readonly entries: readonly NodeEntry[]; readonly own: string };
  /** This node's history of a peer; null for one that it does not probe. */
  history(peer: string): PairHistory | null;
  /** Asks another node; its answer's bytes, or in one line why there are none. */
  ask(entry: NodeEntry, path: string): Promise<Uint8Array | string>;
}

/** Answers for a pair that this node or any other one of the mesh measures. */
export async function answerPair(
  { query }: HttpRequest,
  ports: HistoryPorts,
): Promise<HttpResponse> {
  const { entries, own } = ports.nodes();
  const [from, to] = [query.get("from") ?? own, query.get("to") ?? ""];
  if (from === own) {
    const history = ports.history(to);
    return history === null
      ? textResponse(404, "not probed by this node")
      : json(new TextEncoder().encode(pairJson(from, to, history)));
  }
  const entry = entries.find(({ target }) => target.name === from);
  // A node that another node asks does not ask a third one.
  if (entry === undefined || query.has("direct")) return textResponse(404, "no such node");
  const path = `${PAIR_PATH}?direct=1&from=${encodeURIComponent(from)}&to=${
    encodeURIComponent(to)
  }`;
  const answer = await ports.ask(entry, path);
  return typeof answer === "string"
    ? textResponse(503, `${from}: ${answer}`)
    : json(new Uint8Array(answer));
}

/** The windows as they are told: in JSON, and to the page. */
export function windowsOf({ startWallMs, windows }: PairHistory): {
  readonly time: string;
  readonly mean_ms: number | null;
  readonly sent: number;
  readonly established: number;
}[] {
  return windows.map(({ window, meanUs, sent, established }) => ({
    time: new Date(startWallMs + window * DAY_WINDOW_MS).toISOString(),
    mean_ms: meanUs === null ? null : millisOf(meanUs),
    sent,
    established,
  }));
}

/** One line; the windows in which the pair was probed, the oldest first. */
export function pairJson(from: string, to: string, history: PairHistory): string {
  const document = {
    schema: PAIR_SCHEMA,
    from,
    to,
    window_ms: DAY_WINDOW_MS,
    windows: windowsOf(history),
  };
  return `${JSON.stringify(document)}\n`;
}

function json(body: Uint8Array<ArrayBuffer>): HttpResponse {
  return { status: 200, contentType: "application/json; charset=utf-8", body };
}
