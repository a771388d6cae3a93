/**
 * URLs and connection strings: the hosts and ports in them, and nothing else. User, password, path
 * and parameters are dropped here, so that they can appear nowhere.
 */
import { UsageError } from "../domain/exit.ts";
import { quote } from "../text/quote.ts";
import { afterScheme, splitUrl } from "./url.ts";

/** The hosts of a connection string, each `host`, `host:port` or `[v6]:port`. */
export interface ConnectionText {
  readonly hosts: readonly string[];
  /** The scheme's port, for hosts that name none; undefined where the scheme has none. */
  readonly port: number | undefined;
  /** The host is an SRV name: its members are the targets. */
  readonly srv: boolean;
}

/** The usual ports of schemes (IANA's registry, and the documentation of each database). */
const PORTS: Readonly<Record<string, number>> = {
  amqp: 5672,
  amqps: 5671,
  clickhouse: 9000,
  cockroachdb: 26_257,
  ftp: 21,
  http: 80,
  https: 443,
  ldap: 389,
  ldaps: 636,
  mariadb: 3306,
  mongodb: 27_017,
  mqtt: 1883,
  mqtts: 8883,
  mysql: 3306,
  nats: 4222,
  oracle: 1521,
  postgres: 5432,
  postgresql: 5432,
  redis: 6379,
  rediss: 6379,
  smtp: 25,
  sqlserver: 1433,
  ssh: 22,
  ws: 80,
  wss: 443,
};

/** Drivers behind a scheme, as in `postgresql+psycopg2://`; `mongodb+srv` is not one of them. */
const DRIVER = /^([a-z][a-z0-9]*)\+(?!srv$)[a-z0-9]+$/;
const MONGODB_SRV = "mongodb+srv";
/** `key=value` of a libpq string, the value perhaps in single quotes with backslashes. */
const LIBPQ_PAIR = /([a-z_]+)\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']*)/gy;
const LIBPQ_KEYS = /(?:^|\s)(?:host|hostaddr)\s*=/;

/** The hosts of a URL or connection string; null for a text that is neither. Throws UsageError. */
export function parseConnectionText(text: string): ConnectionText | null {
  const service = srvName(text);
  if (service !== null) return { hosts: [service], port: undefined, srv: true };
  const url = splitUrl(text);
  if (url !== null) return fromUrl(text, url.scheme, url.rest);
  return isLibpq(text) ? fromLibpq(text) : null;
}

/**
 * The name in `srv:NAME`; null for other texts. It has a dot (RFC 2782: `_service._proto.name`): `srv:5432`
 * is a port of a host called srv.
 */
export function srvName(text: string): string | null {
  const name = afterScheme(text, "srv")?.replace(/\.$/, "") ?? "";
  return name.includes(".") ? name : null;
}

function fromUrl(text: string, scheme: string, rest: string): ConnectionText {
  const plain = scheme.replace(/^jdbc:/, "");
  const name = DRIVER.exec(plain)?.[1] ?? plain.split(":")[0];
  const port = name === MONGODB_SRV ? undefined : PORTS[name];
  const named = POSTGRES.has(name) ? fromQuery(rest) : null;
  if (named !== null) return named;
  const places = rest.slice(userEnd(rest, WEB.has(name))).split(/[/?#;]/)[0];
  const hosts = places.split(",").map((host) => host.replace(/^\((.*)\)$/, "$1"));
  if (hosts.some((host) => host === "")) {
    throw new UsageError(`target ${quote(redacted(text))}: its URL names no host`);
  }
  return { hosts, port, srv: name === MONGODB_SRV };
}

/**
 * The host of libpq's `postgresql:///db?host=a,b&port=5432`, which wins over the one before the path
 * (PostgreSQL, "Connection URIs"); null where the parameters name none.
 */
function fromQuery(rest: string): ConnectionText | null {
  const parameters = new URLSearchParams(/\?([^#]*)/.exec(rest.slice(userEnd(rest, false)))?.[1]);
  const values = new Map(["host", "hostaddr", "port"].flatMap((key) => {
    const value = parameters.get(key);
    return value === null ? [] : [[key, value] as const];
  }));
  return values.has("host") || values.has("hostaddr") ? fromLibpqValues(values) : null;
}

/** Schemes whose parameters may name the host. */
const POSTGRES = new Set(["postgres", "postgresql"]);
/** Schemes whose paths may hold an `@`. */
const WEB = new Set(["http", "https", "ws", "wss", "ftp"]);

/**
 * Where the user information ends. A database's password may hold an unescaped `/` or `@`, and no
 * part of it may be taken for the host; the path of a web address may hold an `@`.
 */
function userEnd(rest: string, web: boolean): number {
  const authority = rest.slice(0, `${rest}/`.search(/[/?#;]/));
  // `user:pa/ss@host`: what follows the colon is no port.
  const secret = /^[^/?#@]*:(?![0-9]*(?:[/?#,;]|$))/.test(rest);
  if (web && !secret && !authority.includes("@")) return 0;
  // User information ends at the last `@`, wherever it is: a password may contain all other
  // characters.
  if (secret || authority.includes("@")) return rest.lastIndexOf("@") + 1;
  return rest.split("?")[0].lastIndexOf("@") + 1;
}

/** Whether a text is a libpq string: pairs, at least two, of which one names the host. */
export function isLibpq(text: string): boolean {
  if (!LIBPQ_KEYS.test(text) || !/\S\s+[a-z_]+\s*=/.test(text)) return false;
  let at = 0;
  while (at < text.length) {
    LIBPQ_PAIR.lastIndex = at;
    const pair = LIBPQ_PAIR.exec(text);
    if (pair === null) return false;
    at = LIBPQ_PAIR.lastIndex;
    const gap = /^\s+/.exec(text.slice(at));
    if (gap === null && at < text.length) return false;
    at += gap?.[0].length ?? 0;
  }
  return true;
}

/** `host=a,b port=5432,5433 user=… password=…` (PostgreSQL, "Connection Strings"). */
function fromLibpq(text: string): ConnectionText {
  const values = new Map<string, string>();
  for (const [, key, value] of text.matchAll(new RegExp(LIBPQ_PAIR.source, "g"))) {
    values.set(key, value.replace(/^'(.*)'$/s, "$1").replaceAll(/\\(.)/g, "$1"));
  }
  return fromLibpqValues(values);
}

function fromLibpqValues(values: ReadonlyMap<string, string>): ConnectionText {
  const names = (values.get("hostaddr") ?? values.get("host") ?? "").split(",");
  const ports = (values.get("port") ?? "").split(",");
  if (names.some((name) => name === "" || name.startsWith("/"))) {
    throw new UsageError("a libpq connection string wants host=NAME: a socket has no network");
  }
  const hosts = names.map((name, i) => {
    const port = ports.length === 1 ? ports[0] : ports[i] ?? "";
    const host = name.includes(":") ? `[${name}]` : name;
    return port === "" ? host : `${host}:${port}`;
  });
  return { hosts, port: PORTS.postgresql, srv: false };
}

/**
 * A text with user and password as `…@`, fit for a message: everything from the scheme to the last
 * `@`, and every value of a libpq string's `user` and `password`.
 */
export function redacted(text: string): string {
  return text
    .replace(/^((?:[^:=/@]*=)?(?:[a-z][a-z0-9+.:-]*:\/\/)?).*@/is, "$1…@")
    .replaceAll(
      /\b(user|password|pwd|passfile|sslpassword)\s*=\s*('(?:[^'\\]|\\.)*'?|[^\s&;]*)/gi,
      "$1=…",
    );
}
