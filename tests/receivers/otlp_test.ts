/** OTLP as OpenTelemetry's own code decodes it, field by field, beside what JSON says of the same run. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { OUTCOMES } from "../../src/domain/outcome.ts";
import { ProtobufWriter } from "../../src/format/protobuf.ts";
import {
  type DataPoint,
  type Decode,
  fetchDecoder,
  type KeyValue,
  type Metric,
  OtlpReceiver,
  type ResourceMetrics,
  withoutDecoder,
} from "./real/otlp.ts";
import { Peers } from "./real/peers.ts";
import { Probe, type ProbeLine } from "./real/probe.ts";
import { Folder, realTest, untilTrue } from "./real/receiver.ts";

const COUNT = 20;
const ODD_NAME = 'db "1" \\ ü';
const BOUNDS_US = [100, 250, 1000, 100_000];
/** So long an answer is waited for while a run goes on (OTEL_EXPORTER_OTLP_TIMEOUT's default). */
const ANSWER_MS = 10_000;
const CUMULATIVE = "AGGREGATION_TEMPORALITY_CUMULATIVE";

function attributes(list: readonly KeyValue[]): Record<string, string | number> {
  return Object.fromEntries(
    list.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
  );
}

/** A metric's points of one target, whatever kind it is. */
function pointsOf(metric: Metric | undefined, target: string): readonly DataPoint[] {
  const points = (metric?.sum ?? metric?.gauge ?? metric?.histogram)?.dataPoints ?? [];
  return points.filter((point) => attributes(point.attributes).target === target);
}

function valueOf(metrics: ReadonlyMap<string, Metric>, name: string, target: string): number {
  const points = pointsOf(metrics.get(name), target);
  assertEquals(points.length, 1, `${name} of ${target}`);
  return Number(points[0].asInt);
}

/** The histogram is that of these times in ms. */
function assertHistogram(point: DataPoint, ms: readonly number[], what: string): void {
  const us = ms.map((value) => Math.round(value * 1000));
  const below = [...BOUNDS_US, Infinity].map((bound) =>
    us.filter((value) => value <= bound).length
  );
  const counts = below.map((count, i) => count - (below[i - 1] ?? 0));
  assertEquals(point.explicitBounds, BOUNDS_US.map((bound) => bound / 1e6), what);
  assertEquals(point.bucketCounts, counts.map(String), what);
  assertEquals(point.count, String(us.length), what);
  assertAlmostEquals(point.sum ?? NaN, us.reduce((sum, value) => sum + value, 0) / 1e6, 1e-9, what);
}

function assertTarget(
  metrics: ReadonlyMap<string, Metric>,
  target: string,
  lines: readonly ProbeLine[],
  skipped: number,
): void {
  assertEquals(lines.length, COUNT, target);
  for (const outcome of OUTCOMES) {
    const [point] = pointsOf(metrics.get("wire_probe.probes"), target).filter((point) =>
      attributes(point.attributes).outcome === outcome
    );
    const made = lines.filter((line) => line.outcome === outcome).length;
    assertEquals(Number(point.asInt), made, `${target} ${outcome}`);
  }
  const established = lines.filter(({ outcome }) => outcome === "established").length;
  assertEquals(valueOf(metrics, "wire_probe.success", target), established > 0 ? 1 : 0);
  assertEquals(valueOf(metrics, "wire_probe.skipped", target), skipped);
  const kernel = lines.filter(({ rtt_source }) => rtt_source === "kernel");
  const times: readonly (readonly [string, readonly (number | null)[]])[] = [
    ["rtt", kernel.filter(({ cold }) => !cold).map(({ rtt_ms }) => rtt_ms)],
    ["cold_rtt", kernel.filter(({ cold }) => cold).map(({ rtt_ms }) => rtt_ms)],
    ["connect", lines.map(({ connect_ms }) => connect_ms)],
    ["lag", lines.map(({ lag_ms }) => lag_ms)],
  ];
  for (const [name, ms] of times) {
    const [point] = pointsOf(metrics.get(`wire_probe.${name}`), target);
    assertHistogram(point, ms.filter((value) => value !== null), `${target} ${name}`);
  }
}

function assertMetrics(all: readonly Metric[]): void {
  const units = Object.fromEntries(all.map(({ name, unit }) => [name, unit ?? ""]));
  const isHosts = (name: string) => name.startsWith("wire_probe.host.");
  // The host's pressure is there as far as its kernel tells it.
  for (const name of Object.keys(units).filter(isHosts)) assertEquals(units[name], "1", name);
  assertEquals(Object.fromEntries(Object.entries(units).filter(([name]) => !isHosts(name))), {
    "wire_probe.probes": "{probe}",
    "wire_probe.syn_retransmits": "{segment}",
    "wire_probe.repeated_handshakes": "{handshake}",
    "wire_probe.skipped": "{probe}",
    "wire_probe.success": "",
    "wire_probe.target_info": "",
    "wire_probe.rtt": "s",
    "wire_probe.cold_rtt": "s",
    "wire_probe.connect": "s",
    "wire_probe.lag": "s",
    "wire_probe.export_dropped": "{line}",
    "wire_probe.resident_memory": "By",
  });
  for (const { name, description, sum, gauge, histogram } of all) {
    assert(description.length > 10, name);
    if (sum !== undefined) {
      const falls = name === "wire_probe.resident_memory";
      assertEquals(
        [sum.aggregationTemporality, sum.isMonotonic ?? false],
        [CUMULATIVE, !falls],
        name,
      );
    } else if (histogram !== undefined) {
      assertEquals(histogram.aggregationTemporality, CUMULATIVE, name);
    } else assert(gauge !== undefined, name);
  }
}

