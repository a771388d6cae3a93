/** The Prometheus exporter over HTTP on loopback: its pages, its probes on demand, its bounds. */
import { MANY_BOUNDS_US } from "../../src/stats/buckets.ts";
import { NAMING } from "../../src/format/naming.ts";
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import process from "node:process";
import { blackHole } from "../binary/harness/black_hole.ts";
import type { Target } from "../../src/domain/target.ts";
import { openBreakOff } from "../../src/kernel/break_off.ts";
import { TcpSockets } from "../../src/kernel/tcp_info.ts";
import { parseProbeScope, type ProbeScope } from "../../src/input/probe_scope.ts";
import { HttpAccess } from "../../src/net/http_access.ts";
import { DenoConnector } from "../../src/net/deno_connector.ts";
import { type Resolver, systemResolver } from "../../src/net/resolver.ts";
import { MAX_PROBES, MOST_SAVED, PROBES_A_SECOND } from "../../src/sink/on_demand_probe.ts";
import { STALLED_MS } from "../../src/net/http_places.ts";
import { MAX_PAGES, PrometheusExporter } from "../../src/sink/prometheus.ts";
import { type Clock, systemClock } from "../../src/time/clock.ts";
import { FakeClock } from "../unit/fake_clock.ts";
import { established, record, target } from "../unit/fixtures.ts";
import { parsePage, type Sample } from "../unit/format/prometheus_reader.ts";
import { Stalls } from "../wan/harness/stalls.ts";
import { close, descriptors, dial, get, joinChunks, pause, send, until } from "./http_client.ts";

const SOCKETS = TcpSockets.open();
const BREAK_OFF = openBreakOff();
/** One for all tests: what it opens of libc stays. */
const CONNECTOR = new DenoConnector(SOCKETS, "fin");
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

interface World {
  readonly exporter: PrometheusExporter;
  readonly port: number;
  /** A port that is answered, and one that is not. */
  readonly openPort: number;
  readonly closedPort: number;
}

interface Asked {
  readonly resolver?: Resolver;
  readonly onDemand?: ProbeScope | null;
  readonly clock?: Clock;
}

function served(
  name: string,
  body: (world: World) => Promise<void>,
  { resolver = systemResolver, onDemand = { kind: "any" }, clock = systemClock }: Asked = {},
): void {
  Deno.test(name, async () => {
    // The resolver's threads and the first look-up's files stay.
    await systemResolver.resolve("localhost", 0);
    const before = descriptors();
    const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepting = (async () => {
      for await (const connection of listener) connection.close();
    })();
    closed.close();
    const exporter = new PrometheusExporter("127.0.0.1", 0, "1.2.3", {
      clock,
      connector: CONNECTOR,
      resolver,
      dropped: () => 5,
      pressure: () => null,
      http: { clock: systemClock, breakOff: BREAK_OFF, access: new HttpAccess(["a"], null) },
      onDemand,
      naming: NAMING.probe,
      boundsUs: MANY_BOUNDS_US,
    });
    const ports = { openPort: listener.addr.port, closedPort: closed.addr.port };
    try {
      await body({ exporter, port: exporter.port, ...ports });
    } finally {
      await exporter.close(0);
      listener.close();
      await accepting;
    }
    await until("no descriptor is left", () => descriptors() <= before);
  });
}

async function metrics(port: number): Promise<readonly Sample[]> {
  const answer = await get(port, "/metrics");
  assertEquals([answer?.status, answer?.headers.get("content-type")], [200, CONTENT_TYPE]);
  return parsePage(joinChunks(answer?.body ?? "")).samples;
}

async function probed(port: number, query: string, fields = ""): Promise<readonly Sample[]> {
  const answer = await get(port, `/probe?${query}`, fields);
  assertEquals([answer?.status, answer?.headers.get("content-type")], [200, CONTENT_TYPE]);
  return parsePage(answer?.body ?? "").samples;
}

function value(samples: readonly Sample[], name: string, of?: Record<string, string>): number {
  const found = samples.filter(({ name: is, labels }) =>
    is === name && Object.entries(of ?? {}).every(([key, text]) => labels.get(key) === text)
  );
  assertEquals(found.length, 1, `${name} ${JSON.stringify(of ?? {})}`);
  return found[0].value;
}

