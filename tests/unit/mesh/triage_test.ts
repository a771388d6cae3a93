import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Matrix } from "../../../src/domain/matrix.ts";
import { arrange, type MeshNode } from "../../../src/domain/mesh_node.ts";
import type { HostPressure } from "../../../src/domain/host_pressure.ts";
import type { PeerFigures } from "../../../src/domain/mesh_row.ts";
import type { Finding } from "../../../src/domain/finding.ts";
import { isAlarm, triage } from "../../../src/mesh/triage/triage.ts";
import { type Change, LOST, mesh, nodes, peer, quantiles, row, said } from "./meshes.ts";

/** Zones 1 ms apart. */
const zoned: Change = (from, to) => ({ rtt: quantiles(from[0] === to[0] ? 300 : 1000) });

Deno.test("in a mesh where all is well nothing stands out", () => {
  assertEquals(said(mesh(nodes(4, 4, 4), zoned)), []);
  assertEquals(said(mesh(nodes(2), zoned)), []);
});

Deno.test("without rows there is no alarm, but it is said that they are not there", () => {
  const matrix = new Matrix(arrange(nodes(3), "az"));
  assertEquals(said(matrix), ["no-row from a1 a2 a3"]);
  assertEquals(triage(matrix).some(isAlarm), false);
  assertEquals(triage(new Matrix(arrange([], "az"))), []);
});

Deno.test("rows that are too old are no evidence", () => {
  const all = nodes(4);
  const matrix = new Matrix(arrange(all, "az"));
  for (const { name } of all) {
    const peers = all.filter((other) => other.name !== name).map((other) => peer(other.name, LOST));
    matrix.put(row(name, { peers }), 300_001);
  }
  assertEquals(said(matrix), ["no-row from a1 a2 a3 a4"]);
});

Deno.test("zones far apart are no fault, with two zones nor with a far one among four", () => {
  const far: Change = (from, to) => ({
    rtt: quantiles(from[0] === to[0] ? 300 : from[0] === "d" || to[0] === "d" ? 25_000 : 900),
  });
  assertEquals(said(mesh(nodes(4, 4, 4, 4), far)), []);
  const two: Change = (from, to) => ({ rtt: quantiles(from[0] === to[0] ? 200 : 9000) });
  assertEquals(said(mesh(nodes(4, 4), two)), []);
});

Deno.test("a slow node explains its pairs, and its direction is told", () => {
  const slowed = (concerned: (from: string, to: string) => boolean): Change => (from, to) => ({
    rtt: quantiles((from[0] === to[0] ? 300 : 1000) + (concerned(from, to) ? 800 : 0)),
  });
  const of = (change: Change) => said(mesh(nodes(4, 4, 4), change));
  assertEquals(of(slowed((from, to) => from === "b2" || to === "b2")), ["slow-node both b2"]);
  assertEquals(of(slowed((from) => from === "b2")), ["slow-node from b2"]);
  assertEquals(of(slowed((_, to) => to === "b2")), ["slow-node to b2"]);
});

Deno.test("nodes that are all of one label are named by it", () => {
  const racked: MeshNode[] = nodes(6, 6).map(({ name, labels }) => ({
    name,
    labels: new Map([...labels, ["rack", ["a1", "a2", "a3"].includes(name) ? "r1" : `r-${name}`]]),
  }));
  const inRack = (name: string) => ["a1", "a2", "a3"].includes(name);
  const change: Change = (from, to) => ({
    rtt: quantiles((from[0] === to[0] ? 300 : 1000) + (inRack(from) || inRack(to) ? 900 : 0)),
  });
  assertEquals(said(mesh(racked, change)), ["slow-node both rack=r1"]);
});

Deno.test("a block between zones is slow when the way by another zone would be quicker", () => {
  const change: Change = (from, to) => {
    const both = [from[0], to[0]].sort().join("");
    return { rtt: quantiles(from[0] === to[0] ? 300 : both === "ab" ? 6000 : 1000) };
  };
  const [finding, ...more] = triage(mesh(nodes(4, 4, 4), change));
  assertEquals(more, []);
  assertEquals([finding.kind, finding.direction, finding.groups], [
    "slow-block",
    "both",
    ["az=a", "az=b"],
  ]);
  assertStringIncludes(finding.text, "6 ms, while the way by another zone takes 2 ms in sum");
  assertEquals(finding.regions, [
    { from: [0, 1, 2, 3], to: [4, 5, 6, 7] },
    { from: [4, 5, 6, 7], to: [0, 1, 2, 3] },
  ]);
});

