/** Targets as people write them: `host:port`, `[v6]:port`, `name=host:port`, and files of them. */
import { movesText } from "../text/columns.ts";
import { quote } from "../text/quote.ts";
import { UsageError } from "../domain/exit.ts";
import {
  DEFAULT_AZ,
  hostPort,
  type Label,
  NO_PORT,
  type Target,
  targetKey,
} from "../domain/target.ts";
import { literalEndpoint, parseIpv6 } from "../domain/address.ts";

/** What targets get that do not say otherwise. */
export interface TargetDefaults {
  readonly az: string;
  readonly labels: readonly Label[];
  /** The port of an address that names none; without this one, each must name its own. */
  readonly port?: number;
  /** Ports do not matter: one that is named is left out, and IPv6 needs no brackets. */
  readonly portless?: boolean;
  /** What messages call one: a target, unless something else is said. */
  readonly called?: string;
}

export const NO_DEFAULTS: TargetDefaults = { az: DEFAULT_AZ, labels: [] };

/** More targets than this in a file are a mistake, and would not fit a small process. */
export const MAX_TARGETS = 100_000;
/** A name or label longer than this is a mistake; collectd's parts end at 127 bytes. */
const MAX_NAME_LENGTH = 255;
/** With these two, a target's longest labels fit a record of every format (MAX_RECORD_BYTES). */
const MAX_LABEL_KEY_LENGTH = 63;
export const MAX_LABELS = 16;
/** Names of hosts, underscores included as resolvers take them (RFC 1123, RFC 2181). */
const HOST_NAME = /^(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?$/;
const MAX_HOST_LENGTH = 253;
const LABEL_KEY = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What is accepted where an address is wanted, and nothing besides. */
export const HOST_PORT = "wants host:port, 1.2.3.4:port or [v6]:port";
const TARGET = "wants host:port, 1.2.3.4:port, [v6]:port or name=host:port";
const TARGET_WITHOUT_PORT = "wants a host name, an address or name=host";
const TARGET_PERHAPS_WITH_PORT = "wants host, host:port, 1.2.3.4, [v6]:port or name=host:port";

/** A target; throws UsageError with the text and what is accepted. */
export function parseTarget(text: string, defaults: TargetDefaults): Target {
  const equals = text.indexOf("=");
  const address = equals < 0 ? text : text.slice(equals + 1);
  const { host, port } = parseAddress(address, defaults);
  const name = equals < 0 ? hostPort(host, port) : checkedName(text.slice(0, equals), text);
  return { name, host, port, az: defaults.az, labels: defaults.labels };
}

function withPort(address: string, port: number | undefined): string {
  const bare = /^\[[^\]]*\]$/.test(address) || (address !== "" && !address.includes(":"));
  return port !== undefined && bare ? `${address}:${port}` : address;
}

function parseAddress(text: string, { port, portless, called }: TargetDefaults): HostPort {
  const what = `${called ?? "target"} ${quote(text)}`;
  if (portless !== true) {
    const accepted = port === undefined ? TARGET : TARGET_PERHAPS_WITH_PORT;
    return parseHostPort(withPort(text, port), accepted, what);
  }
  const { host } = literalEndpoint(text, 1) !== null
    ? { host: text }
    : parseHostPort(withPort(text, 1), TARGET_WITHOUT_PORT, what);
  return { host, port: NO_PORT };
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `host:port`; throws UsageError that says of `what` that it is wrong, and what is `accepted`. */
export function parseHostPort(
  text: string,
  accepted = HOST_PORT,
  what = `target ${quote(text)}`,
): HostPort {
  const bracketed = /^\[([^\]]*)\]:(.*)$/.exec(text);
  if (bracketed !== null) {
    const [, host, port] = bracketed;
    if (literalEndpoint(host, 1)?.family !== 6) {
      throw new UsageError(`${what}: ${quote(host)} is no IPv6 address`);
    }
    return { host, port: parsePort(port, what) };
  }
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, Math.max(0, colon));
  if (host.includes(":")) {
    throw new UsageError(`${what}: ${bracketHint(text, host, colon) ?? accepted}`);
  }
  if (colon <= 0) throw new UsageError(`${what}: ${accepted}`);
  const dottedNumber = /^[0-9.]+$/.test(host);
  const known = dottedNumber
    ? literalEndpoint(host, 1) !== null
    : HOST_NAME.test(host) && host.length <= MAX_HOST_LENGTH;
  if (!known) throw new UsageError(`${what}: ${quote(host)} is no host name or address`);
  return { host, port: parsePort(text.slice(colon + 1), what) };
}