served("records become counters and histograms", async ({ exporter, port }) => {
  const db = target("db", { az: "a", labels: [["rack", "r1"]] });
  exporter.watch(db);
  assertEquals(value(await metrics(port), "wire_probe_rtt_seconds_count"), 0);
  exporter.record(established(1, 900, { target: db, cold: true, lagUs: 70 }));
  exporter.record(established(2, 180, { target: db, synRetransmits: 1, rttSource: "clock" }));
  exporter.record(established(3, 180, { target: db }));
  exporter.record(record({ target: db, outcome: "timeout", lagUs: 70 }));
  exporter.record(record({ target: db, outcome: "unresolved" }));
  exporter.record(record({ target: db, outcome: "refused", connectUs: 40 }));
  exporter.skipped(db, 3);
  const samples = await metrics(port);
  const labels = { target: "db", az: "a", rack: "r1" };
  const figures = [
    ["wire_probe_rtt_seconds_count", 1],
    ["wire_probe_rtt_seconds_sum", 0.00018],
    ["wire_probe_cold_rtt_seconds_count", 1],
    ["wire_probe_connect_seconds_count", 4],
    ["wire_probe_connect_seconds_sum", 0.0016],
    ["wire_probe_lag_seconds_count", 5],
    ["wire_probe_syn_retransmits_total", 1],
    ["wire_probe_skipped_total", 3],
  ] as const;
  for (const [name, wanted] of figures) assertEquals(value(samples, name, labels), wanted, name);
  const of = (outcome: string) => value(samples, "wire_probe_probes_total", { ...labels, outcome });
  assertEquals(["established", "refused", "timeout", "unresolved", "error"].map(of), [
    3,
    1,
    1,
    1,
    0,
  ]);
  assertEquals(value(samples, "wire_probe_export_dropped_total"), 5);
  assertGreater(value(samples, "process_resident_memory_bytes"), 2 ** 20);
});

function names(samples: readonly Sample[]): string[] {
  return samples.filter(({ name }) => name === "wire_probe_skipped_total")
    .map(({ labels }) => labels.get("target") ?? "");
}

served("a target that has left is shown no more, late results or not", async (world) => {
  const { exporter, port } = world;
  const [old, moved, other] = ["db", "db", "web"].map((name, i) =>
    target(name, { host: `192.0.2.${i}` })
  );
  for (const one of [old, other]) exporter.record(established(1, 100, { target: one }));
  // A reload that moves a target to another host goes on counting under the same labels.
  exporter.watch(moved);
  exporter.forget(old);
  exporter.record(established(2, 100, { target: old }));
  exporter.record(established(1, 100, { target: moved }));
  const samples = await metrics(port);
  assertEquals(names(samples), ["db", "web"]);
  assertEquals(value(samples, "wire_probe_rtt_seconds_count", { target: "db" }), 2);
  exporter.forget(moved);
  exporter.forget(other);
  exporter.forget(other);
  exporter.skipped(other, 1);
  assertEquals(names(await metrics(port)), []);
  exporter.watch(other);
  assertEquals(names(await metrics(port)), ["web"]);
});

/** Until this process, which serves the pages, has had nothing to do for as long as a stalled page wants. */
async function atRest(): Promise<void> {
  const spanMs = 2 * STALLED_MS;
  const cpuMs = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  for (let tries = 0; tries < 120; tries++) {
    const [startMs, before] = [performance.now(), cpuMs()];
    await pause(spanMs);
    // One that was not scheduled may have something to do, and takes longer.
    if (cpuMs() - before < spanMs / 5 && performance.now() - startMs < 1.2 * spanMs) return;
  }
  throw new Error("the pages are never done");
}

/**
 * Whether an asker gets his page, at one of a few moments of rest: a process that stood still may have had a
 * page to go on with. Those that nobody reads are broken off when all this is long over.
 */
async function isServed(port: number): Promise<boolean> {
  for (let tries = 0; tries < 4; tries++) {
    await atRest();
    if ((await get(port, "/metrics"))?.status === 200) return true;
  }
  return false;
}

