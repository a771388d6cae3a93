/** Parts of URLs. A scheme is the same in capitals (RFC 3986, section 3.1): every scheme is read here. */
import { MAX_PORT } from "../domain/limits.ts";
import type { UsageError } from "../domain/exit.ts";
import { quote } from "../text/quote.ts";

export interface UrlParts {
  /** In small letters. */
  readonly scheme: string;
  /** What follows the two slashes. */
  readonly rest: string;
}

/** A URL is known by the slashes: `db:5432` has none. A scheme may hold others, as in `jdbc:mysql://`. */
const URL_FORM = /^([a-z][a-z0-9+.:-]*):\/\/(.*)$/is;
const PORT = /:([0-9]*)$/;

/** Null for a text without `scheme://`. */
export function splitUrl(text: string): UrlParts | null {
  const match = URL_FORM.exec(text);
  return match === null ? null : { scheme: match[1].toLowerCase(), rest: match[2] };
}

/** What follows `scheme:` in a text that has no slashes, such as `srv:NAME`; null where it begins otherwise. */
export function afterScheme(text: string, scheme: string): string | null {
  const start = `${scheme}:`;
  return text.slice(0, start.length).toLowerCase() === start ? text.slice(start.length) : null;
}

/**
 * The server of `https?://host[:port]`, which names no user. Throws what `refusal` makes of the reason:
 * the `form` that is wanted, or the port.
 */
export function serverUrl(
  url: string,
  form: string,
  refusal: (why: string) => UsageError,
): URL {
  const server = URL.parse(url);
  const port = PORT.exec(splitUrl(url)?.rest.split(/[/?#]/)[0] ?? "")?.[1];
  // What precedes an `@` may be a secret: no part of such a text is quoted.
  if (
    port !== undefined && !(Number(port) >= 1 && Number(port) <= MAX_PORT) && !url.includes("@")
  ) {
    throw refusal(`port ${quote(port)} is not from 1 to ${MAX_PORT}`);
  }
  if (server === null || server.username !== "" || server.password !== "" || server.port === "0") {
    throw refusal(form);
  }
  return server;
}
