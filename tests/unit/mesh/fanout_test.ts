import { assert, assertEquals, assertLess } from "@std/assert";
import { peersOf } from "../../../src/mesh/fanout.ts";
import { property } from "../random.ts";

const NODES = Array.from({ length: 200 }, (_, i) => `node-${i}`);
const FANOUT = 8;

/** `from to` of every pair that is probed. */
function pairs(names: readonly string[], fanout: number | null): Set<string> {
  return new Set(
    names.flatMap((from) => peersOf(from, names, fanout).map((to) => `${from} ${to}`)),
  );
}

function countBy(all: Iterable<string>, word: 0 | 1): number[] {
  const counts = new Map<string, number>();
  for (const pair of all) {
    const name = pair.split(" ")[word];
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts.values()].sort((a, b) => a - b);
}

Deno.test("without a fanout each node probes all others, and not itself", () => {
  assertEquals(peersOf("b", ["a", "b", "c"], null).sort(), ["a", "c"]);
  assertEquals(peersOf("a", ["a"], null), []);
  assertEquals(pairs(NODES, null).size, 200 * 199);
});

Deno.test("with a fanout each node is probed by so many others, exactly", () => {
  const all = pairs(NODES, FANOUT);
  assertEquals(all.size, 200 * FANOUT);
  assertEquals(countBy(all, 1), new Array(200).fill(FANOUT));
});

Deno.test("the work is shared: no node probes more than three times its part", () => {
  const work = countBy(pairs(NODES, FANOUT), 0);
  assertEquals(work.reduce((sum, count) => sum + count, 0), 200 * FANOUT);
  // A binomial of 199 tries with mean 8 lies above 24 once in a million.
  assertLess(work[work.length - 1], 3 * FANOUT);
});

Deno.test("a node that joins is probed by so many others, and moves few of the other pairs", () => {
  const before = pairs(NODES, FANOUT);
  const after = pairs([...NODES, "node-new"], FANOUT);
  const fresh = [...after].filter((pair) => !before.has(pair));
  const gone = [...before].filter((pair) => !after.has(pair));
  const toNew = fresh.filter((pair) => pair.endsWith(" node-new"));
  const fromNew = fresh.filter((pair) => pair.startsWith("node-new "));
  assertEquals(toNew.length, FANOUT);
  // It takes another's place with each that it probes, and nothing else moves.
  assertEquals(fresh.length, FANOUT + fromNew.length);
  assertEquals(gone.length, fromNew.length);
  assertLess(gone.length, 3 * FANOUT);
});

Deno.test("a node that leaves takes its own pairs with it, and those it probed get another prober", () => {
  const before = pairs(NODES, FANOUT);
  const after = pairs(NODES.filter((name) => name !== "node-7"), FANOUT);
  const kept = [...before].filter((pair) => !pair.split(" ").includes("node-7"));
  assert(kept.every((pair) => after.has(pair)));
  assertEquals(countBy(after, 1), new Array(199).fill(FANOUT));
});

Deno.test("a fanout that no mesh has is everybody", () => {
  assertEquals(pairs(["a", "b", "c"], 5).size, 6);
});

property("who probes whom does not hang on the order of the file", 20, (random) => {
  const names = NODES.slice(0, random.int(2, 40));
  const shuffled = random.order(names.length).map((i) => names[i]);
  const fanout = random.int(1, 10);
  const me = random.pick(names);
  assertEquals(peersOf(me, shuffled, fanout), peersOf(me, names, fanout));
});
