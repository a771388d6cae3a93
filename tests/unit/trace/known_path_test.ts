/** What counts as another path, and what does not. */
import { assertEquals, assertNotEquals } from "@std/assert";
import type { RoundProbe } from "../../../src/domain/path.ts";
import { NONE } from "../../../src/domain/probe_record.ts";
import { KnownPath, type RoundSeen } from "../../../src/trace/known_path.ts";
import { RoundLog } from "../../../src/trace/round_log.ts";

/** Who answered at hops 1, 2, …: `-` is silence, `T` the target, `!X` a refusal by X. */
function round(text: string, flow = 0): RoundSeen {
  const probes = text.split(" ").map((who, i): RoundProbe => ({
    hops: i + 1,
    flow,
    address: who === "-" ? null : who.replace("!", ""),
    kind: who === "-" ? null : who === "T" ? "end" : who.startsWith("!") ? "unreachable" : "router",
    rttUs: NONE,
    jitterUs: NONE,
  }));
  const end = probes.find(({ kind }) => kind === "end")?.hops;
  return { probes, ends: new Map(end === undefined ? [] : [[flow, end]]) };
}

/** The hops of the changes that these rounds show, null for none. */
function changes(rounds: readonly string[], isFixed = true): (number | null)[] {
  const path = new KnownPath(isFixed);
  return rounds.map((text) => path.add(round(text))?.hops ?? null);
}

Deno.test("another router at a hop is a change, and so is the way back", () => {
  assertEquals(changes(["a b c T", "a b c T", "a x y T", "a x y T", "a b c T"]), [
    null,
    null,
    2,
    null,
    2,
  ]);
});

Deno.test("silence, a hop heard for the first time and a refusal are no change", () => {
  assertEquals(changes(["a - c T", "a b - T", "- - - -", "a !b", "a b c T"]), Array(5).fill(null));
});

Deno.test("a path that grows or shrinks has changed, also where the new hop is silent", () => {
  assertEquals(changes(["a b T", "a b - T", "a b - T", "a b T"]), [null, 3, null, 3]);
  const path = new KnownPath(true);
  path.add(round("a b T"));
  assertEquals(path.add(round("a b c T")), { hops: 3, before: ["T"], now: ["c"] });
});

Deno.test("behind a change only what was heard since is known", () => {
  assertEquals(changes(["a b c T", "a x - T", "a x z T", "a x z T"]), [null, 2, null, null]);
});

Deno.test("where each probe is a flow of its own, the equal paths of a hop are one path", () => {
  assertEquals(changes(["a b T", "a c T", "a b T", "a c T"], false), [null, 2, 2, 2]);
  const path = new KnownPath(false);
  const both = { ...round("a b T") };
  const other = round("a c T").probes[1];
  path.add({ ...both, probes: [...both.probes, other] });
  for (const text of ["a b T", "a c T", "a b T"]) assertEquals(path.add(round(text)), null);
  assertEquals(path.changes, 0);
});

Deno.test("a round counts one change, the nearest, however many hops and flows differ", () => {
  const path = new KnownPath(true);
  const several = (...texts: string[]): RoundSeen => {
    const rounds = texts.map((text, flow) => round(text, flow));
    return {
      probes: rounds.flatMap(({ probes }) => probes),
      ends: new Map(rounds.flatMap(({ ends }) => [...ends])),
    };
  };
  path.add(several("a b c T", "a d e T"));
  assertEquals(path.add(several("a b x T", "a y e T"))?.hops, 2);
  assertEquals(path.changes, 1);
});

Deno.test("the hash is the path's: the same for the same routers, another for others", () => {
  const hashOf = (...rounds: string[]) => {
    const path = new KnownPath(true);
    for (const text of rounds) path.add(round(text));
    return path.hash();
  };
  assertEquals(hashOf("a - c T", "- b - T"), hashOf("a b c T"));
  assertEquals(hashOf("a b c T", "a x y T", "a b c T"), hashOf("a b c T"));
  const others = ["a b c T", "a b x T", "a b T", "a b c d T", "a b c", "a - c T"];
  assertEquals(new Set(others.map((text) => hashOf(text))).size, others.length);
  assertNotEquals(hashOf("a b T"), "");
});

Deno.test("rounds are handed out whole and in their order, whichever is over first", () => {
  const told: number[] = [];
  const log = new RoundLog(({ startMs }) => told.push(startMs));
  for (const number of [1, 2, 3]) log.begin(number, number * 10);
  log.over(2);
  assertEquals(told, []);
  log.over(1);
  assertEquals(told, [10, 20]);
  log.over(3);
  assertEquals(told, [10, 20, 30]);
});
