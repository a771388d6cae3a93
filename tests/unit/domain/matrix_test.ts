import { assertEquals, assertThrows } from "@std/assert";
import {
  coverage,
  Matrix,
  MAX_MATRIX_NODES,
  settledNodes,
  unprobed,
} from "../../../src/domain/matrix.ts";
import { blockValue, shortText, valueOf } from "../../../src/format/heatmap/metric.ts";
import { arrange, groupTitle } from "../../../src/domain/mesh_node.ts";
import type { PeerFigures } from "../../../src/domain/mesh_row.ts";
import { LOST, mesh, nodes, peer, quantiles, row } from "../mesh/meshes.ts";

Deno.test("nodes are drawn by group and then by name, numbers in names counting as numbers", () => {
  const of = (name: string, az?: string) => ({
    name,
    labels: new Map(az === undefined ? [] : [["az", az]]),
  });
  const mixed = [of("n10", "b"), of("n2", "b"), of("x"), of("n9", "a10"), of("n1", "a9")];
  const { nodes: sorted, groups } = arrange(mixed, "az");
  assertEquals(sorted.map(({ name }) => name), ["x", "n1", "n9", "n2", "n10"]);
  assertEquals(groups.map(groupTitle), ["(none)", "a9", "a10", "b"]);
  assertEquals(groups.map(({ from, to }) => [from, to]), [[0, 1], [1, 2], [2, 3], [3, 5]]);
});

Deno.test("a row's figures are found by node and peer, and what nobody measured is no number", () => {
  const matrix = new Matrix(arrange(nodes(2, 1), "az"));
  matrix.put(row("a2", { peers: [peer("b1", { rtt: quantiles(1500) }), peer("stranger")] }), 10);
  const [a1, a2, b1] = ["a1", "a2", "b1"].map((name) => matrix.indexOf(name));
  assertEquals(matrix.figure("rttP50", a2, b1), 1500);
  assertEquals(matrix.figure("rttP99", a2, b1), 3000);
  assertEquals(matrix.figure("rttP50", b1, a2), NaN);
  assertEquals([matrix.probed(a2, b1), matrix.probed(b1, a2)], [true, false]);
  assertEquals(matrix.row(a1), { kind: "missing", reason: "not asked for" });
  const there = matrix.row(a2);
  assertEquals(there.kind === "missing" ? null : there.strangers, 1);
});

Deno.test("a node that is not of the mesh has no place in it, nor has a mesh of too many", () => {
  const matrix = new Matrix(arrange(nodes(2), "az"));
  assertThrows(() => matrix.put(row("b9"), 0), RangeError);
  assertThrows(() => new Matrix(arrange(nodes(MAX_MATRIX_NODES + 1), "az")), RangeError);
});

Deno.test("a row is stale when nothing in it is from its last window", () => {
  const matrix = new Matrix(arrange(nodes(3), "az"));
  matrix.put(row("a1", { peers: [peer("a2")] }), 300_000);
  matrix.put(row("a2", { peers: [peer("a1")] }), 300_001);
  matrix.miss(2, "connection refused");
  assertEquals([0, 1, 2].map((node) => matrix.row(node).kind), ["fresh", "stale", "missing"]);
  assertEquals(coverage(matrix), {
    nodes: 3,
    rows: 2,
    stale: 1,
    missing: 1,
    left: 0,
    idle: 0,
    pairs: 1,
    windowMs: 300_000,
    oldestMs: 300_001,
  });
});

Deno.test("a peer that is listed, there and never probed is told, not one that has just come", () => {
  const none: Partial<PeerFigures> = { sent: 0, answered: 0, rtt: null, cold: null, connect: null };
  const few = { ...none, sent: 14, answered: 14 };
  const unprobedOf = (a3: Partial<PeerFigures>, of = none) => {
    const matrix = mesh(nodes(3), (from, to) => from === "a3" ? a3 : to === "a3" ? of : {});
    return matrix.nodes.map((_, node) => unprobed(matrix, node, settledNodes(matrix)));
  };
  assertEquals(unprobedOf({}), [[2], [2], []]);
  assertEquals(unprobedOf(few), [[], [], []]);
  assertEquals(unprobedOf(none), [[], [], []]);
  assertEquals(unprobedOf({}, { ...none, left: true }), [[], [], []]);
  assertEquals(unprobedOf({}, few), [[], [], []]);
  // By bursts, where rows tell them: one long burst is not enough, three of one probe are.
  const burst = (count: number, sent: number) => ({ ...none, sent, answered: sent, bursts: count });
  assertEquals(unprobedOf(burst(1, 100)), [[], [], []]);
  assertEquals(unprobedOf(burst(3, 3)), [[2], [2], []]);
});

Deno.test("each metric is the figure it is named for", () => {
  const matrix = mesh(nodes(2), (from) =>
    from === "a2" ? LOST : {
      rtt: quantiles(400, 900),
      cold: quantiles(700, 800, 30),
      answered: 294,
      lost: 6,
      synRetransmits: 30,
      connect: null,
      sent: 300,
      refused: 0,
    });
  const of = (metric: Parameters<typeof valueOf>[1]) => valueOf(matrix, metric, 0, 1);
  assertEquals([of("p50"), of("p99"), of("cold"), of("loss"), of("retransmits")], [
    400,
    900,
    700,
    0.02,
    0.1,
  ]);
  assertEquals([valueOf(matrix, "p50", 1, 0), valueOf(matrix, "loss", 1, 0)], [NaN, 1]);
  assertEquals([matrix.state(1, 0), matrix.state(0, 1)], ["silent", "established"]);
});

Deno.test("a block is the median of its times and the share of all its probes", () => {
  const slow = (from: string, to: string) => from === "a1" && to === "b1";
  const matrix = mesh(nodes(2, 2), (from, to) => ({
    rtt: quantiles(slow(from, to) ? 9000 : 500),
    ...(slow(from, to)
      ? { answered: 270, lost: 30, connect: null, rtt: quantiles(9000, 9000, 240) }
      : {}),
  }));
  const [a, b] = matrix.groups;
  assertEquals(blockValue(matrix, "p50", a, b), 500);
  assertEquals(Math.round(blockValue(matrix, "loss", a, b) * 1e6), 25_000);
});

Deno.test("figures are short, and what is not nothing is not shown as nothing", () => {
  const times = [
    5,
    412,
    999,
    1000,
    9994,
    9996,
    12_345,
    99_960,
    123_456,
    999_400,
    999_600,
    12_000_000,
  ];
  assertEquals(times.map((us) => shortText("p50", us)), [
    "0.005",
    "0.412",
    "0.999",
    "1.00",
    "9.99",
    "10.0",
    "12.3",
    "100",
    "123",
    "999",
    "1.0s",
    "12s",
  ]);
});