function assertTimes(all: readonly Metric[], beganMs: number): void {
  const points = all.flatMap(({ sum, gauge, histogram }) =>
    (sum ?? gauge ?? histogram)?.dataPoints ?? []
  );
  const times = new Set(points.map(({ timeUnixNano }) => timeUnixNano));
  assertEquals(times.size, 1);
  const [atMs] = [...times].map((nanos) => Number(BigInt(nanos) / 1_000_000n));
  assert(Math.abs(atMs - Date.now()) < 10_000, `${atMs}`);
  for (const { startTimeUnixNano } of points) {
    const startMs = Number(BigInt(startTimeUnixNano) / 1_000_000n);
    assert(startMs >= beganMs && startMs < atMs, `${startMs}`);
  }
}

function assertResource({ resource, scopeMetrics, schemaUrl }: ResourceMetrics): void {
  const { "process.pid": pid, ...own } = attributes(resource.attributes);
  const host = Deno.hostname();
  assertEquals(own, {
    "service.name": "probe-eu",
    "service.version": scopeMetrics[0].scope.version,
    "service.instance.id": `${host}:${pid}`,
    "host.name": host,
    "deployment.environment": "test, here",
  });
  assertEquals(scopeMetrics[0].scope.name, "wire-probe");
  assertStringIncludes(schemaUrl, "https://opentelemetry.io/schemas/");
}

async function fieldsAreJsons(decode: Decode): Promise<void> {
  using peers = new Peers();
  await using receiver = new OtlpReceiver();
  const beganMs = Date.now();
  const targets = [`${ODD_NAME}=${peers.live}`, `dead=${peers.dead}`];
  const lists = ["-c", `${COUNT}`, "-i", "20ms", "--az", "z1", "--label", "rack=r 1"];
  const buckets = ["--buckets", "100us,250us,1ms,100ms"];
  const environment = {
    OTEL_SERVICE_NAME: "probe-eu",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test%2C%20here",
    OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=seven",
  };
  const words = [...lists, ...buckets, "--export", receiver.url, ...targets];
  await using probe = new Probe(environment, ...words);
  await probe.end();
  const last = receiver.requests.at(-1);
  assert(last !== undefined, probe.stderr);
  assertEquals([last.path, last.headers.get("content-type"), last.headers.get("x-tenant")], [
    "/v1/metrics",
    "application/x-protobuf",
    "seven",
  ]);
  const [found, ...more] = await decode(last.body);
  assertEquals([more.length, found.scopeMetrics.length], [0, 1]);
  assertResource(found);
  const all = found.scopeMetrics[0].metrics;
  assertMetrics(all);
  assertTimes(all, beganMs);
  const metrics = new Map(all.map((metric) => [metric.name, metric]));
  for (const [name, peer] of [[ODD_NAME, peers.live], ["dead", peers.dead]]) {
    const made = probe.probes.filter(({ target }) => target === name);
    const summary = probe.summaries.find(({ target }) => target === name);
    assertTarget(metrics, name, made, summary?.skipped ?? NaN);
    const [info] = pointsOf(metrics.get("wire_probe.target_info"), name);
    assertEquals(attributes(info.attributes), {
      target: name,
      az: "z1",
      rack: "r 1",
      "server.address": "127.0.0.1",
      "server.port": Number(peer.split(":")[1]),
      "network.peer.address": "127.0.0.1",
    });
  }
  assertEquals(valueOf(metrics, "wire_probe.syn_retransmits", ODD_NAME), 0);
  assertEquals(valueOf(metrics, "wire_probe.repeated_handshakes", ODD_NAME), 0);
}

/** Of a point, what adds up from span to span. */
function sumsOf({ asInt, count, sum, bucketCounts }: DataPoint): number[] {
  return [asInt ?? count, sum ?? 0, ...bucketCounts ?? []].map(Number);
}