served("pages that nobody reads keep nobody from theirs", async ({ exporter, port }) => {
  for (let i = 0; i < 2000; i++) exporter.watch(target(`t${i}`));
  const silent = await Promise.all(Array.from({ length: 3 * MAX_PAGES }, () => dial(port)));
  for (const one of silent) await send(one, "GET /metrics HTTP/1.0\r\n\r\n");
  for (let i = 0; i < 3; i++) {
    assert(await isServed(port));
  }
  assertEquals((await get(port, "/healthz"))?.body, "ok\n");
  silent.forEach(close);
});

served("a page of many targets is whole", async ({ exporter, port }) => {
  const all: Target[] = Array.from({ length: 500 }, (_, i) => target(`t${i}`));
  for (const one of all) exporter.record(established(1, 100, { target: one }));
  const samples = await metrics(port);
  assertEquals(names(samples), all.map(({ name }) => name));
});

served("a probe on demand tells success, refusal and a name that is none", async (world) => {
  const { port, openPort, closedPort } = world;
  const good = await probed(port, `target=localhost:${openPort}&module=tcp_connect&prefer_ip=4`);
  assertEquals(value(good, "probe_success"), 1);
  assertEquals(value(good, "probe_ip_protocol"), 4);
  assertGreater(value(good, "probe_tcp_rtt_seconds"), 0);
  assert(value(good, "probe_duration_seconds") >= value(good, "probe_dns_lookup_time_seconds"));
  const refused = await probed(port, `target=127.0.0.1:${closedPort}`);
  assertEquals(value(refused, "probe_success"), 0);
  assertEquals(value(refused, "probe_tcp_outcome", { outcome: "refused" }), 1);
  const unknown = await probed(port, "target=no-such-host.invalid:1");
  assertEquals(value(unknown, "probe_tcp_outcome", { outcome: "unresolved" }), 1);
});

served("a bad request for a probe is refused in one line", async ({ port }) => {
  const cases = [
    ["", "no target: /probe?target=host:port"],
    ["target=db", 'target "db": wants host:port, 1.2.3.4:port or [v6]:port'],
    ["target=db:0", 'target "db:0": port "0" is not from 1 to 65535'],
    ["target=::1:80", 'target "::1:80": an IPv6 address goes in brackets: [::1]:80'],
    ["target=%0a%1b:1", 'target "\\n\\u001b:1": "\\n\\u001b" is no host name or address'],
    ["target=db:1&prefer_ip=5", 'prefer_ip "5": wants 4 or 6'],
    ["target=db:1&timeout=1h", 'timeout "1h": wants 1ms to 60s, such as 250ms or 2s'],
    ["target=db:1&timeout=", 'timeout "": wants 1ms to 60s, such as 250ms or 2s'],
  ];
  for (const [query, line] of cases) {
    const answer = await get(port, `/probe?${query}`);
    assertEquals([answer?.status, answer?.body], [400, `${line}\n`]);
  }
  const answer = await get(port, "/probe?target=a:1", "X-Prometheus-Scrape-Timeout-Seconds: x\r\n");
  assertEquals(answer?.status, 400);
});

/** Names that nobody ever answers for, until the test lets them go. */
const unanswered: (() => void)[] = [];
const silentResolver: Resolver = {
  resolve: () => new Promise((_, reject) => unanswered.push(() => reject(new Error("enough")))),
};

served("a probe ends before its scrape does, and a look-up keeps its place", async ({ port }) => {
  const startMs = performance.now();
  using stalls = new Stalls();
  const samples = await probed(
    port,
    "target=slow.test:1&timeout=30s",
    "X-Prometheus-Scrape-Timeout-Seconds: 0.8\r\n",
  );
  assertLess(performance.now() - startMs, 790 + stalls.ms);
  assertGreater(performance.now() - startMs, 295);
  assertEquals(value(samples, "probe_success"), 0);
  const all = Array.from(
    { length: MAX_PROBES - 1 },
    () => probed(port, "target=slow.test:1&timeout=50ms"),
  );
  await Promise.all(all);
  assertEquals((await get(port, "/probe?target=slow.test:1"))?.status, 503);
  unanswered.forEach((end) => end());
  assertEquals((await get(port, "/probe?target=127.0.0.1:1"))?.status, 200);
}, { resolver: silentResolver });

