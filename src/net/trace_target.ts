/** Where a trace goes: a host, with a port or without. */
import { literalEndpoint } from "./address.ts";
import { parseHostPort, quote } from "./target_text.ts";

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