Deno.test("a slow pair is one finding for both directions, and many are counted", () => {
  const slow = (pairs: readonly string[]): Change => (from, to) => ({
    rtt: quantiles(pairs.includes([from, to].sort().join(" ")) ? 2000 : 300),
  });
  assertEquals(said(mesh(nodes(8), slow(["a2 a5"]))), ["slow-pair both a2 a5"]);
  const seven = ["a1 a2", "a3 a4", "a5 a6", "a7 a8", "a2 a3", "a4 a5", "a6 a7"];
  const findings = triage(mesh(nodes(16), slow(seven)));
  assertEquals(findings.length, 5);
  assertStringIncludes(findings[4].text, "and 2 more pairs like it");
});

Deno.test("a node that tells another zone than its own is named, not the nodes of that zone", () => {
  // c4 is among the nodes of a; two zones whose nodes are exchanged are two such nodes.
  const placeOf = (name: string, moved: Readonly<Record<string, string>>) => moved[name] ?? name[0];
  const told = (moved: Readonly<Record<string, string>>) =>
    mesh(nodes(4, 4, 4), (from, to) => ({
      rtt: quantiles(placeOf(from, moved) === placeOf(to, moved) ? 500 : 2500),
    }));
  assertEquals(said(told({ c4: "a" })), ["slow-pair both c4"]);
  const [{ text }] = triage(told({ c4: "a" }));
  assertStringIncludes(text, "far from its own zone, az=c: 2.5 ms with each of 3 nodes there");
  assertEquals(said(told({ c4: "a", a1: "c" })).sort(), ["slow-pair both a1", "slow-pair both c4"]);
  // Its way to another zone alone.
  const way: Change = (from, to) => ({
    rtt: quantiles(
      [from, to].includes("b1") && [from[0], to[0]].includes("a")
        ? 9000
        : from[0] === to[0]
        ? 500
        : 2500,
    ),
  });
  assertEquals(said(mesh(nodes(4, 4, 4), way)), ["slow-pair both b1"]);
  // In one direction alone: the other one is not told.
  const toB1: Change = (from, to) => ({
    rtt: quantiles(to === "b1" && from[0] === "a" ? 9000 : from[0] === to[0] ? 500 : 2500),
  });
  const [one] = triage(mesh(nodes(4, 4, 4), toB1));
  assertEquals([one.kind, one.direction, one.regions], ["slow-pair", "to", [
    { from: [0, 1, 2, 3], to: [4] },
  ]]);
  assertStringIncludes(one.text, "9 ms from each of 4 nodes there");
});

Deno.test("nodes that are far from a zone and are counted only are told by no pair of theirs", () => {
  const far: Change = (from, to) => ({
    rtt: quantiles(
      [from, to].some((name) => name[0] === "b" && Number(name.slice(1)) <= 7) &&
        [from[0], to[0]].includes("a")
        ? 9000
        : from[0] === to[0]
        ? 500
        : 2500,
    ),
  });
  const findings = triage(mesh(nodes(4, 24), far));
  assertEquals(
    findings.map(({ kind, nodes }) => [kind, nodes.length]),
    Array(5).fill(["slow-pair", 1]),
  );
  assertStringIncludes(findings[4].text, "and 2 more nodes like it");
});

Deno.test("slow first handshakes with normal steady ones are flow set-up, of a node or of the mesh", () => {
  const cold =
    (concerned: (from: string, to: string) => boolean, us: number): Change => (from, to) => ({
      cold: quantiles(concerned(from, to) ? us : 600, us + 1000, 30),
    });
  const node = mesh(nodes(4, 4), cold((from) => from === "a2", 5000));
  assertEquals(said(node), ["cold from a2"]);
  assertEquals(triage(node)[0].layer, "flow set-up");
  assertEquals(said(mesh(nodes(4, 4), cold(() => true, 5000))), ["cold both "]);
  assertEquals(said(mesh(nodes(4, 4), cold(() => true, 900))), []);
});

