/** A mesh of real processes over links of known delay: the matrix is the topology's, and triage names what is broken. */
import { assert, assertEquals, assertGreaterOrEqual, assertLess } from "@std/assert";
import { wan } from "../wan/harness/wan.ts";
import { BACKBONE_US, BURST, type Finding, type Heatmap, MeshLab } from "../wan/mesh_lab.ts";

const TOLERANCE_MS = 0.2;
/** Links round their delays, and histograms what was measured. */
const ROUNDING_MS = 0.02;
/** So many probes make a median. */
const ENOUGH = 18;
/** Generous: until the probes of a whole window are those of the network as it is now. */
const PATIENCE_MS = 90_000;
const LOOK_EVERY_MS = 500;

/** Asks for the matrix until it is as it should be; past the bound, what is wrong is in the last one. */
async function until(lab: MeshLab, wanted: (heatmap: Heatmap) => boolean): Promise<Heatmap> {
  const endMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const heatmap = await lab.heatmap("a1");
    if (wanted(heatmap) || Date.now() > endMs) return heatmap;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/**
 * The nodes that are named and for what, in one text each. A dozen processes on two cores are short
 * of CPU at times, and triage reports that: it is the machine's shortage, not the network's.
 */
function named({ findings }: Pick<Heatmap, "findings">): string[] {
  const network = findings.filter(({ layer }) => layer !== "prober's CPU");
  return [...new Set(network.map(brief))].sort();
}

function brief({ kind, layer, direction, nodes, groups, text }: Finding): string {
  // A host under pressure explains whatever is slow about it.
  if (layer === "host") return `host ${nodes.join(" ")} ${/wait for (?:a )?(\w+)/.exec(text)?.[1]}`;
  return `${kind} ${direction} ${groups.length > 0 ? groups.join(" ") : nodes.join(" ")}`;
}

function cells(table: readonly (readonly (number | null)[])[]): (number | null)[] {
  return table.flatMap((row, from) => row.filter((_, to) => to !== from));
}

/** Every pair's median against what its handshakes took on the wire, and what the links are set to at least. */
async function assertTruth(lab: MeshLab, heatmap: Heatmap): Promise<void> {
  const wallMs = Date.now();
  for (const [i, { name }] of heatmap.nodes.entries()) {
    const from = lab.node(name);
    const truth = await lab.truthMs(from, wallMs);
    for (const [j, other] of heatmap.nodes.entries()) {
      if (i === j) continue;
      const measured = heatmap.rtt_p50_ms[i][j] ?? NaN;
      const { lowMs, highMs } = truth.get(other.name) ?? { lowMs: NaN, highMs: NaN };
      const set = lab.distanceMs(from, lab.node(other.name));
      const pair = `${name} to ${other.name}: ${measured} ms, wire ${lowMs}-${highMs}, set ${set}`;
      assertLess(measured, highMs + TOLERANCE_MS, pair);
      assertGreaterOrEqual(measured, lowMs - TOLERANCE_MS, pair);
      assertGreaterOrEqual(measured, set - ROUNDING_MS, pair);
    }
  }
}

wan(
  "twelve nodes in three zones: every pair's truth, silence in health, each fault by its name",
  async (test) => {
    await using lab = await MeshLab.open(["a", "b", "c"], 4);
    await lab.start();
    const healthy =
      await test.step("the matrix is the topology's, and nothing stands out", async () => {
        const all = 12 * 11;
        const heatmap = await until(
          lab,
          ({ coverage, refused, sent, findings }) =>
            coverage.pairs === all &&
            // Nodes that started later refused the first handshakes.
            cells(refused).every((count) => count === 0) &&
            cells(sent).every((count) => count !== null && count >= ENOUGH) &&
            named({ findings }).length === 0,
        );
        assertEquals(heatmap.coverage.pairs, all);
        assertEquals(named(heatmap), []);
        await assertTruth(lab, heatmap);
      });
    if (!healthy) return;

    await events(test, lab);
    await linkFaults(test, lab);
  },
);

/** What happens, what is done, what is named then, and which rows tell two bursts of it. */
type Happening = readonly [
  what: string,
  set: () => unknown,
  expected: readonly string[],
  toldBy?: Told,
];

/** Whether the rows of a matrix tell two bursts since what happened; `before`: the matrix right after it. */
type Told = (now: Heatmap, before: Heatmap) => boolean;

/** The nodes of a matrix but these. */
function others({ nodes }: Heatmap, ...names: readonly string[]): number[] {
  return nodes.flatMap(({ name }, at) => names.includes(name) ? [] : [at]);
}

/** Each other node tells so many of a node in its window. */
function each(table: "lost" | "refused", node: string, least: number): Told {
  return (now) => {
    const to = now.nodes.findIndex(({ name }) => name === node);
    return others(now, node).every((from) => (now[table][from][to] ?? 0) >= least);
  };
}

/** A row may be as of before, and a burst may have been under way. */
const BURSTS_BEFORE = 2;
const TWO_BURSTS = 2;

/** Each node but these has made two bursts with each peer. */
function bursts(...without: readonly string[]): Told {
  const handshakes = ({ nodes }: Heatmap, of: string) =>
    nodes.find(({ name }) => name === of)?.day?.sent ?? NaN;
  return (now, before) => {
    const least = (BURSTS_BEFORE + TWO_BURSTS) * BURST * (now.nodes.length - 1);
    return others(now, ...without).map((at) => now.nodes[at].name).every((name) =>
      handshakes(now, name) - handshakes(before, name) >= least
    );
  };
}

/** The median of the last two bursts of each pair of a zone with another is so long: no single burst makes it. */
function slowWith(zone: string, leastMs: number): Told {
  return ({ nodes, recent_rtt_p50_ms: table }) =>
    table.every((row, from) =>
      row.every((ms, to) =>
        nodes[from].name.startsWith(zone) === nodes[to].name.startsWith(zone) ||
        (ms ?? 0) >= leastMs
      )
    );
}

/**
 * Each takes the one before it back. What is expected is named once the rows tell two bursts of it; what a
 * busy machine adds to that for a moment has time to pass.
 */
async function happen(
  test: Deno.TestContext,
  lab: MeshLab,
  happenings: readonly Happening[],
  standing: readonly string[] = [],
): Promise<void> {
  for (const [what, set, expected, toldBy] of happenings) {
    const all = [...expected, ...standing];
    await test.step(what, async () => {
      await set();
      if (toldBy !== undefined) {
        const before = await lab.heatmap("a1");
        const told = await until(lab, (now) => toldBy(now, before));
        assert(toldBy(told, before), "no two bursts of it");
        assertEquals(named(told).filter((one) => expected.includes(one)), expected);
      }
      const heatmap = await until(lab, (found) => named(found).join() === all.join());
      assertEquals(named(heatmap), all);
    });
  }
}

/** Processes, hosts and a zone: each is named, and nothing else is. */
async function events(test: Deno.TestContext, lab: MeshLab): Promise<void> {
  const zoneDelay = async (delayUs: number) => {
    for (const zones of ["ac", "bc"]) await lab.backbone.get(zones)?.set({ delayUs });
  };
  const congestedUs = 6 * BACKBONE_US;
  const congestedMs = 2 * congestedUs / 1000;
  await happen(test, lab, [
    [
      "a host short of CPU and one short of IO",
      () => {
        lab.press("b3", "cpu", 0.8);
        lab.press("b4", "io", 0.7);
      },
      ["host b3 CPU", "host b4 IO"],
      bursts(),
    ],
    // One refresh shows it: its row is missing from then on.
    [
      "a stopped process, whose kernel still answers",
      () => {
        lab.press("b3", "cpu", 0);
        lab.press("b4", "io", 0);
        lab.signal("a4", "SIGSTOP");
      },
      ["no-row from a4"],
      () => true,
    ],
    ["that goes on", () => lab.signal("a4", "SIGCONT"), []],
  ]);
  await test.step("a node that leaves is gone, and one that comes is there", () => members(lab));
  await happen(test, lab, [
    [
      "a congested zone",
      () => zoneDelay(congestedUs),
      ["slow-block both az=c"],
      slowWith("c", congestedMs),
    ],
    ["that is no longer", () => zoneDelay(BACKBONE_US), []],
    [
      "a process that is killed",
      () => lab.signal("b2", "SIGKILL"),
      ["refused to b2"],
      each("refused", "b2", TWO_BURSTS * BURST),
    ],
    ["and started again", () => lab.startNode("b2"), []],
  ]);
}

/** A node leaves by its own word, then the name's entry goes; it starts anew, and the name has it again. */
async function members(lab: MeshLab): Promise<void> {
  const all = lab.nodes.map(({ name }) => name);
  lab.signal("c4", "SIGTERM");
  const before = await lab.heatmap("a1");
  const gone = await until(lab, (now) => bursts("c4")(now, before));
  assertEquals([gone.coverage.left, gone.coverage.missing], [1, 0]);
  const left = await until(lab, (found) => named(found).length === 0);
  assertEquals(named(left), []);
  await lab.list(all.filter((name) => name !== "c4"));
  const less = await until(
    lab,
    (found) =>
      found.coverage.nodes === 11 && found.coverage.pairs === 110 && named(found).length === 0,
  );
  assertEquals([less.coverage.missing, less.coverage.pairs, named(less)], [0, 110, []]);
  await lab.startNode("c4");
  await lab.list(all);
  const there = await until(lab, (now) => hasTwoBursts(now, "c4"));
  assert(hasTwoBursts(there, "c4"));
  assertEquals([there.coverage.missing, there.coverage.pairs], [0, 132]);
  const again = await until(lab, (found) => named(found).length === 0);
  assertEquals(named(again), []);
}

/** Whether a node and each other one have made two bursts with each other. */
function hasTwoBursts(now: Heatmap, node: string): boolean {
  const at = now.nodes.findIndex(({ name }) => name === node);
  return at >= 0 &&
    others(now, node).every((other) =>
      [now.sent[at][other], now.sent[other][at]].every((sent) => (sent ?? 0) >= TWO_BURSTS * BURST)
    );
}

/** Links: each fault is named by its layer and direction. */
async function linkFaults(test: Deno.TestContext, lab: MeshLab): Promise<void> {
  const link = (name: string) => lab.node(name).link;
  const three = ["icmp both c3", "loss from b1", "slow-node both a2"];
  await happen(test, lab, [[
    "a slow node, one that loses what it sends and no other way, and one whose ICMP is slow",
    async () => {
      await link("a2").set({ delayUs: 2000 });
      await link("b1").set({ dropSynEvery: 5 }, "ab");
      await link("c3").set({ icmpDelayUs: 4000 });
    },
    three,
  ]]);
  // The burst under way then, and two more: each ends at its first handshake that is lost.
  await happen(
    test,
    lab,
    [[
      "and a node that is cut off",
      () => link("b4").set({ drop: "all" }),
      ["dead-node both b4"],
      each("lost", "b4", 1 + TWO_BURSTS),
    ]],
    three,
  );
}