async function differencesAddUp(decode: Decode): Promise<void> {
  using peers = new Peers();
  // What it does not take is in the next span.
  await using receiver = new OtlpReceiver(() => new Response(null, { status: 503 }));
  const delta = { OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "delta" };
  const schedule = ["-c", "40", "-i", "25ms", "--window", "300ms"];
  await using probe = new Probe(delta, ...schedule, "--export", receiver.url, `db=${peers.live}`);
  await probe.end();
  const [refused, ...taken] = await Promise.all(
    receiver.requests.map(async ({ body }) => (await decode(body))[0].scopeMetrics[0].metrics),
  );
  assert(taken.length >= 2, `${taken.length} requests`);
  const added = new Map<string, { sums: number[]; endNano: string }>();
  const began = pointsOf(refused.find(({ name }) => name === "wire_probe.connect"), "db");
  for (const { name, sum, histogram } of taken.flat()) {
    if (name === "wire_probe.resident_memory") continue;
    const data = sum ?? histogram;
    if (data === undefined) continue;
    assertEquals(data.aggregationTemporality, "AGGREGATION_TEMPORALITY_DELTA", name);
    for (const point of data.dataPoints) {
      const key = JSON.stringify([name, attributes(point.attributes ?? []).outcome]);
      const before = added.get(key);
      if (before !== undefined) assertEquals(point.startTimeUnixNano, before.endNano, key);
      const sums = sumsOf(point).map((value, i) => value + (before?.sums[i] ?? 0));
      added.set(key, { sums, endNano: point.timeUnixNano });
    }
  }
  const of = (...key: string[]) => added.get(JSON.stringify([key[0], key[1]]))?.sums ?? [];
  assertEquals(of("wire_probe.probes", "established")[0], 40);
  const [count, seconds, ...buckets] = of("wire_probe.connect");
  const connectMs = probe.probes.reduce((sum, { connect_ms }) => sum + (connect_ms ?? 0), 0);
  assertEquals([count, buckets.reduce((sum, one) => sum + one)], [40, 40]);
  assertAlmostEquals(seconds, connectMs / 1000, 1e-6);
  // The first span that arrived begins where the one that was refused began.
  const [first] = pointsOf(taken[0].find(({ name }) => name === "wire_probe.connect"), "db");
  assertEquals(first.startTimeUnixNano, began[0].startTimeUnixNano);
}

realTest("OpenTelemetry's own code decodes what is sent", ["npm"], async (context) => {
  using folder = new Folder();
  const decode = await fetchDecoder(folder);
  await context.step(
    "each field is what JSON says of the same run",
    () => fieldsAreJsons(decode),
  );
  await context.step(
    "differences of all requests that arrived add up to what JSON says, span after span",
    () => differencesAddUp(decode),
  );
}, withoutDecoder());

realTest(
  "an overloaded receiver is given the time it asks for, and nothing is lost",
  [],
  async () => {
    using peers = new Peers();
    const busy = () => new Response(null, { status: 503, headers: { "retry-after": "2" } });
    await using receiver = new OtlpReceiver(busy);
    const schedule = ["-i", "100ms", "--window", "5s", "--per-probe=false"];
    await using probe = new Probe(...schedule, "--export", receiver.url, peers.live);
    await untilTrue("a second request", () => receiver.requests.length >= 2);
    const [first, second] = receiver.requests;
    assert(second.atMs - first.atMs >= 1950, `${second.atMs - first.atMs} ms`);
    assertEquals(second.body, first.body);
    await probe.stop();
    assertEquals([probe.dropped, receiver.requests.length >= 3], [0, true]);
    assertStringIncludes(probe.stderr, "cannot send: HTTP 503");
    assertStringIncludes(probe.stderr, "delivering again after 0 dropped");
  },
);

realTest(
  "what is rejected of a request, or refused, is counted and told in the receiver's words",
  [],
  async () => {
    using peers = new Peers();
    const partial = () => {
      const out = new ProtobufWriter();
      out.message(1, () => {
        out.uint(1, 3);
        out.string(2, "too many labels");
      });
      return new Response(out.bytes);
    };
    const refused = () => {
      const out = new ProtobufWriter();
      out.string(2, "no such tenant");
      return new Response(out.bytes, { status: 401 });
    };
    await using receiver = new OtlpReceiver(partial, refused);
    const schedule = ["-i", "100ms", "--window", "500ms", "--per-probe=false"];
    await using probe = new Probe(...schedule, "--export", receiver.url, peers.live);
    await untilTrue("three requests", () => receiver.requests.length >= 3);
    await probe.stop();
    assertStringIncludes(probe.stderr, "points refused: too many labels");
    assertStringIncludes(probe.stderr, "refused: HTTP 401 no such tenant");
    assert(probe.dropped > 3, `${probe.dropped}`);
  },
);

realTest("a receiver that does not answer holds up neither the probe nor its end", [], async () => {
  using peers = new Peers();
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    const schedule = ["-i", "20ms", "--window", "200ms", "--per-probe=false"];
    const url = `otlp-http://127.0.0.1:${silent.addr.port}`;
    await using probe = new Probe(...schedule, "--export", url, peers.live);
    await untilTrue("windows", () => probe.windows.length >= 10);
    const sent = probe.windows.reduce((sum, window) => sum + window.sent, 0);
    // Of some 100, where a busy machine skips slots; one that waited would send a few.
    assert(sent >= 40, `${sent} sent`);
    const stopMs = performance.now();
    await probe.stop();
    assert(performance.now() - stopMs < ANSWER_MS / 2, `${performance.now() - stopMs} ms`);
  } finally {
    silent.close();
  }
});
