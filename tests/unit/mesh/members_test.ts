import { assertEquals } from "@std/assert";
import { Members } from "../../../src/mesh/members.ts";
import { servicePort } from "../../../src/input/services.ts";
import { type NodeEntry, parseNodes } from "../../../src/input/nodes_file.ts";

// Read once, by a library that stays open: before the tests, which look for what they leave open.
servicePort("ssh");

const MESH = "a=10.0.0.1 az=x\nb=10.0.0.2 az=x\nc=10.0.0.3 az=y\n";

interface Seen {
  readonly said: string[];
  /** The peers of each use, sorted. */
  readonly used: string[][];
  readonly zones: string[];
  text: string;
}

function members(quiet = false): { members: Members; seen: Seen } {
  const seen: Seen = { said: [], used: [], zones: [], text: MESH };
  const load = (): NodeEntry[] => parseNodes(seen.text, "mesh");
  const found = new Members({ me: load()[0], list: "mesh", fanout: null, quiet }, {
    // As from a file: what is wrong with it rejects.
    load: async () => await Promise.resolve().then(load),
    use(me, peers): Promise<void> {
      seen.zones.push(me.az);
      seen.used.push(peers.map(({ name }) => name).sort());
      return Promise.resolve();
    },
    say: (text) => seen.said.push(text),
  });
  return { members: found, seen };
}

Deno.test("a mesh begins with the others as peers", () => {
  const { members: all, seen } = members();
  assertEquals(all.begin(parseNodes(MESH, "mesh")), "3 nodes, probing 2");
  assertEquals(all.begin(parseNodes("a=10.0.0.1\n", "mesh")), "1 node, probing 0");
  assertEquals(seen.used, [["b", "c"], []]);
});

Deno.test("a file read again is used, and said", async () => {
  const { members: all, seen } = members();
  seen.text = "a=10.0.0.1 az=z\nc=10.0.0.3 az=y\nd=10.0.0.4\ne=10.0.0.5\n";
  await all.reload();
  assertEquals(seen.used, [["c", "d", "e"]]);
  assertEquals(seen.zones, ["z"]);
  assertEquals(seen.said, ["mesh read again: 4 nodes, probing 3"]);
});

const REFUSED: readonly [text: string, message: string][] = [
  ["a=10.0.0.1\nb=10.0.0.2:x\n", "mesh:2: "],
  ["a=10.0.0.1\na=10.0.0.2\n", 'mesh:2: node "a" is there twice'],
  ["b=10.0.0.2\n", "mesh: this node, a, is not in it"],
  ["a=10.0.0.1:7\n", "mesh: other ports for this node, a, want a restart"],
  ["a=10.0.0.1 http=7\n", "mesh: other ports for this node, a, want a restart"],
];

Deno.test("a file that cannot be used is told in one line, and changes nothing", async () => {
  for (const [text, message] of REFUSED) {
    const { members: all, seen } = members(true);
    seen.text = text;
    await all.reload();
    assertEquals(seen.used, []);
    assertEquals(seen.said.length, 1);
    const [said] = seen.said;
    assertEquals([said.startsWith(message), said.includes("\n")], [true, false], said);
    assertEquals(said.endsWith("; going on with the nodes there were"), true, said);
  }
});
