/** Foreign text in messages: quoted, or as one short line that is safe on a terminal. */
import { PLAIN_ASCII, unicode, unshowable } from "./columns.ts";

/** A foreign text is cut to this many characters. */
const MAX_SHOWN_CHARS = 200;

/** A text as it can be shown on one line of a terminal. */
export function quote(text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  const quoted = JSON.stringify(shown);
  if (PLAIN_ASCII.test(quoted)) return quoted;
  return quoted.replaceAll(
    unshowable(),
    (sign) => sign.split("").map((unit) => `\\u${hex4(unit.charCodeAt(0))}`).join(""),
  );
}

function hex4(value: number): string {
  return value.toString(16).padStart(4, "0");
}

const gaps = unicode("[\\p{C}\\p{Zl}\\p{Zp}\\s]+", "gu");

/** Foreign text as one short line that is safe on a terminal. */
export function shown(text: string): string {
  const line = text.replaceAll(gaps(), " ").trim();
  return line.length <= MAX_SHOWN_CHARS ? line : `${line.slice(0, MAX_SHOWN_CHARS)}…`;
}

/** The message of whatever was thrown, in one line, without what the runtime adds to it. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s+/g, " ").replace(/ \(os error \d+\)(: \w+ '.*')?$/, "").trim();
}

/** What getaddrinfo(3) says of a name, in the words of look-ups of our own. */
const NAME_REASONS: readonly (readonly [said: RegExp, reason: string])[] = [
  [/Name or service not known/, "no such name"],
  [/No address associated with hostname/, "no address"],
  [/Temporary failure in name resolution/, "no name server answers"],
];

/**
 * Why a fetch failed, in one line, without the URL, which the user knows, and without the layers that the
 * reason came through. It is the error's
 * own message up to Deno 2.8, and that of its cause from 2.9 on.
 */
export function fetchReason(error: unknown): string {
  const wrapped = error instanceof Error && error.message === "fetch failed";
  const reason = messageOf(wrapped && error.cause !== undefined ? error.cause : error)
    .replace(/^error sending request for url \(.*?\): /, "")
    .replace(/^client error \(Connect\): (tcp connect error: )?/, "");
  const name = /^dns error: (?:failed to lookup address information: )?(.*)$/s.exec(reason)?.[1];
  if (name === undefined) return reason;
  return NAME_REASONS.find(([said]) => said.test(name))?.[1] ?? name;
}
