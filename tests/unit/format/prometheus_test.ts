import { noOutcomes } from "../../../src/domain/outcome.ts";
import { assert, assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/domain/exit.ts";
import { OUTCOMES } from "../../../src/domain/outcome.ts";
import { blankRecord, type ProbeRecord } from "../../../src/domain/probe_record.ts";
import type { Label, Target } from "../../../src/domain/target.ts";
import { ByteWriter } from "../../../src/format/byte_writer.ts";
import {
  checkPrometheusTarget,
  labelsText,
  leText,
  MAX_STEP_BYTES,
  prometheusPage,
  type SeriesView,
  writeSeconds,
} from "../../../src/format/prometheus.ts";
import { probePage } from "../../../src/format/prometheus_probe.ts";
import { Buckets, MANY_BOUNDS_US } from "../../../src/stats/buckets.ts";
import { endpoint, target } from "../fixtures.ts";
import { property, type Random } from "../random.ts";
import { parsePage, type Sample } from "./prometheus_reader.ts";

const ABOUT = {
  version: "1.2.3",
  exportDropped: 7,
  residentBytes: 2 ** 33,
  pressure: { cpu: 0.25, memory: 0, io: 0.0000004, steal: null, throttled: 1 },
  startMs: 1_700_000_000_250,
};

function buckets(values: readonly number[]): Buckets {
  const [filled] = Buckets.several(1);
  for (const value of values) filled.add(value);
  return filled;
}

function series(of: Target, more: Partial<SeriesView> = {}): SeriesView {
  return {
    labels: new TextEncoder().encode(labelsText(of)),
    outcomes: noOutcomes(),
    synRetransmits: 0,
    repeatedHandshakes: 0,
    skipped: 0,
    success: null,
    target: of,
    address: "",
    rtt: buckets([]),
    cold: buckets([]),
    connect: buckets([]),
    lag: buckets([]),
    ...more,
  };
}

/** The page, with the bound of each step checked. */
function page(all: readonly SeriesView[]): string {
  let text = "";
  const out = new ByteWriter(MAX_STEP_BYTES);
  for (const step of prometheusPage(ABOUT, all, MANY_BOUNDS_US)) {
    out.length = 0;
    out.begin();
    step(out);
    assert(out.end(), "a step is larger than its bound");
    text += new TextDecoder().decode(out.bytes.subarray(0, out.length));
  }
  return text;
}

function value(samples: readonly Sample[], name: string, labels: Record<string, string>): number {
  const wanted = Object.entries(labels);
  const found = samples.filter((sample) =>
    sample.name === name && wanted.every(([key, text]) => sample.labels.get(key) === text)
  );
  assertEquals(found.length, 1, `${name} ${JSON.stringify(labels)}`);
  return found[0].value;
}

Deno.test("every series of a target without probes is there, at 0", () => {
  const { samples } = parsePage(page([series(target("db"))]));
  const own = samples.filter(({ labels, name }) =>
    labels.get("target") === "db" && name !== "wire_probe_target_info"
  );
  assertEquals(own.length, OUTCOMES.length + 3 + 4 * (MANY_BOUNDS_US.length + 3));
  assert(own.every((sample) => sample.value === 0));
});

Deno.test("histograms add up, in seconds, to +Inf and to their count", () => {
  const rtt = buckets([50, 51, 4120, 20_000_000]);
  const { samples, types } = parsePage(page([series(target("db"), { rtt })]));
  const name = "wire_probe_rtt_seconds";
  const at = (le: string) => value(samples, `${name}_bucket`, { le });
  assertEquals([at("5e-05"), at("0.0001"), at("0.005"), at("10.0"), at("+Inf")], [1, 2, 3, 3, 4]);
  assertEquals(value(samples, `${name}_sum`, {}), 20.004221);
  assertEquals(value(samples, `${name}_count`, {}), 4);
  assertEquals(types.get(name), "histogram");
});

Deno.test("counters bear their outcomes, and the process its figures", () => {
  const outcomes = {
    established: 2 ** 40,
    refused: 1,
    timeout: 2,
    unreachable: 3,
    unresolved: 4,
    error: 5,
  };
  const { samples } = parsePage(page([series(target("db"), { outcomes, skipped: 9 })]));
  for (const outcome of OUTCOMES) {
    assertEquals(value(samples, "wire_probe_probes_total", { outcome }), outcomes[outcome]);
  }
  assertEquals(value(samples, "wire_probe_skipped_total", { target: "db" }), 9);
  assertEquals(value(samples, "wire_probe_build_info", { version: "1.2.3" }), 1);
  assertEquals(value(samples, "wire_probe_export_dropped_total", {}), 7);
  assertEquals(value(samples, "process_resident_memory_bytes", {}), 2 ** 33);
  assertEquals(value(samples, "process_start_time_seconds", {}), 1_700_000_000.25);
});

Deno.test("SYN retransmits nobody counted are not there", () => {
  const text = page([
    series(target("a"), { synRetransmits: null }),
    series(target("b"), { synRetransmits: 3 }),
  ]);
  const lines = text.split("\n").filter((line) => line.startsWith("wire_probe_syn_retrans"));
  assertEquals(lines, ['wire_probe_syn_retransmits_total{target="b",az="default"} 3']);
});

Deno.test("repeated handshakes are counted where the kernel counts SYNs", () => {
  const name = "wire_probe_repeated_handshakes_total";
  const { samples, types } = parsePage(page([
    series(target("a"), { synRetransmits: null, repeatedHandshakes: null }),
    series(target("b"), { synRetransmits: 3, repeatedHandshakes: 2 }),
  ]));
  assertEquals(samples.filter((sample) => sample.name === name).map(({ value }) => value), [2]);
  assertEquals(types.get(name), "counter");
});

Deno.test("success is the last probe's, and absent before the first one", () => {
  const { samples, types } = parsePage(page([
    series(target("new")),
    series(target("well"), { success: true }),
    series(target("ill"), { success: false }),
  ]));
  const found = samples.filter(({ name }) => name === "wire_probe_success");
  assertEquals(found.map(({ labels, value }) => [labels.get("target"), value]), [
    ["well", 1],
    ["ill", 0],
  ]);
  assertEquals(types.get("wire_probe_success"), "gauge");
});

Deno.test("a target's host, port and address are labels of one series, and the user's labels win", () => {
  const info = (of: Target, address: string) => {
    const { samples } = parsePage(page([series(of, { address })]));
    const found = samples.filter(({ name }) => name === "wire_probe_target_info");
    assertEquals(found.map(({ value }) => value), [1]);
    return Object.fromEntries(found[0].labels);
  };
  assertEquals(info(target("db"), "192.0.2.7"), {
    target: "db",
    az: "default",
    host: target("db").host,
    port: String(target("db").port),
    address: "192.0.2.7",
  });
  const own = info(target("db", { labels: [["address", "mine"], ["rack", "7"]] }), "192.0.2.7");
  assertEquals([own.address, own.rack], ["mine", "7"]);
});

Deno.test("a page without targets is whole", () => {
  const { samples } = parsePage(page([]));
  const pressure = samples.filter(({ name }) => name.startsWith("wire_probe_host_"));
  assertEquals(samples.length, 4 + pressure.length);
  assertEquals(pressure.map(({ name, value }) => [name, value]), [
    ["wire_probe_host_cpu_ratio", 0.25],
    ["wire_probe_host_memory_ratio", 0],
    ["wire_probe_host_io_ratio", 0],
    ["wire_probe_host_throttled_ratio", 1],
  ]);
});

Deno.test("seconds are exact, in the shortest form", () => {
  const cases: readonly [number, string][] = [
    [0, "0"],
    [1, "0.000001"],
    [50, "0.00005"],
    [4120, "0.00412"],
    [1_000_000, "1"],
    [61_500_000, "61.5"],
    [9_007_199_254_740_991, "9007199254.740991"],
  ];
  for (const [micros, text] of cases) {
    const out = new ByteWriter(64);
    writeSeconds(out, micros);
    assertEquals(new TextDecoder().decode(out.takeCopy()), text);
  }
});

Deno.test("bounds are spelled as Prometheus's own libraries spell them", () => {
  const cases: readonly [number, string][] = [
    [5, "5e-06"],
    [50, "5e-05"],
    [75, "7.5e-05"],
    [100, "0.0001"],
    [2500, "0.0025"],
    [1_000_000, "1.0"],
    [2_500_000, "2.5"],
    [10_000_000, "10.0"],
  ];
  for (const [us, text] of cases) assertEquals(leText(us), text);
});

Deno.test("labels that cannot be are refused by name", () => {
  const cases: readonly [readonly Label[], string][] = [
    [[["target", "x"]], "target db: label target is one of wire-probe's own in Prometheus"],
    [[["az", "x"]], "target db: label az is one of wire-probe's own in Prometheus"],
    [[["outcome", "x"]], "target db: label outcome is one of wire-probe's own in Prometheus"],
    [[["le", "x"]], "target db: label le is one of wire-probe's own in Prometheus"],
    [[["__name__", "x"]], "target db: label __name__ is no label name in Prometheus"],
    [[["a-b", "x"]], "target db: label a-b is no label name in Prometheus"],
    [[["é", "x"]], "target db: label é is no label name in Prometheus"],
    [[["1a", "x"]], "target db: label 1a is no label name in Prometheus"],
    [[["a", "x"], ["a", "y"]], "target db: label a is there twice"],
    [
      [["a", "\n".repeat(1012)]],
      "target db: its labels take 2053 bytes in Prometheus, more than 2048",
    ],
  ];
  for (const [labels, message] of cases) {
    const check = () => checkPrometheusTarget(target("db", { labels }));
    assertEquals(assertThrows(check, UsageError).message, message);
  }
  const labels: readonly Label[] = [["_a", "x"], ["B9", ""], ["a", "\n".repeat(1000)]];
  checkPrometheusTarget(target("db", { labels }));
});

Deno.test("the largest labels there can be still fit their steps", () => {
  const room = 2048 - labelsText(target("db", { labels: [["a", ""]] })).length;
  const large = target("db", { labels: [["a", "x".repeat(room)]] });
  checkPrometheusTarget(large);
  const full = { count: () => 2 ** 48, sumUs: 2 ** 53 - 1 };
  const { length } = page([series(large, { rtt: full, lag: full })]);
  assertLessOrEqual(MAX_STEP_BYTES, length);
});

/** Text with what needs escaping in it. */
function anyText(random: Random): string {
  const parts = ["\\", '"', "\n", "n", "{", "}", ",", "=", "é", "中", "😀", " ", "a", "\\n"];
  return Array.from({ length: random.int(0, 12) }, () => random.pick(parts)).join("");
}

property("any labels and figures are read back as they were", 100, (random) => {
  const targets = Array.from(
    { length: random.int(1, 4) },
    (_, i) =>
      target(`${i}${anyText(random)}`, {
        az: anyText(random),
        labels: [["k1", anyText(random)], ["_k2", anyText(random)]],
      }),
  );
  const lag = buckets(Array.from({ length: random.int(0, 50) }, () => random.int(0, 2 ** 30)));
  const text = page(targets.map((one) => series(one, { lag, skipped: random.int(0, 2 ** 31) })));
  const { samples } = parsePage(text);
  for (const one of targets) {
    const labels = { target: one.name, az: one.az, ...Object.fromEntries(one.labels) };
    value(samples, "wire_probe_skipped_total", labels);
    assertEquals(value(samples, "wire_probe_lag_seconds_sum", labels), lag.sumUs / 1e6);
  }
});

function probed(more: Partial<ProbeRecord>): readonly Sample[] {
  const record = { ...blankRecord(), ...more };
  const found = more.outcome === "unresolved" ? null : endpoint("2001:db8::1");
  const text = probePage({ record, endpoint: found, durationMs: 12.5, lookupMs: 2 });
  return parsePage(text).samples;
}

Deno.test("a probe on demand has blackbox_exporter's names", () => {
  const samples = probed({
    outcome: "established",
    rttUs: 4120,
    rttSource: "kernel",
    connectUs: 5000,
    synRetransmits: 0,
  });
  const figures = [
    ["probe_success", 1],
    ["probe_duration_seconds", 0.0125],
    ["probe_dns_lookup_time_seconds", 0.002],
    ["probe_ip_protocol", 6],
    ["probe_failed_due_to_regex", 0],
    ["probe_tcp_rtt_seconds", 0.00412],
    ["probe_tcp_connect_seconds", 0.005],
    ["probe_tcp_syn_retransmits", 0],
  ] as const;
  for (const [name, wanted] of figures) assertEquals(value(samples, name, {}), wanted, name);
  assertEquals(value(samples, "probe_tcp_outcome", { outcome: "established" }), 1);
});

Deno.test("a probe on demand that failed has no times invented", () => {
  const samples = probed({ outcome: "unresolved" });
  const names = new Set(samples.map(({ name }) => name));
  for (const absent of ["rtt_seconds", "connect_seconds", "syn_retransmits"]) {
    assert(!names.has(`probe_tcp_${absent}`), absent);
  }
  assertEquals(value(samples, "probe_success", {}), 0);
  assertEquals(value(samples, "probe_ip_protocol", {}), 0);
  assertEquals(value(samples, "probe_tcp_outcome", { outcome: "unresolved" }), 1);
  assertEquals(value(samples, "probe_tcp_outcome", { outcome: "timeout" }), 0);
});