served("beside them: an index, a sign of life, and nothing else", async ({ port }) => {
  assertEquals((await get(port, "/healthz"))?.body, "ok\n");
  assert((await get(port, "/"))?.body.includes('href="/metrics"'));
  for (const path of ["/metrics/", "/METRICS", "/.env", "/metrics/../etc"]) {
    assertEquals((await get(port, path))?.status, 404, path);
  }
});

served("without ?probe there are no probes on demand", async ({ port, openPort }) => {
  const answer = await get(port, `/probe?target=127.0.0.1:${openPort}`);
  assertEquals(answer?.status, 404);
  assert(answer?.body.includes("?probe"), answer?.body);
  assertEquals((await get(port, "/"))?.body.includes("/probe"), false);
}, { onDemand: null });

served("?probe allows the run's own targets alone, by name or by address", async (world) => {
  const { exporter, port, openPort, closedPort } = world;
  const db: Target = { ...target("db"), host: "127.0.0.1", port: openPort };
  const ask = async (of: string) => (await get(port, `/probe?target=${of}`))?.status;
  assertEquals(await ask(`127.0.0.1:${openPort}`), 403);
  exporter.watch(db);
  assertEquals([await ask("db"), await ask(`127.0.0.1:${openPort}`)], [200, 200]);
  assertEquals(await ask(`127.0.0.1:${closedPort}`), 403);
  exporter.forget(db);
  assertEquals([await ask("db"), await ask(`127.0.0.1:${openPort}`)], [400, 403]);
}, { onDemand: parseProbeScope("") });

served("a list allows its addresses and ports, whatever name leads there", async (world) => {
  const { port, openPort, closedPort } = world;
  const ask = async (of: string) => (await get(port, `/probe?target=${of}`))?.status;
  assertEquals(await ask(`127.0.0.1:${openPort}`), 200);
  assertEquals(await ask(`localhost:${closedPort}&prefer_ip=4`), 200);
  assertEquals([await ask("127.0.1.1:1"), await ask("10.0.0.1:1")], [403, 403]);
}, { onDemand: parseProbeScope("127.0.0.0/24") });

/** Does not go on by itself, however long the requests take. */
const clock = new FakeClock();

served("nobody scans a network: what is asked for too often is refused", async (world) => {
  const { port, closedPort } = world;
  const counts: Record<string, number> = {};
  for (let i = 0; i < 25; i++) {
    const all = Array.from(
      { length: 10 },
      () => get(port, `/probe?target=127.0.0.1:${closedPort}`),
    );
    for (const answer of await Promise.all(all)) {
      counts[String(answer?.status)] = (counts[String(answer?.status)] ?? 0) + 1;
    }
  }
  assertEquals(counts, { "200": MOST_SAVED, "429": 250 - MOST_SAVED });
  await clock.advance(100);
  const later = [];
  for (let i = 0; i < 20; i++) {
    later.push((await get(port, `/probe?target=127.0.0.1:${closedPort}`))?.status);
  }
  assertEquals(later.filter((status) => status === 200).length, PROBES_A_SECOND / 10);
}, { clock });

served("probes end with their askers: those that hang up leave their places", async (world) => {
  const { port, openPort } = world;
  using deaf = await blackHole();
  const target = `127.0.0.1:${deaf.port}`;
  const asked = `GET /probe?target=${target}&timeout=60s HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const askers = await Promise.all(Array.from({ length: MAX_PROBES }, () => dial(port)));
  for (const asker of askers) await send(asker, asked);
  const answers = (status: number) =>
    untilAsked(async () => {
      return (await get(port, `/probe?target=127.0.0.1:${openPort}`))?.status === status;
    });
  // Only when all of them are under way; then only when some of them are not.
  await answers(503);
  askers.forEach(close);
  await answers(200);
});

/** Asks until it is so, more seldom than is refused for being too often. */
async function untilAsked(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await isSo()) return;
    await pause(50);
  }
  throw new Error("never so");
}
