/**
 * One DNS query of our own (RFC 1035) to the servers of resolv.conf(5). getaddrinfo gives the same error
 * for a server that fails, one that is silent, and none at all; this tells them apart.
 */
import { quote } from "../text/quote.ts";
import { readSystemFile } from "../kernel/system_file.ts";
import { random32 } from "./random32.ts";
import type { Family } from "./resolver.ts";

/** What the servers say of a name. `silent`: none of them answered. */
export type NameStatus = "exists" | "no such name" | "no address" | "server failure" | "silent";

export interface NameAnswer {
  readonly status: NameStatus;
  /** The servers asked. */
  readonly servers: readonly string[];
}

/** The part of resolv.conf(5) that is used here. */
export interface ResolvConf {
  readonly servers: readonly string[];
  /** What a name without a dot is completed with first; null for nothing. */
  readonly search: string | null;
}

const RESOLV_CONF = "/etc/resolv.conf";
const HOSTS = "/etc/hosts";
// resolv.conf(5): no more servers than MAXNS are asked, and without any the one on this machine is.
const MAX_SERVERS = 3;
const LOCAL_SERVER = "127.0.0.1";
const DNS_PORT = 53;

// RFC 1035, sections 3.2.2, 3.2.4, 4.1.1; RFC 3596
const HEADER_BYTES = 12;
const RECURSION_DESIRED = 0x0100;
const RESPONSE_BIT = 0x80;
const CLASS_IN = 1;
const TYPE_A = 1;
const TYPE_AAAA = 28;
const NO_ERROR = 0;
const SERVER_FAILURE = 2;
const NAME_ERROR = 3;
const MAX_LABEL_BYTES = 63;
const MAX_NAME_BYTES = 255;

export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let search: string | null = null;
  for (const line of text.split("\n")) {
    const [key, ...values] = line.trim().split(/\s+/);
    if (key === "nameserver" && values.length > 0) servers.push(values[0]);
    // The last of them counts.
    if ((key === "search" || key === "domain") && values.length > 0) search = values[0];
  }
  if (servers.length === 0) servers.push(LOCAL_SERVER);
  return { servers: servers.slice(0, MAX_SERVERS), search };
}

/** Whether a file in the format of hosts(5) has a line for the name. */
export function hostsName(text: string, name: string): boolean {
  const wanted = name.toLowerCase();
  return text.split("\n").some((line) => {
    const words = line.split("#")[0].trim().toLowerCase().split(/\s+/);
    return words.slice(1).includes(wanted);
  });
}

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
      return (answer[6] << 8 | answer[7]) > 0 ? "exists" : "no address";
    case NAME_ERROR:
      return "no such name";
    case SERVER_FAILURE:
    default:
      return "server failure";
  }
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

/** The kinds of an answer, those that say more first. */
const TELLING: readonly NameStatus[] = ["exists", "no address", "no such name", "server failure"];

export interface NameQueries {
  /** Asks all servers at once; resolves with the most telling answer, within the time, or when it is stopped. */
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
      const { servers, search } = parseResolvConf(resolvConf());
      const whole = name.includes(".") || search === null ? name : `${name}.${search}`;
      const type = family === 6 ? TYPE_AAAA : TYPE_A;
      const query = encodeQuery(random32() & 0xffff, whole, type);
      if (query === null) return { status: "no such name", servers };
      const answers = await Promise.all(
        servers.map((server) => exchange(query, server, withinMs, stop)),
      );
      const status = TELLING.find((kind) => answers.includes(kind)) ?? "silent";
      return { status, servers };
    },
  };
}

/** One server's answer; null for none within the time. */
async function exchange(
  query: Uint8Array,
  server: string,
  withinMs: number,
  stop?: AbortSignal,
): Promise<NameStatus | null> {
  // Loaded here, since most runs never need it.
  const { createSocket } = await import("node:dgram");
  const socket = createSocket(server.includes(":") ? "udp6" : "udp4");
  const { promise, resolve } = Promise.withResolvers<NameStatus | null>();
  const giveUp = () => resolve(null);
  const timer = setTimeout(giveUp, withinMs);
  stop?.addEventListener("abort", giveUp);
  if (stop?.aborted === true) giveUp();
  socket.on("message", (answer: Uint8Array) => {
    const status = decodeStatus(answer, query);
    if (status !== null) resolve(status);
  });
  socket.on("error", giveUp);
  try {
    socket.send(query, DNS_PORT, server, (error: Error | null) => {
      if (error !== null) giveUp();
    });
    return await promise;
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener("abort", giveUp);
    socket.close();
  }
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
    case "silent":
      return `no name server answers (${asked})`;
    case "exists":
      return "the system's resolver fails, though a name server knows the name";
    default:
      return status satisfies never;
  }
}
