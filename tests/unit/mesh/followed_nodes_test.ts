import { assertEquals, assertRejects } from "@std/assert";
import type { NodeEntry } from "../../../src/input/nodes_file.ts";
import { FollowedNodes, KEPT_MS } from "../../../src/mesh/followed_nodes.ts";
import { FakeClock } from "../fake_clock.ts";

function entry(name: string, host = name): NodeEntry {
  return { target: { name, host, port: 9999, az: "default", labels: [] }, httpPort: 9998 };
}

function followed(): {
  readonly nodes: FollowedNodes;
  readonly clock: FakeClock;
  readonly said: string[];
  readonly state: { listed: string[] | Error; back: string[] };
} {
  const clock = new FakeClock();
  const said: string[] = [];
  const state: { listed: string[] | Error; back: string[] } = { listed: ["a", "b", "c"], back: [] };
  const nodes = new FollowedNodes(
    "dns:mesh",
    entry("a"),
    ["a", "b", "c"].map((name) => entry(name)),
    {
      clock,
      list: () =>
        state.listed instanceof Error
          ? Promise.reject(state.listed)
          : Promise.resolve(state.listed.map((name) => entry(name))),
      isBack: (name) => state.back.includes(name),
      say: (text) => said.push(text),
    },
  );
  return { nodes, clock, said, state };
}

const namesOf = (entries: readonly NodeEntry[] | null) => entries?.map(({ target }) => target.name);

Deno.test("a node that the name lists anew is one of them, and nothing is said without a change", async () => {
  const { nodes, said, state } = followed();
  assertEquals(await nodes.look(), null);
  state.listed = ["a", "b", "c", "d"];
  assertEquals(namesOf(await nodes.look()), ["a", "b", "c", "d"]);
  assertEquals(said, ["dns:mesh: new: d"]);
});

Deno.test("a node that left is gone with its entry, one that vanishes without a word is kept for an hour", async () => {
  const { nodes, clock, said, state } = followed();
  nodes.leave("b");
  assertEquals(await nodes.look(), null);
  state.listed = ["a"];
  assertEquals(namesOf(await nodes.look()), ["a", "c"]);
  assertEquals(said, [
    "dns:mesh: c has vanished without a word: missing, for 1h at most",
    "dns:mesh: gone: b",
  ]);
  clock.stall(KEPT_MS - 1);
  assertEquals(await nodes.look(), null);
  clock.stall(1);
  assertEquals(namesOf(await nodes.look()), ["a"]);
});

Deno.test("the word may come after the entry is gone, and is void for a node that came back", async () => {
  const { nodes, state } = followed();
  state.listed = ["a", "b"];
  assertEquals(await nodes.look(), null);
  nodes.leave("c");
  assertEquals(namesOf(await nodes.look()), ["a", "b"]);
  nodes.leave("b");
  state.back = ["b"];
  state.listed = ["a"];
  assertEquals(namesOf(nodes.entries), ["a", "b"]);
  await nodes.look();
  assertEquals(namesOf(nodes.entries), ["a", "b"]);
});

Deno.test("this node is one of them, listed or not, and a name that fails changes nothing", async () => {
  const { nodes, said, state } = followed();
  state.listed = new Error("no such name");
  await assertRejects(() => nodes.look(), Error, "no such name");
  assertEquals(await nodes.look(), null);
  state.listed = ["b", "c"];
  assertEquals(await nodes.look(), null);
  assertEquals(namesOf(nodes.entries), ["a", "b", "c"]);
  assertEquals(said, ["dns:mesh: answered again"]);
});
