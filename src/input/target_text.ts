/** Targets as people write them: `host:port`, `[v6]:port`, `name=host:port`, and files of them. */
import { movesText } from "../text/columns.ts";
import { quote } from "../text/quote.ts";
import { UsageError } from "../domain/exit.ts";
import {
  DEFAULT_AZ,
  hostPort,
  type Label,
  NO_PORT,
  seriesKey,
  type Target,
  targetKey,
} from "../domain/target.ts";
import { literalEndpoint, parseIpv6, unmapped } from "../domain/address.ts";
import { isLibpq, parseConnectionText, redacted, srvName } from "./connection_text.ts";
import { atOnce, type Steps } from "../time/slices.ts";
import { servicePort } from "./services.ts";

/** What a target gets where its text does not say otherwise. */
export interface TargetDefaults {
  readonly az: string;
  readonly labels: readonly Label[];
  /** The port of an address that names none; without this one, each must name its own. */
  readonly port?: number;
  /** Ports do not matter: one that is named is left out, and IPv6 needs no brackets. */
  readonly portless?: boolean;
  /** What messages call one: a target, unless something else is said. */
  readonly called?: string;
  /** A name stands for all its addresses, each a target of its own. */
  readonly allAddresses?: boolean;
}

export const NO_DEFAULTS: TargetDefaults = { az: DEFAULT_AZ, labels: [] };

/** More targets than this in a file are a mistake, and would not fit a small process. */
export const MAX_TARGETS = 100_000;
/** A longer line of a file is a mistake: all labels at their longest are some 5000 characters. */
const MAX_LINE_LENGTH = 65_536;
/** Lines of a file that are read without a pause. */
const LINES_A_STEP = 64;
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
const TARGET = "wants host:port, 1.2.3.4:port, [v6]:port, a URL or name=host:port";
const TARGET_WITHOUT_PORT = "wants a host name, an address or name=host";
const TARGET_PERHAPS_WITH_PORT = "wants host, host:port, 1.2.3.4, [v6]:port or name=host:port";
/** The label of a target that is one address of a name. */
export const ADDRESS_LABEL = "address";

/**
 * The targets of a text: one, or several where it is a connection string of several hosts. Nothing
 * of a URL but its hosts and ports is kept. Throws UsageError with the text, user and password left
 * out, and what is accepted.
 *
 * @example `parseTargetText("db=postgres://user:secret@a,b/app", NO_DEFAULTS)` names a:5432 and b:5432
 */
export function parseTargetText(text: string, defaults: TargetDefaults): Target[] {
  const literal = literalTarget(text, defaults);
  if (literal !== null) return [literal];
  const { name, place } = splitName(text);
  const connection = parseConnectionText(place);
  if (connection === null) return [targetOf(name, parseAddress(place, defaults), text, defaults)];
  const port = connection.port ?? defaults.port;
  if (connection.srv) return [srvTarget(name, connection.hosts[0], place, text, defaults)];
  const several = connection.hosts.length > 1;
  const what = `${defaults.called ?? "target"} ${quote(redacted(text))}`;
  return connection.hosts.map((host) => {
    const address = connectionAddress(
      host,
      port === undefined ? defaults : { ...defaults, port },
      what,
      text.includes("@"),
    );
    const own = several && name !== null ? `${name}@${hostPort(address.host, address.port)}` : name;
    return targetOf(own, address, text, defaults);
  });
}

/** `1.2.3.4:port`, which nothing else looks like: the shortest way, for the start and for long files. */
function literalTarget(text: string, defaults: TargetDefaults): Target | null {
  if (defaults.portless === true) return null;
  const [, host, digits] = /^([0-9.]+):([1-9][0-9]{0,4})$/.exec(text) ?? [];
  const port = Number(digits);
  if (host === undefined || port > 65_535 || literalEndpoint(host, port) === null) return null;
  return targetOf(null, { host, port }, text, defaults);
}

/** The one target of a text; throws UsageError where it names several. */
export function parseTarget(text: string, defaults: TargetDefaults): Target {
  const [target, ...more] = parseTargetText(text, defaults);
  if (more.length === 0) return target;
  throw new UsageError(
    `target ${quote(redacted(text))}: names ${more.length + 1} hosts, one is wanted`,
  );
}

/** An address within a connection string; where that has secrets, a message quotes no part of it. */
function connectionAddress(
  host: string,
  defaults: TargetDefaults,
  what: string,
  secret: boolean,
): HostPort {
  try {
    return parseAddress(host, defaults, what);
  } catch (error) {
    if (!secret || !(error instanceof UsageError)) throw error;
    const accepted = defaults.portless === true
      ? "a host without a port behind the @: an echo has none"
      : "host or host:port behind the @";
    throw new UsageError(`${what}: wants ${accepted}`);
  }
}

