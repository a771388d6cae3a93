/** The head of an HTTP/1 request (RFC 9112), from bytes to a request or to what refuses it. */
import { MAX_PORT } from "../domain/limits.ts";

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST";
  /** Percent-decoded, without the query; starts with a slash. */
  readonly path: string;
  readonly query: URLSearchParams;
  /**
   * The host that the request is for: lower-case, without port, a literal without brackets; null
   * for none.
   */
  readonly host: string | null;
  /** By lower-case name; the values of a repeated one joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  /** HTTP/1.0 knows no chunks. */
  readonly chunks: boolean;
}

/** Why a request is not answered. */
export interface HttpRefusal {
  readonly status: 400 | 405 | 408 | 431 | 505;
  readonly reason: string;
}

const LF = 10;
const CR = 13;
const TAB = 9;
const SPACE = 32;
const DELETE = 127;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VISIBLE_ASCII = /^[!-~]+$/;
const ABSOLUTE_FORM = /^http:\/\/([^/?#]*)/i;
/** A name or an IPv4 address, or a literal in brackets; then a port (RFC 3986, 3.2, without user and escapes). */
const AUTHORITY =
  /^(?:([A-Za-z0-9._~-]+)|\[([0-9A-Fa-f:.]+(?:%25[A-Za-z0-9._~-]+)?)\])(?::([0-9]{0,5}))?$/;

/**
 * Where the head within `bytes[0..length)` ends, its empty line included; -1 while it does not.
 * `from` is how much was searched before.
 */
export function headEnd(bytes: Uint8Array, from: number, length: number): number {
  for (let i = from; i < length; i++) {
    if (bytes[i] !== LF) continue;
    const before = i > 0 && bytes[i - 1] === CR ? i - 2 : i - 1;
    if (before >= 0 && bytes[before] === LF) return i + 1;
  }
  return -1;
}

/** The request that a head asks for; `bytes` is all of it. POST is refused unless `posts`. Never throws. */
export function parseHead(bytes: Uint8Array, posts = false): HttpRequest | HttpRefusal {
  const [first, ...fields] = latin1(bytes).replace(/(\r?\n)+$/, "").split(/\r?\n/);
  if (hasControl(first)) return bad("control character in the request line");
  const words = first.split(" ");
  const [method, target, version] = words;
  if (words.length !== 3 || !TOKEN.test(method)) return bad("no request line");
  if (!/^HTTP\/[0-9]\.[0-9]$/.test(version)) return bad("no HTTP version");
  if (!version.startsWith("HTTP/1.")) return { status: 505, reason: "HTTP/1.0 and HTTP/1.1 only" };
  if (method !== "GET" && method !== "HEAD" && !(posts && method === "POST")) {
    return { status: 405, reason: "GET and HEAD only" };
  }
  const chunks = version !== "HTTP/1.0";
  const headers = parseFields(fields);
  if (headers === null) return bad("bad header field");
  const split = splitTarget(target);
  if (split === null) return bad("bad request target");
  // RFC 9112, 3.2: exactly one Host, and a good one; HTTP/1.0 has none as a rule.
  const hosts = fields.filter((line) => /^host:/i.test(line)).length;
  if (hosts !== 1 && (chunks || hosts > 1)) {
    return bad(`${hosts === 0 ? "no" : "more than one"} Host`);
  }
  const named = hosts === 0 ? null : hostOf(headers.get("host") ?? "");
  if (named === undefined) return bad("bad Host");
  // What an absolute target names counts instead (RFC 9112, 3.2.2).
  const authority = ABSOLUTE_FORM.exec(target)?.[1];
  const host = authority === undefined ? named : hostOf(authority);
  if (host === undefined) return bad("bad request target");
  return { method, ...split, host, headers, chunks };
}

function bad(reason: string): HttpRefusal {
  return { status: 400, reason };
}

/** The host of an authority; undefined for what is none. */
function hostOf(authority: string): string | undefined {
  const match = AUTHORITY.exec(authority);
  if (match === null || Number(match[3] ?? 0) > MAX_PORT) return undefined;
  return (match[1] ?? match[2]).toLowerCase();
}

function splitTarget(target: string): { path: string; query: URLSearchParams } | null {
  const local = target.replace(ABSOLUTE_FORM, "");
  const asked = local === "" || local.startsWith("?") ? `/${local}` : local;
  if (!VISIBLE_ASCII.test(target) || !asked.startsWith("/")) return null;
  const question = asked.indexOf("?");
  const path = question < 0 ? asked : asked.slice(0, question);
  const query = new URLSearchParams(question < 0 ? "" : asked.slice(question + 1));
  try {
    return { path: decodeURIComponent(path), query };
  } catch {
    return null;
  }
}

/** Null when a line is no field: among them folded lines, and space before the colon. */
function parseFields(lines: readonly string[]): Map<string, string> | null {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    if (!TOKEN.test(name) || hasControl(line)) return null;
    const value = line.slice(colon + 1).trim();
    const earlier = fields.get(name);
    fields.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return fields;
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < SPACE && code !== TAB) || code === DELETE) return true;
  }
  return false;
}

/** One character a byte (ISO 8859-1), as header fields were once defined. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
