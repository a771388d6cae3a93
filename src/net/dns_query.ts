/**
 * One DNS query of our own (RFC 1035) to the servers of resolv.conf(5). getaddrinfo gives the same error
 * for a server that fails, one that is silent, and none at all; this tells them apart.
 */
import { quote } from "../text/quote.ts";
import { readSystemFile } from "../kernel/system_file.ts";
import { LateAbort } from "./late_abort.ts";
import { random32 } from "./exchange.ts";
import { hostsName, namesToAsk, parseResolvConf } from "./resolv_conf.ts";
import type { Family } from "./resolver.ts";

/** What the servers say of a name. */
export type NameStatus =
  | "exists"
  | "no such name"
  | "no address"
  | "server failure"
  /** The server will not answer this question. */
  | "refused"
  /** The answer is too long for a datagram, and the query by TCP is the system's resolver's. */
  | "truncated"
  /** No server answered. */
  | "silent"
  /** No server answered, and the hosts that should run them refuse TCP to the port of DNS. */
  | "no server";

export interface NameAnswer {
  readonly status: NameStatus;
  /** The servers that say so. */
  readonly servers: readonly string[];
}

const RESOLV_CONF = "/etc/resolv.conf";
const HOSTS = "/etc/hosts";
const DNS_PORT = 53;
/** How long a connection by TCP may take that shows whether a silent server runs, in ms. */
const CONNECT_MS = 300;

// RFC 1035, sections 3.2.2, 3.2.4, 4.1.1; RFC 3596
const HEADER_BYTES = 12;
const RECURSION_DESIRED = 0x0100;
const RESPONSE_BIT = 0x80;
const TRUNCATED_BIT = 0x02;
const CLASS_IN = 1;
const TYPE_A = 1;
const TYPE_AAAA = 28;
const NO_ERROR = 0;
const SERVER_FAILURE = 2;
const NAME_ERROR = 3;
const REFUSED = 5;
/** A pointer to a name that stands earlier (section 4.1.4). */
const POINTER_BITS = 0xc0;
/** Of a record behind its name: type, class, time to live, length of the data. */
const RECORD_HEAD_BYTES = 10;
const MAX_LABEL_BYTES = 63;
const MAX_NAME_BYTES = 255;

/** The query's bytes; null for a name that DNS cannot hold. */
export function encodeQuery(id: number, name: string, type: number): Uint8Array | null {
  const labels = name.replace(/\.$/, "").split(".").map((label) => new TextEncoder().encode(label));
  const size = labels.reduce((sum, label) => sum + 1 + label.length, 1);
  const bad = labels.some(({ length }) => length === 0 || length > MAX_LABEL_BYTES);
  if (bad || size > MAX_NAME_BYTES) return null;
  const query = new Uint8Array(HEADER_BYTES + size + 4);
  const view = new DataView(query.buffer);
  view.setUint16(0, id);
  view.setUint16(2, RECURSION_DESIRED);
  view.setUint16(4, 1);
  let at = HEADER_BYTES;
  for (const label of labels) {
    query[at] = label.length;
    query.set(label, at + 1);
    at += 1 + label.length;
  }
  view.setUint16(at + 1, type);
  view.setUint16(at + 3, CLASS_IN);
  return query;
}

/** What an answer says; null when it is not one to this query. */
export function decodeStatus(answer: Uint8Array, query: Uint8Array): NameStatus | null {
  if (answer.length < query.length || (answer[2] & RESPONSE_BIT) === 0) return null;
  if (answer[0] !== query[0] || answer[1] !== query[1]) return null;
  // The question comes back as it was; servers may change the case of letters.
  for (let i = HEADER_BYTES; i < query.length; i++) {
    if (lower(answer[i]) !== lower(query[i])) return null;
  }
  switch (answer[3] & 0x0f) {
    case NO_ERROR:
      if (holdsAddress(answer, query)) return "exists";
      return (answer[2] & TRUNCATED_BIT) === 0 ? "no address" : "truncated";
    case NAME_ERROR:
      return "no such name";
    case REFUSED:
      return "refused";
    case SERVER_FAILURE:
    default:
      return "server failure";
  }
}