/** A name ends before the first `:`, `/` or `@`, and a libpq string is no name. */
export function splitName(text: string): { name: string | null; place: string } {
  const equals = /^([^=:/@]*)=/.exec(text);
  if (equals === null || isLibpq(text)) return { name: null, place: text };
  return { name: equals[1], place: text.slice(equals[0].length) };
}

function targetOf(
  name: string | null,
  { host, port }: HostPort,
  text: string,
  { az, labels, allAddresses }: TargetDefaults,
): Target {
  const shown = name === null ? hostPort(host, port) : checkedName(name, redacted(text));
  const target = { name: shown, host, port, az, labels };
  if (allAddresses !== true || literalEndpoint(host, 1) !== null) return target;
  return { ...target, standsFor: "addresses" };
}

/** The target that stands for the members of an SRV name (RFC 2782). */
function srvTarget(
  name: string | null,
  host: string,
  place: string,
  text: string,
  { az, labels }: TargetDefaults,
): Target {
  const mongodb = srvName(place) === null;
  const service = mongodb ? `_mongodb._tcp.${host}` : host;
  if (!HOST_NAME.test(service) || service.length > MAX_HOST_LENGTH) {
    throw new UsageError(`target ${quote(redacted(text))}: ${quote(host)} is no SRV name`);
  }
  const shown = name === null ? `srv:${service}` : checkedName(name, redacted(text));
  return { name: shown, host: service, port: NO_PORT, az, labels, standsFor: "srv" };
}

function withPort(address: string, port: number | undefined): string {
  const bare = /^\[[^\]]*\]$/.test(address) || (address !== "" && !address.includes(":"));
  return port !== undefined && bare ? `${address}:${port}` : address;
}

function parseAddress(text: string, defaults: TargetDefaults, whole?: string): HostPort {
  const { port, portless, called } = defaults;
  const what = whole ?? `${called ?? "target"} ${quote(redacted(text))}`;
  if (portless === true) return portlessAddress(text, what);
  if (port === undefined && !text.includes(":") && isHost(text)) {
    throw new UsageError(`${what}: wants a port too: ${text}:PORT, or a service's name`);
  }
  const accepted = port === undefined ? TARGET : TARGET_PERHAPS_WITH_PORT;
  return parseHostPort(withPort(text, port), accepted, what);
}

/** An address for what has no ports. One that is named is a mistake, since it would not be used. */
function portlessAddress(text: string, what: string): HostPort {
  const literal = literalEndpoint(unmapped(text.replace(/^\[(.*)\]$/, "$1")), 1);
  if (literal !== null) return { host: checkedZone(literal.address, what), port: NO_PORT };
  if (!text.includes(":")) {
    return { host: parseHostPort(`${text}:1`, TARGET_WITHOUT_PORT, what).host, port: NO_PORT };
  }
  const { host } = parseHostPort(text, TARGET_WITHOUT_PORT, what);
  throw new UsageError(`${what}: an echo has no port: ping ${host}, or probe ${quote(text)}`);
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Whether a text is a host's name or an IPv4 address. */
export function isHost(text: string): boolean {
  if (/^[0-9.]+$/.test(text)) return literalEndpoint(text, 1) !== null;
  return HOST_NAME.test(text) && text.length <= MAX_HOST_LENGTH;
}

/** `host:port`; throws UsageError that says of `what` that it is wrong, and what is `accepted`. */
export function parseHostPort(
  text: string,
  accepted = HOST_PORT,
  what = `target ${quote(redacted(text))}`,
): HostPort {
  // The text before an `@` may be a secret: no part of such a text is quoted.
  if (text.includes("@")) throw new UsageError(`${what}: ${accepted}`);
  const bracketed = /^\[([^\]]*)\]:(.*)$/.exec(text);
  if (bracketed !== null) {
    const [, host, port] = bracketed;
    const literal = host.includes(":") ? literalEndpoint(unmapped(host), 1) : null;
    if (literal === null) throw new UsageError(`${what}: ${quote(host)} is no IPv6 address`);
    return { host: checkedZone(literal.address, what), port: parsePort(port, what) };
  }
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, Math.max(0, colon));
  if (host.includes(":")) {
    throw new UsageError(`${what}: ${bracketHint(text, host, colon) ?? accepted}`);
  }
  if (colon <= 0) throw new UsageError(`${what}: ${accepted}`);
  if (!isHost(host)) throw new UsageError(`${what}: ${quote(host)} is no host name or address`);
  return { host, port: parsePort(text.slice(colon + 1), what) };
}

