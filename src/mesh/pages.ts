/** What a node offers over HTTP: its row as JSON and for Prometheus, and whether it is alive. */
import { answerPair, type HistoryPorts, PAIR_PATH } from "./pair_history.ts";
import { Cached } from "./cached.ts";
import type { DocumentName, MeshPicture } from "./picture.ts";
import { ByteWriter } from "../format/byte_writer.ts";
import { MAX_STEP_BYTES, PROMETHEUS_CONTENT_TYPE } from "../format/prometheus.ts";
import { prometheusMesh } from "../format/prometheus_mesh.ts";
import { answerLeaving, LEAVING_PATH, type LeavingPorts } from "./leaving.ts";
import { encodeRow } from "./row_json.ts";
import type { MeshRow } from "../domain/mesh_row.ts";
import { HEALTH_PATH } from "../net/http_access.ts";
import type { HttpRequest } from "../net/http_request.ts";
import { type HttpResponse, textResponse } from "../net/http_response.ts";
import { type HttpToken, PROOF_FIELD } from "../net/http_token.ts";
import { ROW_PATH } from "../input/nodes_file.ts";
import type { Clock } from "../time/clock.ts";

/**
 * The age from which a row is made again: however many ask, making pages takes no more than its
 * share.
 */
export const FRESH_MS = 1000;
/** A page is written in pieces of about this size, with a turn of the event loop after each. */
const PIECE_BYTES = 64 * 1024;

/** Where the page has its data from. */
const LIVE_DATA_PATH = "/page.json";

const JSON_TYPE = "application/json; charset=utf-8";

export interface PagePorts {
  readonly clock: Clock;
  /** The row as it is now. */
  row(): Promise<MeshRow>;
  /** Lets the event loop do what else is due. */
  pause(): Promise<void>;
  /**
   * Opens the picture of the whole mesh, when it is asked for first: most nodes are never asked, and its
   * code is twice as much as theirs. Absent or null where it is not shown.
   */
  readonly picture?: (() => Promise<MeshPicture>) | null;
  /** The pairs' last day; absent where it is not shown. */
  readonly history?: HistoryPorts;
  /** Absent where the node accepts no notice that another one leaves. */
  readonly leaving?: LeavingPorts;
  /** The nodes' secret; null for none. */
  readonly token: HttpToken | null;
}

export class Pages {
  #leaving: LeavingPorts | undefined;
  #token: HttpToken | null;
  #openPicture: (() => Promise<MeshPicture>) | null;
  #picture: Promise<MeshPicture> | null = null;
  #history: HistoryPorts | undefined;
  #row: Cached<RowPages>;

  constructor({ clock, row, pause, leaving, token, picture, history }: PagePorts) {
    this.#leaving = leaving;
    this.#token = token;
    this.#openPicture = picture ?? null;
    this.#history = history;
    this.#row = new Cached(clock, FRESH_MS, async () => new RowPages(await row(), pause));
  }

  /** Answers a request of the peer at an address. */
  async answer(request: HttpRequest, peer = ""): Promise<HttpResponse> {
    const { path, method } = request;
    if (path === LEAVING_PATH && this.#leaving !== undefined) {
      return await answerLeaving(request, peer, this.#leaving);
    }
    if (method === "POST") return textResponse(405, "GET and HEAD only");
    switch (path) {
      case ROW_PATH:
        return await this.#proved(request, page(JSON_TYPE, (await this.#row.get()).json));
      case "/metrics":
        return page(PROMETHEUS_CONTENT_TYPE, await (await this.#row.get()).metrics);
      case HEALTH_PATH:
        return textResponse(200, "ok");
    }
    if (path === PAIR_PATH && this.#history !== undefined) {
      return await this.#proved(request, await answerPair(request, this.#history));
    }
    return await this.#live(request) ??
      textResponse(404, `${this.#here()}${PAIR_PATH}, ${ROW_PATH}, /metrics, ${HEALTH_PATH}`);
  }

  #here(): string {
    return this.#openPicture === null
      ? "the page is turned off; here are "
      : "not here: /, /api/matrix, ";
  }

  /** The page of the whole mesh and its documents; null where it is not shown. */
  async #live(request: HttpRequest): Promise<HttpResponse | null> {
    const open = this.#openPicture;
    if (open === null) return null;
    const picture = () => this.#picture ??= open();
    switch (request.path) {
      case "/":
        return page("text/html; charset=utf-8", await (await picture()).page());
      case "/api/matrix":
        return await this.#document(request, await picture(), "matrix");
      case LIVE_DATA_PATH:
        return await this.#document(request, await picture(), "page");
      default:
        return null;
    }
  }

  /** The answer says for how long there will be nothing newer. */
  async #document(
    { headers }: HttpRequest,
    picture: MeshPicture,
    name: DocumentName,
  ): Promise<HttpResponse> {
    const gzip = (headers.get("accept-encoding") ?? "").includes("gzip");
    const body = await (await picture.gathered()).document(name, gzip);
    return {
      ...page(JSON_TYPE, body),
      headers: {
        "Cache-Control": `private, max-age=${Math.floor(picture.freshMs / 1000)}`,
        "Vary": "Accept-Encoding",
        ...(gzip ? { "Content-Encoding": "gzip" } : {}),
      },
    };
  }

  /** Adds to the answer, for a node that asks with the token, a proof that this node knows it. */
  async #proved(request: HttpRequest, response: HttpResponse): Promise<HttpResponse> {
    const { body } = response;
    if (!(body instanceof Uint8Array)) return response;
    const proof = await this.#token?.proof(request, body) ?? null;
    return proof === null ? response : { ...response, headers: { [PROOF_FIELD]: proof } };
  }
}

/** The pages of one row, each made when it is asked for first: none is older than the row. */
class RowPages {
  #row: MeshRow;
  #pause: () => Promise<void>;
  #json: Uint8Array<ArrayBuffer> | null = null;
  #metrics: Promise<Uint8Array<ArrayBuffer>> | null = null;

  constructor(row: MeshRow, pause: () => Promise<void>) {
    this.#row = row;
    this.#pause = pause;
  }

  get json(): Uint8Array<ArrayBuffer> {
    return this.#json ??= new TextEncoder().encode(encodeRow(this.#row));
  }

  get metrics(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#metrics ??= metrics(this.#row, this.#pause);
  }
}

function page(contentType: string, body: Uint8Array<ArrayBuffer> | string): HttpResponse {
  return { status: 200, contentType, body };
}

/** The whole page at once, since all requests within a moment get the same bytes. */
async function metrics(
  row: MeshRow,
  pause: () => Promise<void>,
): Promise<Uint8Array<ArrayBuffer>> {
  const out = new ByteWriter(PIECE_BYTES + MAX_STEP_BYTES);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const cut = () => {
    pieces.push(out.bytes.slice(0, out.length));
    out.length = 0;
  };
  for (const step of prometheusMesh(row)) {
    out.begin();
    step(out);
    out.end();
    if (out.length < PIECE_BYTES) continue;
    cut();
    await pause();
  }
  cut();
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
