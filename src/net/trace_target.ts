/** Where a trace goes: a host, with a port or without. */
import { UsageError } from "../domain/exit.ts";
import { literalEndpoint } from "./address.ts";
import { parseHostPort, quote } from "./target_text.ts";

export interface TraceTarget {
  readonly host: string;
  /** Null for the protocol's own. */
  readonly port: number | null;
}

/** `host`, `host:port`, an address, `[v6]` or `[v6]:port`; throws UsageError. */
export function parseTraceTarget(text: string): TraceTarget {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (literalEndpoint(bare, 0) !== null) return { host: bare, port: null };
  if (text.includes(":")) return parseHostPort(text);
  return { host: checkedHost(text), port: null };
}

/** A name alone is checked as one with a port is. */
function checkedHost(text: string): string {
  const assumed = `${text}:1`;
  try {
    return parseHostPort(assumed).host;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(error.message.replace(quote(assumed), quote(text)));
  }
}