/** A link-local address is one only together with its interface (RFC 4007, section 6). */
export function checkedZone(address: string, what: string): string {
  if (/^fe[89ab][0-9a-f]:/i.test(address) && !address.includes("%")) {
    throw new UsageError(`${what}: a link-local address wants its interface: ${address}%eth0`);
  }
  return address;
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
  if (/[A-Za-z]/.test(text)) {
    const port = servicePort(text);
    if (port !== null) return port;
    throw new UsageError(
      `${what}: port ${quote(text)} is no service of /etc/services, nor from 1 to 65535`,
    );
  }
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
 * Throws UsageError that names file and line; no two targets may be one series to a receiver. `lines`
 * takes the line of each target.
 */
export function parseTargets(
  text: string,
  file: string,
  defaults: TargetDefaults,
  lines: number[] = [],
): Target[] {
  return atOnce(targetSteps(text, file, defaults, lines));
}

/** The same in steps: a file may be long, and probes go on while it is read again. */
export function* targetSteps(
  text: string,
  file: string,
  defaults: TargetDefaults,
  lines: number[],
): Steps<Target[]> {
  const called = defaults.called ?? "target";
  // Nodes of a mesh have a check of their own.
  const keyOf = defaults.called === undefined ? seriesKey : targetKey;
  const targets: Target[] = [];
  const seen = new Map<string, number>();
  let number = 0;
  for (const line of linesOf(text)) {
    number++;
    if (number % LINES_A_STEP === 0) yield;
    const at = `${file}:${number}`;
    if (line.length > MAX_LINE_LENGTH) {
      throw new UsageError(`${at}: longer than ${MAX_LINE_LENGTH} characters`);
    }
    const words = withoutComment(line).trim().split(/\s+/);
    if (words[0] === "") continue;
    for (const target of parseLine(words, at, defaults)) {
      const key = keyOf(target);
      const earlier = seen.get(key);
      if (earlier !== undefined) {
        const same = targetKey(targets[earlier]) === targetKey(target);
        const what = same ? `the same ${called} as` : `one series to every receiver with`;
        throw new UsageError(
          `${at}: ${what} line ${lines[earlier]}${same ? "" : ", which has the same name"}`,
        );
      }
      seen.set(key, targets.length);
      targets.push(target);
      lines.push(number);
    }
    if (targets.length > MAX_TARGETS) {
      throw new UsageError(`${at}: more than ${MAX_TARGETS} ${called}s`);
    }
  }
  if (targets.length === 0) throw new UsageError(`${file}: no ${called} in it`);
  return targets;
}

/** The lines of a text, one at a time. */
function* linesOf(text: string): Generator<string> {
  for (let from = 0; from <= text.length;) {
    const end = text.indexOf("\n", from);
    const to = end < 0 ? text.length : end;
    yield text.slice(from, to);
    from = to + 1;
  }
}

/** A hash begins a comment where a word could begin. */
function withoutComment(line: string): string {
  return line.includes("#") ? line.replace(/(^|\s)#.*/s, "") : line;
}

function parseLine(words: string[], at: string, defaults: TargetDefaults): Target[] {
  let place = "";
  try {
    const targets = parseTargetText(words[0], defaults);
    const labels = new Map(defaults.labels);
    let az = defaults.az;
    for (let i = 1; i < words.length; i++) {
      place = `word ${i + 1}: `;
      const [key, value] = parseLabel(words[i]);
      if (key === "az") az = value;
      else labels.set(key, value);
    }
    place = "";
    if (labels.size > MAX_LABELS) throw new UsageError(`more than ${MAX_LABELS} labels`);
    return targets.map((target) => ({ ...target, az, labels: [...labels] }));
  } catch (error) {
    if (error instanceof UsageError) {
      throw new UsageError(`${at}: ${place}${unquoted(error.message)}`);
    }
    throw error;
  }
}

/** A message about a line of a file, which may be anybody's and secret: it quotes nothing of it. */
export function unquoted(message: string): string {
  return message.replaceAll(/ ?"(?:[^"\\]|\\.)*"/g, "").replace(
    /(goes in brackets).*/,
    "$1: [address]:port",
  )
    .replace(/(wants a port too|wants its interface|has no port).*/, "$1")
    .replace(/^: /, "");
}

/** Refuses an address of another family than the one that is asked for; 0 is either. */
export function checkFamily(host: string, family: 0 | 4 | 6, name: string): void {
  const literal = literalEndpoint(host, 1);
  if (family === 0 || literal === null || literal.family === family) return;
  throw new UsageError(
    `${quote(name)} is not an IPv${family} address, which is what is asked for`,
  );
}