/** All rows alike but for one node's own figures. */
function withOwn(name: string, own: Parameters<typeof row>[1]): Matrix {
  const all = nodes(6);
  const matrix = new Matrix(arrange(all, "az"));
  for (const node of all) {
    const peers = all.filter((other) => other !== node).map((other) => peer(other.name));
    matrix.put(row(node.name, { peers, ...(node.name === name ? own : {}) }), 0);
  }
  return matrix;
}

Deno.test("connects far above the kernel's round trips are that prober's CPU", () => {
  const busy = withOwn("a3", { connectExcess: quantiles(2500, 30_000, 3000), lagP99Us: 28_000 });
  assertEquals(said(busy), ["busy-prober from a3"]);
  assertEquals(triage(busy)[0].evidence, {
    connect_excess_p50_ms: 2.5,
    connect_excess_p99_ms: 30,
    usual_p50_ms: 0.3,
    usual_p99_ms: 1.2,
    lag_p99_ms: 28,
  });
  const few = withOwn("a3", { connectExcess: quantiles(2500, 30_000, 29) });
  assertEquals(said(few), []);
});

Deno.test("a host under pressure is named, and slowness of its own is put down to it", () => {
  const pressed = (share: number): HostPressure => ({
    cpu: share,
    memory: 0,
    io: 0.01,
    steal: null,
    throttled: null,
  });
  assertEquals(said(withOwn("a3", { pressure: pressed(0.8) })), ["host-pressure both a3"]);
  assertEquals(said(withOwn("a3", { pressure: pressed(0.2) })), []);
  const busy = withOwn("a3", {
    connectExcess: quantiles(2500, 30_000, 3000),
    pressure: pressed(0.8),
  });
  const [finding, ...more] = triage(busy);
  assertEquals([finding.kind, finding.layer, more], ["busy-prober", "host", []]);
  assertStringIncludes(finding.text, "tasks wait for a CPU 80.0 % of the time");
  assertEquals(finding.evidence.cpu_pressure, 0.8);
  // All alike, as containers of one machine are: none of them stands out.
  const all = nodes(6);
  const matrix = new Matrix(arrange(all, "az"));
  for (const { name } of all) {
    const peers = all.filter((other) => other.name !== name).map((other) => peer(other.name));
    matrix.put(row(name, { peers, pressure: pressed(0.9) }), 0);
  }
  assertEquals(said(matrix), []);
});

Deno.test("a node that left on purpose is no finding; one of which a single peer says so is", () => {
  const left: Partial<PeerFigures> = { ...NOW.refused, left: true };
  const gone = (probers: readonly string[]) =>
    mesh(nodes(5), (from, to) => {
      if (to !== "a3") return NOW.up;
      return probers.includes(from) ? left : NOW.refused;
    }, ["a3"]);
  assertEquals(said(gone(["a1", "a2", "a4", "a5"])), []);
  assertEquals(said(gone(["a1"])), ["refused to a3"]);
});

Deno.test("a node that nobody reaches is dead, and its missing row is no second finding", () => {
  const dead: Change = (_, to) => to === "a3" ? LOST : {};
  assertEquals(said(mesh(nodes(5), dead, ["a3"])), ["dead-node both a3"]);
});

Deno.test("a node that died within the window is named, though it answered before", () => {
  const dying = {
    sent: 300,
    answered: 120,
    lost: 180,
    rtt: quantiles(400, 800, 100),
    connect: null,
  };
  const change: Change = (_, to) => to === "a3" ? dying : {};
  assertEquals(said(mesh(nodes(5), change, ["a3"])), ["dead-node both a3"]);
});

Deno.test("a row that is not to be had is no alarm while its node answers", () => {
  assertEquals(said(mesh(nodes(5), () => ({}), ["a3"])), ["no-row from a3"]);
});

