/** What `trace` is given: where it goes, with a port or without, and the name server it asks. */
import { UsageError } from "../domain/exit.ts";
import type { NameServer } from "../net/name_server.ts";
import { messageOf, quote } from "../text/quote.ts";
import { readInputFile } from "./file.ts";
import { literalEndpoint, unmapped } from "../domain/address.ts";
import { hostPort, NO_PORT } from "../domain/target.ts";
import { parseConnectionText, redacted } from "./connection_text.ts";
import {
  checkedName,
  checkedZone,
  NO_DEFAULTS,
  parseHostPort,
  parseTarget,
  splitName,
  unquoted,
} from "./target_text.ts";

export interface TraceTarget {
  /** What it is called in monitoring; null where it was given no name. */
  readonly name: string | null;
  readonly host: string;
  /** Null for the protocol's own. */
  readonly port: number | null;
}

/** The name of a target in monitoring: its own, else what is traced. */
export function traceTargetName({ name, host, port }: TraceTarget): string {
  return name ?? hostPort(host, port ?? NO_PORT);
}

const ACCEPTED = "wants host, host:port, 1.2.3.4, 1.2.3.4:port, [v6] or [v6]:port";

/** `host`, `host:port`, an address, `[v6]` or `[v6]:port`, all perhaps behind `name=`; throws UsageError. */
export function parseTraceTarget(text: string): TraceTarget {
  const { name, place } = splitName(text);
  if (name !== null) checkedName(name, redacted(text));
  return { name, ...parsePlace(place) };
}

function parsePlace(text: string): Omit<TraceTarget, "name"> {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  const what = `target ${quote(redacted(text))}`;
  const literal = literalEndpoint(unmapped(bare), 0);
  if (literal !== null) return { host: checkedZone(literal.address, what), port: null };
  if (parseConnectionText(text) !== null) {
    const { host, port } = parseTarget(text, NO_DEFAULTS);
    return { host, port };
  }
  if (text.includes(":")) return parseHostPort(text, ACCEPTED, what);
  // A name alone is checked as one with a port is.
  return { host: parseHostPort(`${text}:1`, ACCEPTED, what).host, port: null };
}

/** A larger file, or more targets in it, is a mistake. */
const MAX_FILE_BYTES = 16 << 20;
const MAX_TRACE_TARGETS = 100_000;

/**
 * The targets of a file, one a line: as for `trace`, perhaps with labels behind it as other commands
 * have them, which a trace does not use; `#` comments. Throws SystemError, or
 * UsageError that names file and line.
 */
export async function loadTraceTargets(path: string): Promise<TraceTarget[]> {
  const text = await readInputFile(path, MAX_FILE_BYTES);
  const targets: TraceTarget[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const [word] = line.replace(/(^|\s)#.*/s, "").trim().split(/\s+/);
    if (word === "") continue;
    try {
      targets.push(parseTraceTarget(word));
    } catch (error) {
      throw new UsageError(`${path}:${index + 1}: ${unquoted(messageOf(error))}`);
    }
    if (targets.length > MAX_TRACE_TARGETS) {
      throw new UsageError(`${path}: more than ${MAX_TRACE_TARGETS} targets`);
    }
  }
  if (targets.length === 0) throw new UsageError(`${path}: no target in it`);
  return targets;
}
const RESOLVER = "wants an IP address, or one with a port";

/** RFC 1035, section 4.2 */
const DNS_PORT = 53;

/** `1.2.3.4`, `1.2.3.4:5353`, an IPv6 address, `[v6]:5353`; throws UsageError. */
export function parseNameServer(text: string): NameServer {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (literalEndpoint(bare, 0) !== null) return { address: bare, port: DNS_PORT };
  const { host, port } = text.includes(":")
    ? parseHostPort(text, RESOLVER, `--resolver ${quote(redacted(text))}`)
    : { host: "", port: 0 };
  if (literalEndpoint(host, port) === null) {
    throw new UsageError(`--resolver ${quote(redacted(text))}: ${RESOLVER}`);
  }
  return { address: host, port };
}
