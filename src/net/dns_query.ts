/**
 * Asks the servers of resolv.conf(5) for a name. getaddrinfo gives the same error for a server that
 * fails, one that is silent, and none at all; these queries tell them apart.
 */
import type { Socket, SocketType } from "node:dgram";
import { decodeStatus, type DnsStatus, encodeQuery, RECORD_TYPE } from "../packet/dns.ts";
import { quote } from "../text/quote.ts";
import { readSystemFile } from "../kernel/system_file.ts";
import { LateAbort } from "./late_abort.ts";
import { random32 } from "./exchange.ts";
import { HOSTS, hostsNames, namesToAsk, parseResolvConf, RESOLV_CONF } from "./resolv_conf.ts";
import type { Family } from "./resolver.ts";

/** What the servers say of a name. */
export type NameStatus =
  | DnsStatus
  /** No server answered. */
  | "silent"
  /** No server answered, and the hosts that should run them refuse TCP to the port of DNS. */
  | "no server";

export interface NameAnswer {
  readonly status: NameStatus;
  /** The servers that say so. */
  readonly servers: readonly string[];
}

const DNS_PORT = 53;
/** How long a connection by TCP may take that shows whether a silent server runs, in ms. */
const CONNECT_MS = 300;
/** The last of it, in a wait of its own: of a program that stood still the system has the answer by then. */
const CONNECT_LAST_MS = 50;

/** How long what the system's files say is taken for true, in ms. */
const KEPT_MS = 1000;

/** Answers of several servers to one name: those that say more come first. */
const TELLING: readonly NameStatus[] = [
  "exists",
  "no address",
  "no such name",
  "truncated",
  "server failure",
  "refused",
];
/**
 * Answers to the names that a short name may stand for: what keeps the resolver from an address
 * comes first.
 */
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
  const [resolvConf, hosts] = [
    keptFile(RESOLV_CONF, parseResolvConf),
    keptFile(HOSTS, hostsNames),
  ];
  const sockets = new QuerySockets();
  return {
    inHosts: (name) => hosts().has(name.toLowerCase()),
    async ask(name, family, withinMs, stop): Promise<NameAnswer> {
      // RFC 6761, section 6.4: no name below "invalid" exists, so no server is asked.
      if (/(^|\.)invalid\.?$/i.test(name)) return { status: "no such name", servers: [] };
      const conf = resolvConf();
      const type = family === 6 ? RECORD_TYPE.aaaa : RECORD_TYPE.a;
      // Each query has an id of its own: one socket takes the answers to all.
      let id = random32();
      const questions = conf.servers.map(() =>
        namesToAsk(name, conf).flatMap((whole) => encodeQuery(id++ & 0xffff, whole, type) ?? [])
      );
      if (questions.every(({ length }) => length === 0)) {
        return { status: "no such name", servers: conf.servers };
      }
      const told = await Promise.all(
        conf.servers.map((server, i) =>
          exchange(questions[i], server, { sockets, withinMs, stop })
        ),
      );
      const answer = mostTelling(conf.servers, told);
      if (answer.status !== "silent" || stop?.aborted === true) return answer;
      const running = await Promise.all(answer.servers.map((server) => mayRun(server)));
      return running.includes(true) ? answer : { ...answer, status: "no server" };
    },
  };
}

/** What a file says. Many names ask for it at one time: it is read and parsed anew only now and then. */
function keptFile<T>(path: string, parse: (text: string) => T): () => T {
  let text = readSystemFile(path) ?? "";
  let parsed: T | null = null;
  let readMs = -Infinity;
  return () => {
    if (parsed !== null && performance.now() - readMs < KEPT_MS) return parsed;
    readMs = performance.now();
    const before = text;
    text = readSystemFile(path) ?? before;
    return parsed = parsed === null || text !== before ? parse(text) : parsed;
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

/** One socket a family for all queries under way: open while there are some, however many there are. */
class QuerySockets {
  #open = new Map<SocketType, { readonly socket: Socket; users: number }>();

  /** A socket for a server's family, until it is given back. */
  async take(server: string): Promise<{ socket: Socket; giveBack(): void }> {
    // Loaded here, since most runs never need it.
    const { createSocket } = await import("node:dgram");
    const type = server.includes(":") ? "udp6" : "udp4";
    const shared = this.#open.get(type) ?? { socket: createSocket(type), users: 0 };
    const { socket } = shared;
    if (shared.users++ === 0) {
      this.#open.set(type, shared);
      socket.setMaxListeners(0);
      // One that fails, for want of descriptors perhaps, is not given to others.
      socket.on("error", () => this.#open.delete(type));
    }
    return {
      socket,
      giveBack: () => {
        if (--shared.users > 0) return;
        // After a failure another one may be open.
        if (this.#open.get(type) === shared) this.#open.delete(type);
        socket.close();
      },
    };
  }
}

interface ExchangeParts {
  readonly sockets: QuerySockets;
  readonly withinMs: number;
  readonly stop: AbortSignal | undefined;
}

/** One server's answers to some queries, in their order; null for none within the time. */
async function exchange(
  queries: readonly Uint8Array[],
  server: string,
  { sockets, withinMs, stop }: ExchangeParts,
): Promise<(NameStatus | null)[]> {
  const { socket, giveBack } = await sockets.take(server);
  const told: (NameStatus | null)[] = queries.map(() => null);
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  const timer = setTimeout(end, withinMs);
  const onMessage = (answer: Uint8Array) => {
    for (const [i, query] of queries.entries()) told[i] ??= decodeStatus(answer, query);
    if (!told.includes(null)) end();
  };
  stop?.addEventListener("abort", end);
  if (stop?.aborted === true) end();
  socket.on("message", onMessage);
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
    socket.off("message", onMessage);
    socket.off("error", end);
    giveBack();
  }
  return told;
}

/** Whether a server may run there: its port does not refuse a connection. Askers at one time share the answer. */
function mayRun(server: string): Promise<boolean> {
  const running = CONNECTING.get(server) ?? connects(server);
  CONNECTING.set(server, running);
  return running;
}

const CONNECTING = new Map<string, Promise<boolean>>();

async function connects(server: string): Promise<boolean> {
  const abort = new LateAbort();
  let timer = setTimeout(() => {
    timer = setTimeout(() => abort.abort(), CONNECT_LAST_MS);
  }, CONNECT_MS - CONNECT_LAST_MS);
  try {
    (await Deno.connect({ hostname: server, port: DNS_PORT, signal: abort.signal })).close();
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.ConnectionRefused);
  } finally {
    clearTimeout(timer);
    CONNECTING.delete(server);
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
