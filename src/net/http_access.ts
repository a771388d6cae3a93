/**
 * Which requests are answered: those that name this server and, where a token is asked for, know
 * it. A page of another site may point its own name here (DNS rebinding); its requests name that
 * site and are refused.
 */
import { literalEndpoint } from "../domain/address.ts";
import { quote } from "../text/quote.ts";
import type { HttpRequest } from "./http_request.ts";
import { type HttpResponse, textResponse } from "./http_response.ts";
import type { HttpToken } from "./http_token.ts";

/** Which requests are answered, as the command line says. */
export interface HttpOptions {
  /** What the server is called besides its addresses and the names it knows itself. */
  readonly names: readonly string[];
  /** The file of the token; null for none. */
  readonly tokenFile: string | null;
}

/** Says only that the process is alive. An orchestrator asks it without a token. */
export const HEALTH_PATH = "/healthz";

/** A line of its own for each scheme, since browsers read one a line; a field's name is alike in either case. */
const CHALLENGES = {
  "WWW-Authenticate": "Bearer",
  "Www-Authenticate": 'Basic realm="wire-probe"',
};

export class HttpAccess {
  readonly token: HttpToken | null;
  #names: ReadonlySet<string>;

  /** `names`: what this server is called besides its addresses and `localhost`. */
  constructor(names: readonly string[], token: HttpToken | null) {
    this.token = token;
    this.#names = new Set(["localhost", ...names.map(plain)]);
  }

  /** Null for a request that is answered. */
  async refusal(request: HttpRequest): Promise<HttpResponse | null> {
    const { host, path } = request;
    if (host !== null && !this.#isOwn(host)) {
      return textResponse(421, `not known here as ${quote(host)}; --http-host names this server`);
    }
    if (isOfAnotherSite(request, (name) => this.#isOwn(name))) {
      return textResponse(403, "asked for by another site's page");
    }
    if (this.token === null || path === HEALTH_PATH || await this.token.admits(request)) {
      return null;
    }
    return { ...textResponse(401, "wants the token of --http-token"), headers: CHALLENGES };
  }

  #isOwn(host: string): boolean {
    return literalEndpoint(host, 1) !== null || this.#names.has(plain(host));
  }
}

/** Names are alike in either case, and with or without the root's dot. */
function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

/**
 * What a browser says of the page that asks (Fetch, 3.2; Fetch Metadata). A link that a person
 * follows does not count as the page's request.
 */
function isOfAnotherSite({ headers }: HttpRequest, isOwn: (host: string) => boolean): boolean {
  const origin = headers.get("origin");
  if (origin !== undefined) {
    const host = URL.parse(origin)?.hostname.replace(/^\[|\]$/g, "") ?? "";
    if (!isOwn(host)) return true;
  }
  return headers.get("sec-fetch-site") === "cross-site" &&
    headers.get("sec-fetch-mode") !== "navigate";
}