/** How the bracketed spelling would look, since `::1:80` could mean two things; null for no IPv6 address. */
function bracketHint(text: string, host: string, colon: number): string | null {
  const port = text.slice(colon + 1);
  const split = parseIpv6(host.split("%")[0]) !== null && /^[0-9]+$/.test(port);
  if (split) return `an IPv6 address goes in brackets: [${host}]:${port}`;
  if (parseIpv6(text.split("%")[0]) === null) return null;
  return `an IPv6 address goes in brackets, with a port: [${text}]:PORT`;
}

function parsePort(text: string, what: string): number {
  const port = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) {
    throw new UsageError(`${what}: port ${quote(text)} is not from 1 to 65535`);
  }
  return port;
}

/** A label `key=value`; throws UsageError. */
export function parseLabel(text: string): Label {
  const equals = text.indexOf("=");
  const key = text.slice(0, Math.max(0, equals));
  if (!LABEL_KEY.test(key) || key.length > MAX_LABEL_KEY_LENGTH || equals === text.length - 1) {
    throw new UsageError(
      `label ${
        quote(text)
      }: wants key=value, the key of letters, digits and _, the value not empty`,
    );
  }
  return [key, checkedName(text.slice(equals + 1), text)];
}

/** A name fit to be shown and exported: not empty, bounded, nothing that moves a terminal. */
export function checkedName(name: string, whole: string): string {
  if (name === "" || name.length > MAX_NAME_LENGTH || movesText(name)) {
    throw new UsageError(
      `${
        quote(whole)
      }: a name wants 1 to ${MAX_NAME_LENGTH} characters, none of them control characters`,
    );
  }
  return name;
}

/**
 * The targets of a file's text, one a line: `[name=]host:port az=… key=value…`, `#` comments.
 * Throws UsageError that names file and line; two targets may not be the same one.
 */
export function parseTargets(text: string, file: string, defaults: TargetDefaults): Target[] {
  const called = defaults.called ?? "target";
  const targets: Target[] = [];
  const seen = new Map<string, number>();
  for (const [index, line] of text.split("\n").entries()) {
    const words = withoutComment(line).trim().split(/\s+/);
    if (words[0] === "") continue;
    const at = `${file}:${index + 1}`;
    const target = parseLine(words, at, defaults);
    const key = targetKey(target);
    const earlier = seen.get(key);
    if (earlier !== undefined) throw new UsageError(`${at}: the same ${called} as line ${earlier}`);
    seen.set(key, index + 1);
    targets.push(target);
    if (targets.length > MAX_TARGETS) {
      throw new UsageError(`${at}: more than ${MAX_TARGETS} ${called}s`);
    }
  }
  if (targets.length === 0) throw new UsageError(`${file}: no ${called} in it`);
  return targets;
}

/** A hash begins a comment where a word could begin. */
function withoutComment(line: string): string {
  return line.includes("#") ? line.replace(/(^|\s)#.*/s, "") : line;
}

function parseLine(words: string[], at: string, defaults: TargetDefaults): Target {
  try {
    const target = parseTarget(words[0], defaults);
    const labels = new Map(defaults.labels);
    let az = defaults.az;
    for (const word of words.slice(1)) {
      const [key, value] = parseLabel(word);
      if (key === "az") az = value;
      else labels.set(key, value);
    }
    if (labels.size > MAX_LABELS) throw new UsageError(`more than ${MAX_LABELS} labels`);
    return { ...target, az, labels: [...labels] };
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${at}: ${unquoted(error.message)}`);
    throw error;
  }
}

/** A message about a line of a file, which may be anybody's and secret: it quotes nothing of it. */
function unquoted(message: string): string {
  return message.replaceAll(/ ?"(?:[^"\\]|\\.)*"/g, "").replace(
    /(goes in brackets).*/,
    "$1: [address]:port",
  )
    .replace(/^: /, "");
}
