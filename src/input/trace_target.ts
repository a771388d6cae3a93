/** What `trace` is given: where it goes, with a port or without, and the name server it asks. */
import { UsageError } from "../domain/exit.ts";
import type { NameServer } from "../net/name_server.ts";
import { quote } from "../text/quote.ts";
import { literalEndpoint } from "../domain/address.ts";
import { parseHostPort } from "./target_text.ts";

export interface TraceTarget {
  readonly host: string;
  /** Null for the protocol's own. */
  readonly port: number | null;
}

const ACCEPTED = "wants host, host:port, 1.2.3.4, 1.2.3.4:port, [v6] or [v6]:port";

/** `host`, `host:port`, an address, `[v6]` or `[v6]:port`; throws UsageError. */
export function parseTraceTarget(text: string): TraceTarget {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (literalEndpoint(bare, 0) !== null) return { host: bare, port: null };
  const what = `target ${quote(text)}`;
  if (text.includes(":")) return parseHostPort(text, ACCEPTED, what);
  // A name alone is checked as one with a port is.
  return { host: parseHostPort(`${text}:1`, ACCEPTED, what).host, port: null };
}

/** RFC 1035, section 4.2 */
const DNS_PORT = 53;

/** `1.2.3.4`, `1.2.3.4:5353`, an IPv6 address, `[v6]:5353`; throws UsageError. */
export function parseNameServer(text: string): NameServer {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (literalEndpoint(bare, 0) !== null) return { address: bare, port: DNS_PORT };
  const { host, port } = text.includes(":") ? parseHostPort(text) : { host: "", port: 0 };
  if (literalEndpoint(host, port) === null) {
    throw new UsageError(`--resolver ${quote(text)}: wants an IP address, or one with a port`);
  }
  return { address: host, port };
}