/** Whether a record of the type that was asked for is among the answers: an alias alone is no address. */
function holdsAddress(answer: Uint8Array, query: Uint8Array): boolean {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  const type = new DataView(query.buffer, query.byteOffset).getUint16(query.length - 4);
  let at = query.length;
  for (let left = view.getUint16(6); left > 0; left--) {
    while (at < answer.length && answer[at] !== 0 && answer[at] < POINTER_BITS) {
      at += 1 + answer[at];
    }
    at += answer[at] === 0 ? 1 : 2;
    if (at + RECORD_HEAD_BYTES > answer.length) return false;
    if (view.getUint16(at) === type) return true;
    at += RECORD_HEAD_BYTES + view.getUint16(at + 8);
  }
  return false;
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

/** Of several servers' answers to one name, those that say more first. */
const TELLING: readonly NameStatus[] = [
  "exists",
  "no address",
  "no such name",
  "truncated",
  "server failure",
  "refused",
];
/** Of the answers to the names that a short one may stand for: what keeps the resolver from an address. */
const HINDERING: readonly NameStatus[] = [
  "exists",
  "truncated",
  "server failure",
  "refused",
  "silent",
  "no address",
  "no such name",
];

export interface NameQueries {
  /**
   * Asks all servers at once for what the name may stand for. Resolves with the most telling answer,
   * within the time and CONNECT_MS, or when it is stopped.
   */
  ask(name: string, family: Family, withinMs: number, stop?: AbortSignal): Promise<NameAnswer>;
  /** Whether this machine's hosts file has the name. */
  inHosts(name: string): boolean;
}

/** Open before FFI is revoked; the files read then are used where they cannot be read any more. */
export function openNameQueries(): NameQueries {
  const read = (path: string) => {
    let known = readSystemFile(path) ?? "";
    return () => known = readSystemFile(path) ?? known;
  };
  const [resolvConf, hosts] = [read(RESOLV_CONF), read(HOSTS)];
  return {
    inHosts: (name) => hostsName(hosts(), name),
    async ask(name, family, withinMs, stop): Promise<NameAnswer> {
      // RFC 6761, section 6.4: no name below "invalid" exists, so no server is asked.
      if (/(^|\.)invalid\.?$/i.test(name)) return { status: "no such name", servers: [] };
      const conf = parseResolvConf(resolvConf());
      const type = family === 6 ? TYPE_AAAA : TYPE_A;
      const queries = namesToAsk(name, conf).flatMap((whole) =>
        encodeQuery(random32() & 0xffff, whole, type) ?? []
      );
      if (queries.length === 0) return { status: "no such name", servers: conf.servers };
      const told = await Promise.all(
        conf.servers.map((server) => exchange(queries, server, withinMs, stop)),
      );
      const answer = mostTelling(conf.servers, told);
      if (answer.status !== "silent" || stop?.aborted === true) return answer;
      const running = await Promise.all(answer.servers.map((server) => mayRun(server)));
      return running.includes(true) ? answer : { ...answer, status: "no server" };
    },
  };
}

/** What servers say of a name: each has told of each query, null for nothing. */
export function mostTelling(
  servers: readonly string[],
  told: readonly (readonly (NameStatus | null)[])[],
): NameAnswer {
  const ofQueries = told[0].map((_, query) => {
    const answers = told.map((statuses) => statuses[query] ?? "silent");
    const status = TELLING.find((kind) => answers.includes(kind)) ?? "silent";
    return { status, servers: servers.filter((_, server) => answers[server] === status) };
  });
  for (const kind of HINDERING) {
    const found = ofQueries.find(({ status }) => status === kind);
    if (found !== undefined) return found;
  }
  return { status: "silent", servers };
}

/** One server's answers to some queries, in their order; null for none within the time. */
async function exchange(
  queries: readonly Uint8Array[],
  server: string,
  withinMs: number,
  stop?: AbortSignal,
): Promise<(NameStatus | null)[]> {
  // Loaded here, since most runs never need it.
  const { createSocket } = await import("node:dgram");
  const socket = createSocket(server.includes(":") ? "udp6" : "udp4");
  const told: (NameStatus | null)[] = queries.map(() => null);
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  const timer = setTimeout(end, withinMs);
  stop?.addEventListener("abort", end);
  if (stop?.aborted === true) end();
  socket.on("message", (answer: Uint8Array) => {
    for (const [i, query] of queries.entries()) told[i] ??= decodeStatus(answer, query);
    if (!told.includes(null)) end();
  });
  socket.on("error", end);
  try {
    for (const query of queries) {
      socket.send(query, DNS_PORT, server, (error: Error | null) => {
        if (error !== null) end();
      });
    }
    await promise;
  } catch {
    // It cannot be asked.
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener("abort", end);
    socket.close();
  }
  return told;
}

/** Whether a server may run there: its port does not refuse a connection. */
async function mayRun(server: string): Promise<boolean> {
  const abort = new LateAbort();
  const timer = setTimeout(() => abort.abort(), CONNECT_MS);
  try {
    (await Deno.connect({ hostname: server, port: DNS_PORT, signal: abort.signal })).close();
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.ConnectionRefused);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a server answered at all. */
export function answered({ status }: NameAnswer): boolean {
  return status !== "silent" && status !== "no server";
}

/** Why a name has no address, in words. */
export function reasonText({ status, servers }: NameAnswer, family: Family): string {
  const asked = servers.map((server) => quote(server).slice(1, -1)).join(", ");
  switch (status) {
    case "no such name":
      return "no such name";
    case "no address":
      return family === 6 ? "no IPv6 address" : "no address";
    case "server failure":
      return `the name server fails (${asked})`;
    case "refused":
      return `the name server refuses to answer (${asked})`;
    case "truncated":
      return `the name server's answer is too long for UDP, and does not come by TCP (${asked})`;
    case "no server":
      return `no name server answers (${asked}: silent, and its TCP port 53 is closed)`;
    case "silent":
      return `no name server answers (${asked})`;
    case "exists":
      return "the system's resolver fails, though a name server knows the name";
    default:
      return status satisfies never;
  }
}
