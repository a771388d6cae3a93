import { assertEquals } from "@std/assert";
import type { Label, Target } from "../../../src/domain/target.ts";
import { groupsOf, MAX_GROUPING_KEYS, MAX_GROUPS_PER_KEY } from "../../../src/stats/groups.ts";
import { target } from "../fixtures.ts";

function of(name: string, labels: readonly Label[] = [], az = "default"): { target: Target } {
  return { target: target(name, { az, labels }) };
}

/** Groups as `key=value: names`, and the labels without groups. */
function shown(
  all: readonly { target: Target }[],
): [groups: string[], ungrouped: readonly string[]] {
  const { groups, ungrouped } = groupsOf(all);
  const lines = groups.map(({ label, members }) =>
    `${label.join("=")}: ${members.map((one) => one.target.name).join(" ")}`
  );
  return [lines, ungrouped];
}

Deno.test("each zone and each value of a label is a group, in the order of the alphabet", () => {
  const all = [
    of("a", [["rack", "r2"]], "z2"),
    of("b", [["rack", "r1"], ["role", "db"]], "z1"),
    of("c", [["role", "app"], ["rack", "r2"]], "z2"),
  ];
  assertEquals(shown(all), [
    ["az=z1: b", "az=z2: a c", "rack=r1: b", "rack=r2: a c", "role=app: c", "role=db: b"],
    [],
  ]);
});

Deno.test("what all targets have in common makes no group, what some have does", () => {
  const all = [of("a", [["env", "live"], ["rack", "r1"]]), of("b", [["env", "live"]])];
  assertEquals(shown(all), [["rack=r1: a"], []]);
  assertEquals(shown([of("a"), of("b")]), [[], []]);
});

Deno.test("a label with more values than the bound makes no groups, and is named", () => {
  const all = (count: number) =>
    Array.from({ length: count }, (_, i) => of(`n${i}`, [["id", `${i}`], ["half", `${i % 2}`]]));
  const [most, none] = shown(all(MAX_GROUPS_PER_KEY));
  assertEquals([most.length, none], [MAX_GROUPS_PER_KEY + 2, []]);
  const [groups, ungrouped] = shown(all(MAX_GROUPS_PER_KEY + 100));
  assertEquals([groups.map((line) => line.split(":")[0]), ungrouped], [["half=0", "half=1"], [
    "id",
  ]]);
});

Deno.test("labels beyond the bound on them make no groups, and are named", () => {
  const keys = Array.from({ length: MAX_GROUPING_KEYS + 2 }, (_, i) => `k${i}`);
  const all = ["x", "y"].map((value) => of(value, keys.map((key): Label => [key, value])));
  const [groups, ungrouped] = shown(all);
  assertEquals([groups.length, ungrouped], [2 * (MAX_GROUPING_KEYS - 1), keys.slice(-3)]);
});

Deno.test("as many targets as there can be of as many values are bounded too", () => {
  const all = Array.from({ length: 2000 }, (_, i) => of(`n${i}`, [[`k${i}`, "v"]], `z${i}`));
  const { groups } = groupsOf(all);
  assertEquals(groups.map(({ members }) => members.length), new Array(MAX_GROUPING_KEYS).fill(1));
});
