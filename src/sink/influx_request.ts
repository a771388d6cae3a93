/** The export URL of an InfluxDB as the write request it stands for (v1 `/write`, v2 `/api/v2/write`). */
import { quote } from "../text/quote.ts";
import { UsageError } from "../domain/exit.ts";
import { serverUrl } from "../input/url.ts";

export interface WriteRequest {
  /** The server as notices name it, without anything secret. */
  readonly where: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const DEFAULT_PORT = "8086";
const FORM = "it wants the form influx-http://host:port/?db=NAME or ?org=ORG&bucket=BUCKET";
const V1_PARAMETERS = ["db", "rp", "u", "p"];
const V2_PARAMETERS = ["org", "bucket"];

/**
 * `influx-http://host:port/?db=…[&rp=…][&u=…&p=…]` or `…/?org=…&bucket=…`; `influx-https` the same
 * over TLS; a path is put before the API's own. A
 * password that the URL does not name is `password`. Throws UsageError that names what is wrong.
 */
export function writeRequest(
  text: string,
  token: string | null,
  password: string | null = null,
): WriteRequest {
  const match = /^influx-https?:\/\/([^/?#]+)(\/[^?#]*)?(?:\?([^#]*))?$/i.exec(text);
  if (match === null) throw refusal(text, FORM);
  const [, place, base = "", parameters = ""] = match;
  const server = serverUrl(text.replace(/^influx-/i, ""), FORM, (why) => refusal(text, why));
  // A port that is the scheme's own vanishes in a URL; without one it is InfluxDB's.
  if (!/:\d+$/.test(place)) server.port = DEFAULT_PORT;
  const given = new URLSearchParams(parameters);
  const v1 = given.has("db");
  checkParameters(text, given, v1);
  const query = new URLSearchParams();
  for (const name of v1 ? ["db", "rp"] : V2_PARAMETERS) {
    const value = given.get(name);
    if (value !== null) query.set(name, value);
  }
  query.set("precision", "ns");
  const path = v1 ? "/write" : "/api/v2/write";
  return {
    where: `influx-${server.protocol}//${place}`,
    url: `${server.origin}${base.replace(/\/+$/, "")}${path}?${query}`,
    headers: headersFor(given, token, password),
  };
}

function checkParameters(text: string, given: URLSearchParams, v1: boolean): void {
  const known = v1 ? V1_PARAMETERS : V2_PARAMETERS;
  for (const name of given.keys()) {
    if (!known.includes(name)) {
      throw refusal(text, `it does not take ${shown(name)}=; it takes ${known.join(", ")}`);
    }
    if (given.getAll(name).length > 1) throw refusal(text, `${name}= is given twice`);
    if (given.get(name) === "") throw refusal(text, `${name}= is empty`);
  }
  if (!v1 && !(given.has("org") && given.has("bucket"))) {
    throw refusal(text, "it wants db=NAME, or org=ORG and bucket=BUCKET");
  }
  if (given.has("p") && !given.has("u")) throw refusal(text, "p= wants u= beside it");
}

/** User and password go in a header too: a URL ends up in logs. */
function headersFor(
  given: URLSearchParams,
  token: string | null,
  password: string | null,
): Record<string, string> {
  const headers: Record<string, string> = { "content-type": "text/plain; charset=utf-8" };
  const user = given.get("u");
  if (token !== null) headers.authorization = `Token ${token}`;
  else if (user !== null) {
    const pair = new TextEncoder().encode(`${user}:${given.get("p") ?? password ?? ""}`);
    headers.authorization = `Basic ${btoa(String.fromCharCode(...pair))}`;
  }
  return headers;
}

/** The message leaves out what may hold a password: the query, and what comes before an `@`. */
function refusal(text: string, why: string): UsageError {
  const open = text.split("?")[0].replace(/\/\/.*@/, "//");
  return new UsageError(`--export ${shown(open)}: ${why}`);
}

/** Without anything that moves a terminal. */
function shown(text: string): string {
  return quote(text).slice(1, -1);
}