Deno.test("a node that answers nobody, or is answered by nobody, is told from a dead one", () => {
  assertEquals(said(mesh(nodes(5), (_, to) => to === "a3" ? LOST : {})), ["loss to a3"]);
  assertEquals(said(mesh(nodes(5), (from) => from === "a3" ? LOST : {})), ["loss from a3"]);
  // Alone in its zone, which is no partition of two zones.
  const zones = nodes(3, 3, 1);
  assertEquals(said(mesh(zones, (_, to) => to === "c1" ? LOST : {})), ["loss to c1"]);
  assertEquals(said(mesh(zones, (from) => from === "c1" ? LOST : {})), ["loss from c1"]);
});

Deno.test("refusals say that nothing listens, not that anything is lost", () => {
  const refused = { refused: 300, rtt: null, cold: null, connect: null };
  assertEquals(said(mesh(nodes(5), (_, to) => to === "a3" ? refused : {})), ["refused to a3"]);
});

Deno.test("refusals are named by what they have in common: a prober, two zones, a pair", () => {
  const refused = { refused: 300, rtt: null, cold: null, connect: null };
  const where = (at: (from: string, to: string) => boolean) =>
    said(mesh(nodes(4, 4, 4), (from, to) => at(from, to) ? refused : {}));
  assertEquals(where((from) => from === "a3"), ["refused from a3"]);
  assertEquals(where((from, to) => [from[0], to[0]].sort().join("") === "ab"), [
    "refused both az=a az=b",
  ]);
  assertEquals(where((from, to) => from[0] === "a" && to[0] === "b"), ["refused from az=a az=b"]);
  assertEquals(where((from, to) => from === "a1" && to === "c2"), ["refused from a1 c2"]);
  const two = mesh(nodes(6, 6), (from, to) => from[0] === to[0] ? {} : refused);
  assertEquals(said(two), ["refused both az=a az=b"]);
  assert(triage(two).some(isAlarm));
});

/** So many bursts of five since a start, of which those before the second number were refused. */
function started(bursts: number, refusedBursts: number, underWay = 0): Partial<PeerFigures> {
  const [sent, refused] = [5 * bursts + underWay, 5 * refusedBursts];
  const all = bursts + Number(underWay > 0);
  const recentFrom = Math.max(0, all - 2);
  const recent = {
    bursts: all - recentFrom,
    sent: sent - 5 * recentFrom,
    answered: sent - 5 * recentFrom,
    refused: Math.max(0, refused - 5 * recentFrom),
    p50Us: null,
  };
  return { sent, answered: sent, refused, bursts: all, rtt: null, cold: null, recent };
}

Deno.test("refusals of a single burst are no finding of a node that is there: it started later", () => {
  const of = (figures: Partial<PeerFigures>, without: readonly string[] = []) =>
    said(mesh(nodes(3), (from, to) => from === "a2" && to === "a3" ? figures : NOW.up, without));
  assertEquals(of(started(1, 1)), []);
  for (let underWay = 0; underWay < 5; underWay++) assertEquals(of(started(2, 1, underWay)), []);
  assertEquals(of(started(1, 1, 1)), []);
  assertEquals(of(started(2, 2)), ["refused from a2 a3"]);
  assertEquals(of(started(3, 2)), ["refused from a2 a3"]);
  // Of a node that cannot be asked either one burst is enough.
  assertEquals(of(started(1, 1), ["a3"]), ["refused to a3"]);
});

Deno.test("one of a thing is told without an s", () => {
  const matrix = mesh(
    nodes(3),
    (from, to) => from === "a2" && to === "a3" ? started(1, 1) : NOW.up,
    ["a3"],
  );
  const [{ text }] = triage(matrix).filter(isAlarm);
  assertStringIncludes(text, "answers to 1 node)");
});

/** By the last two bursts, of a pair whose window was fine until then. */
const NOW: Readonly<Record<"up" | "refused" | "silent", Partial<PeerFigures>>> = {
  up: { recent: { bursts: 2, sent: 20, answered: 20, refused: 0, p50Us: 400 } },
  refused: {
    refused: 20,
    recent: { bursts: 2, sent: 20, answered: 20, refused: 20, p50Us: null },
  },
  silent: {
    answered: 298,
    lost: 2,
    recent: { bursts: 2, sent: 2, answered: 0, refused: 0, p50Us: null },
  },
};

