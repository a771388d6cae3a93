/** Rounds of traces in the formats of monitoring, read back by readers of their own. */
import { assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import type { PathRound, RoundProbe } from "../../../src/domain/path.ts";
import { NONE } from "../../../src/domain/probe_record.ts";
import { prometheusFamilies } from "../../../src/format/metric_family.ts";
import { pathInflux } from "../../../src/format/path_influx.ts";
import {
  KEPT_ROUNDS,
  MAX_ADDRESSES,
  MAX_PATHS,
  MAX_ROWS,
  PathSeries,
} from "../../../src/format/path_metrics.ts";
import { readPoints } from "./influx_reader.ts";
import { parsePage, type Sample } from "./prometheus_reader.ts";
import { written } from "./written.ts";

function probe(hops: number, address: string | null, rttUs = NONE, jitterUs = NONE): RoundProbe {
  const kind = address === null ? null : address === "10.0.0.9" ? "end" : "router";
  return { hops, flow: 0, address, kind, rttUs, jitterUs };
}

function aRound(probes: readonly RoundProbe[], changes: Partial<PathRound> = {}): PathRound {
  return {
    wallSeconds: 1_700_000_000,
    wallNanos: 1000,
    target: "db, one",
    address: "10.0.0.9",
    port: 5432,
    protocol: "tcp",
    isWhole: true,
    probes,
    notSent: [],
    path: "0123abcd",
    change: null,
    changes: 0,
    ...changes,
  };
}

const WHOLE = [probe(1, "10.0.1.1", 1000), probe(2, null), probe(3, "10.0.0.9", 4000)];

function pageOf(series: PathSeries): readonly Sample[] {
  const text = [...prometheusFamilies(series.families())].map((step) => written(step)).join("");
  return parsePage(text).samples;
}

/** The value of the one sample of a name whose labels include these. */
function valueOf(
  samples: readonly Sample[],
  name: string,
  labels: Record<string, string> = {},
): number | null {
  const found = samples.filter((sample) =>
    sample.name === `wire_probe_path_${name}` &&
    Object.entries(labels).every(([key, value]) => sample.labels.get(key) === value)
  );
  assertEquals(found.length <= 1, true, `${found.length} of ${name}`);
  return found[0]?.value ?? null;
}

Deno.test("Prometheus has each hop's counts and times, and the path with its changes", () => {
  const series = new PathSeries();
  series.add(aRound(WHOLE));
  const change = { hops: 1, before: ["10.0.1.1"], now: ["10.0.1.2"] };
  series.add(aRound(
    [probe(1, "10.0.1.2", 3000), probe(2, "10.0.2.1", 2000), probe(3, "10.0.0.9", 4500, 500)],
    { change, changes: 1, path: "9999ffff" },
  ));
  const samples = pageOf(series);
  const of = (name: string, labels: Record<string, string> = {}) => valueOf(samples, name, labels);
  assertEquals([of("rounds_total"), of("changes_total"), of("reached"), of("hops")], [2, 1, 1, 3]);
  const info = { path: "9999ffff", address: "10.0.0.9", port: "5432", target: "db, one" };
  assertEquals(of("info", info), 1);
  assertEquals(["1", "2", "3"].map((hop) => of("hop_probes_total", { hop })), [2, 2, 2]);
  assertEquals(["1", "2", "3"].map((hop) => of("hop_lost_total", { hop })), [0, 1, 0]);
  const end = { hop: "3", address: "10.0.0.9", protocol: "tcp" };
  assertEquals(of("hop_rtt_seconds_count", end), 2);
  assertAlmostEquals(of("hop_rtt_seconds_sum", end) ?? NaN, 0.0085, 1e-9);
  assertAlmostEquals(of("hop_jitter_seconds_sum", end) ?? NaN, 0.0005, 1e-9);
  assertEquals(of("hop_jitter_seconds_count", { hop: "1", address: "10.0.1.1" }), null);
  assertEquals(of("hop_rtt_seconds_count", { hop: "1", address: "10.0.1.1" }), 1);
});

Deno.test("a target that is not reached has no length of its path, and counts as not reached", () => {
  const series = new PathSeries();
  series.add(aRound([probe(1, "10.0.1.1", 1000), probe(2, null)]));
  const samples = pageOf(series);
  assertEquals([valueOf(samples, "reached"), valueOf(samples, "hops")], [0, null]);
});

Deno.test("a round that was broken off counts its probes, and says nothing of the path", () => {
  const series = new PathSeries();
  series.add(aRound(WHOLE));
  const broken = aRound([probe(1, "10.0.1.1", 1000)], { isWhole: false });
  series.add(broken);
  const samples = pageOf(series);
  const values = ["rounds_total", "reached", "hops"].map((name) => valueOf(samples, name));
  assertEquals(values, [1, 1, 3]);
  assertEquals(valueOf(samples, "hop_probes_total", { hop: "1" }), 2);
  const text = [...pathInflux(broken, "h")].map((step) => written(step)).join("");
  const names = readPoints(text).map(({ measurement }) => measurement);
  assertEquals(names, ["trace_hop", "trace_hop_rtt"]);
});

Deno.test("series are bounded: addresses of a hop, hops and targets, and what is gone goes", () => {
  const series = new PathSeries();
  for (let i = 0; i < 3 * MAX_ADDRESSES; i++) {
    series.add(aRound([probe(1, `10.0.1.${i}`, 1000), probe(2, "10.0.2.1", 10)]));
  }
  const counted = (name: string) =>
    pageOf(series).filter((of) => of.name === `wire_probe_path_${name}`);
  assertEquals(counted("hop_rtt_seconds_count").length, MAX_ADDRESSES + 1);
  for (let i = 0; i < KEPT_ROUNDS; i++) series.add(aRound([probe(1, "10.0.1.0", 1000)]));
  assertEquals(counted("hop_rtt_seconds_count").length, 1);
  assertEquals(counted("hop_lost_total").length, 1);
  const many = Array.from({ length: 64 }, (_, i) => probe(i + 1, `10.1.0.${i}`, 100));
  for (let i = 0; i < MAX_PATHS + 10; i++) series.add(aRound(many, { target: `t${i}` }));
  assertEquals(counted("rounds_total").length, MAX_PATHS);
  assertLessOrEqual(counted("hop_rtt_seconds_count").length, MAX_ROWS);
  assertEquals(
    counted("hop_lost_total").some(({ labels }) => labels.get("target") === "t9"),
    false,
  );
});

Deno.test("Influx has a line for the path, one for each hop and one for each address", () => {
  const round = aRound([...WHOLE, probe(3, "10.0.0.9", 5000, 1000)], {
    notSent: [4, 4],
    changes: 7,
    change: { hops: 1, before: ["x"], now: ["y"] },
  });
  const text = [...pathInflux(round, "app 1")].map((step) => written(step)).join("");
  const points = readPoints(text).map(({ measurement, tags, fields, time }) => {
    assertEquals(time, 1_700_000_000_000_001_000n);
    const { host, target, protocol, ...rest } = Object.fromEntries(tags);
    assertEquals([host, target, protocol], ["app 1", "db, one", "tcp"]);
    return [measurement, rest, fields];
  });
  assertEquals(points, [
    ["trace_path", {}, {
      path: "0123abcd",
      changed: true,
      changes: 7n,
      reached: true,
      hops: 3n,
      rtt_ms: 4,
      address: "10.0.0.9",
    }],
    ["trace_hop", { hop: "1" }, { sent: 1n, answered: 1n, lost: 0n, not_sent: 0n, loss_ratio: 0 }],
    ["trace_hop_rtt", { hop: "1", address: "10.0.1.1" }, { answered: 1n, rtt_ms: 1 }],
    ["trace_hop", { hop: "2" }, { sent: 1n, answered: 0n, lost: 1n, not_sent: 0n, loss_ratio: 1 }],
    ["trace_hop", { hop: "3" }, { sent: 2n, answered: 2n, lost: 0n, not_sent: 0n, loss_ratio: 0 }],
    ["trace_hop_rtt", { hop: "3", address: "10.0.0.9" }, {
      answered: 2n,
      rtt_ms: 4.5,
      jitter_ms: 1,
    }],
    ["trace_hop", { hop: "4" }, { sent: 0n, answered: 0n, lost: 0n, not_sent: 2n }],
  ]);
});
