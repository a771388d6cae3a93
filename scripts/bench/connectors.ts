/**
 * CPU a handshake by the runtime's connect and by sockets of our own, at several rates, by turns in one run:
 * where the one becomes cheaper than the other is OWN_SOCKETS_FROM (src/net/connector_choice.ts).
 * `connectors.ts [--rates N,N…] [--seconds N]`. The engine alone, without the command line; its first
 * second, in which the compiler works, does not count.
 */
import process from "node:process";
import { ConnectingSockets } from "../../src/kernel/connecting_sockets.ts";
import { TcpSockets } from "../../src/kernel/tcp_info.ts";
import type { Connector } from "../../src/net/connector.ts";
import { DenoConnector } from "../../src/net/deno_connector.ts";
import { OWN_SOCKETS_FROM } from "../../src/net/connector_choice.ts";
import { OwnConnector } from "../../src/net/own_connector.ts";
import { TcpProber } from "../../src/net/tcp_prober.ts";
import { ProbeLoop } from "../../src/run/probe_loop.ts";
import { systemClock } from "../../src/time/clock.ts";
import { BINARY, V8_FLAGS } from "../release/build.ts";
import { finish, Responder, startServe } from "./child.ts";
import { buildReference } from "./handshakes/reference.ts";
import { enterNamespace } from "./namespace.ts";
import { addresses } from "./scale/addresses.ts";
import { median, table } from "./table.ts";

const WAYS = ["Deno.connect", "own sockets, each waited for", "own sockets, steady"] as const;
type Way = typeof WAYS[number];

const RATES = [100, 300, 1000, 3000];
const SECONDS = 4;
const WARM_UP_MS = 1000;
const ROUNDS = 3;
const TIMEOUT_MS = 5000;
/** The option that makes this program a child that measures. */
const CHILD = "--child";

function connectorOf(way: Way): Connector {
  const infos = TcpSockets.open(way === "Deno.connect" ? "seldom" : "often");
  if (way === "Deno.connect") return new DenoConnector(infos, "fin");
  const sockets = ConnectingSockets.open(null, null);
  if (infos === null || sockets === null) throw new Error("own sockets are not to be had here");
  const steady = way === "own sockets, steady";
  return new OwnConnector(sockets, infos, systemClock, { close: "fin", steady });
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** In the child: so many targets once a second; prints the CPU a handshake in µs. */
async function measure(way: Way, rate: number, port: number, seconds: number): Promise<void> {
  const targets = addresses(rate).map((host) => {
    return { name: host, host, port, az: "default", labels: [] };
  });
  let settled = 0;
  const loop = new ProbeLoop({
    count: null,
    durationMs: WARM_UP_MS + seconds * 1000,
    intervalMs: 1000,
    burst: 1,
    family: 0,
    resolveAfter: 100,
    resolveEveryMs: null,
    maxInFlight: rate,
    idle: false,
  }, {
    clock: systemClock,
    prober: new TcpProber(connectorOf(way), systemClock, TIMEOUT_MS, "auto"),
    resolver: { resolve: () => Promise.resolve([]) },
    onRecord: () => settled++,
    onSkip: () => {},
    onNotice: () => {},
  });
  await loop.prepare(targets);
  let [cpuBefore, before] = [0, 0];
  setTimeout(() => [cpuBefore, before] = [cpuUs(), settled], WARM_UP_MS);
  await loop.run();
  console.log((cpuUs() - cpuBefore) / (settled - before));
  // A wait in a thread must not outlast the run.
  Deno.exit(0);
}

async function costOf(way: Way, rate: number, port: number, seconds: number): Promise<number> {
  const script = new URL(import.meta.url).pathname;
  const words = [CHILD, way, String(rate), String(port), String(seconds)];
  const { stdout } = await finish([Deno.execPath(), "run", "-A", V8_FLAGS, script, ...words]);
  return Number(stdout);
}

async function report(rates: readonly number[], seconds: number): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "wire-probe-bench-" });
  const bare = await buildReference(folder);
  await using server = bare === null
    ? await startServe(BINARY)
    : await Responder.start([bare, "accept", "0"], "stdout");
  const rows: string[][] = [];
  for (const rate of rates) {
    const costs = WAYS.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, way] of WAYS.entries()) {
        costs[i].push(await costOf(way, rate, server.port, seconds));
      }
    }
    const [runtime, ...own] = costs.map(median);
    const shown = own.flatMap((cost) => [cost.toFixed(0), (cost / runtime).toFixed(2)]);
    rows.push([String(rate), runtime.toFixed(0), ...shown]);
  }
  await Deno.remove(folder, { recursive: true });
  const [runtime, ...own] = WAYS;
  console.log(table(["a second", runtime, ...own.flatMap((way) => [way, "ratio"])], rows));
  console.log(
    `\nCPU a handshake in µs; own sockets are taken from ${OWN_SOCKETS_FROM} a second on`,
  );
}

function valueAfter(name: string): string | null {
  const at = Deno.args.indexOf(name);
  return at < 0 ? null : Deno.args[at + 1];
}

if (import.meta.main) {
  const [first, way, rate, port, seconds] = Deno.args;
  if (first === CHILD) await measure(way as Way, Number(rate), Number(port), Number(seconds));
  else {
    await enterNamespace(import.meta.url);
    const rates = valueAfter("--rates")?.split(",").map(Number) ?? RATES;
    await report(rates, Number(valueAfter("--seconds") ?? SECONDS));
  }
}