Deno.test("what the last two bursts say is said at once, whatever the window holds", () => {
  const of = (
    how: "refused" | "silent",
    at: (from: string, to: string) => boolean,
    without: readonly string[] = [],
  ) =>
    said(
      mesh(nodes(4, 4, 4), (from, to) => at(from, to) ? NOW[how] : NOW.up, without),
    );
  const atB2 = (_: string, to: string) => to === "b2";
  assertEquals(of("refused", atB2, ["b2"]), ["refused to b2"]);
  assertEquals(of("silent", (from, to) => atB2(from, to) || from === "b2", ["b2"]), [
    "dead-node both b2",
  ]);
  assertEquals(of("silent", (from, to) => [from[0], to[0]].sort().join("") === "bc"), [
    "partition both az=b az=c",
  ]);
  // Two lost probes of one pair may be chance.
  assertEquals(of("silent", (from, to) => from === "a1" && to === "b2"), []);
});

Deno.test("a node that was down and is back is no finding any more", () => {
  const back: Partial<PeerFigures> = { ...NOW.up, refused: 150, rtt: quantiles(400, 800, 130) };
  assertEquals(said(mesh(nodes(5), (_, to) => to === "a3" ? back : NOW.up)), []);
});

Deno.test("groups that do not reach each other are a partition, whole or only between two", () => {
  const apart = (cut: (from: string, to: string) => boolean): Change => (from, to) =>
    cut(from[0], to[0]) ? LOST : {};
  const whole = triage(mesh(nodes(3, 3, 3), apart((a, b) => (a === "c") !== (b === "c"))));
  assertEquals(whole.map(({ kind }) => kind), ["partition"]);
  assertStringIncludes(whole[0].text, "az=a and az=b (6 nodes) | az=c (3 nodes)");
  const pair = (a: string, b: string) => [a, b].sort().join("") === "bc";
  assertEquals(said(mesh(nodes(3, 3, 3), apart(pair))), ["partition both az=b az=c"]);
  assertEquals(said(mesh(nodes(3, 3, 3), apart((a, b) => a === "b" && b === "c"))), [
    "partition from az=b az=c",
  ]);
});

Deno.test("ICMP that is slow where TCP is not is said, and is no alarm", () => {
  const icmp: Change = (_, to) => ({
    icmp: { sent: 30, lost: 0, p50Us: to === "a3" ? 4000 : 410 },
  });
  assertEquals(said(mesh(nodes(5), icmp)), ["icmp to a3"]);
  const everywhere = triage(mesh(nodes(5), () => ({ icmp: { sent: 30, lost: 30, p50Us: null } })));
  assertEquals(everywhere.map(({ kind, nodes: about }) => [kind, about]), [["icmp", []]]);
  assertEquals(everywhere.some(isAlarm), false);
});

Deno.test("with a fanout, where a row has few peers, a slow node is found all the same", () => {
  const all = nodes(20);
  const near = (from: string, to: string) =>
    (Number(to.slice(1)) - Number(from.slice(1)) + 20) % 20 <= 5;
  const change: Change = (from, to) =>
    near(from, to) ? { rtt: quantiles(from === "a7" || to === "a7" ? 1500 : 300) } : null;
  assertEquals(said(mesh(all, change)), ["slow-node both a7"]);
});

Deno.test("the worst comes first, and each finding is one line with figures", () => {
  const change: Change = (from, to) => ({
    ...(to === "a2" ? LOST : {}),
    ...(from === "b1" && to !== "a2" ? { synRetransmits: 30 } : {}),
    ...(from === "b3" && to !== "a2" ? { cold: quantiles(9000, 9500, 30) } : {}),
  });
  const findings: Finding[] = triage(mesh(nodes(5, 5), change, ["a2"]));
  assertEquals(findings.map(({ kind }) => kind), ["dead-node", "loss", "cold"]);
  for (const { text, evidence } of findings) {
    assert(!/[\n\r]/.test(text) && /\d/.test(text), text);
    assert(Object.values(evidence).every(Number.isFinite), text);
  }
});
