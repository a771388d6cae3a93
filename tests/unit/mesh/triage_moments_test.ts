/** What triage says while a fault begins, lasts and ends: each pair tells it at its own next burst. */
import { assert, assertEquals } from "@std/assert";
import { triage } from "../../../src/mesh/triage/triage.ts";
import { type Fault, moment } from "./simulation/moments.ts";
import { mesh, nodes, said } from "./meshes.ts";

const END_MS = 60_000;
/** All have made two bursts then, and know what became of them. */
const TOLD_MS = 25_500;
const SEEDS = [1, 2];

type Pairs = (from: string, to: string) => boolean;

const never = () => false;
const zone = (node: string) => node[0];
const inB: (node: string) => boolean = (node) => zone(node) === "b";
const inC: (node: string) => boolean = (node) => zone(node) === "c";
const isB2 = (node: string) => node === "b2";
const toB2: Pairs = (_, to) => isB2(to);
const ofB2: Pairs = (from, to) => isB2(from) || isB2(to);
const ofC: Pairs = (from, to) => inC(from) !== inC(to);
const ab: Pairs = (from, to) => [zone(from), zone(to)].sort().join("") === "ab";
const intoB: Pairs = (from, to) => zone(from) === "a" && inB(to);

function refused(
  pairs: Pairs,
  isHidden: (node: string) => boolean = never,
): Pick<Fault, "fate" | "isHidden"> {
  return { fate: (from, to) => pairs(from, to) ? "refused" : "established", isHidden };
}

function lost(
  pairs: Pairs,
  isHidden: (node: string) => boolean = never,
): Pick<Fault, "fate" | "isHidden"> {
  return { fate: (from, to) => pairs(from, to) ? "lost" : "established", isHidden };
}

/** What is named, and what may be said before all rows tell two bursts of it, and when it is over. */
const FAULTS: readonly (readonly [Fault, named: readonly string[], besides?: readonly string[]])[] =
  [
    [{ what: "a firewall rejects between two zones", ...refused(ab) }, ["refused both az=a az=b"], [
      "refused from az=a az=b",
      "refused from az=b az=a",
    ]],
    [{ what: "that, asked from one of them", ...refused(ab, inB) }, [
      "no-row from b1 b2 b3 b4",
      "refused from az=a az=b",
    ], ["refused both az=a az=b"]],
    [{ what: "one way only", ...refused(intoB) }, ["refused from az=a az=b"]],
    [{ what: "a process is killed", ...refused(toB2, isB2) }, ["refused to b2"], [
      "no-row from b2",
    ]],
    [{ what: "a listener is closed", ...refused(toB2) }, ["refused to b2"]],
    [{ what: "a firewall drops between two zones", ...lost(ab) }, ["partition both az=a az=b"], [
      "partition from az=a az=b",
      "partition from az=b az=a",
      "loss from az=a az=b",
      "loss from az=b az=a",
      "loss both az=a az=b",
    ]],
    [{ what: "that, asked from one of them", ...lost(ab, inB) }, [
      "no-row from b1 b2 b3 b4",
      "partition from az=a az=b",
    ], ["loss from az=a az=b", "loss both az=a az=b", "partition both az=a az=b"]],
    [{ what: "a node is cut off", ...lost(ofB2, isB2) }, ["dead-node both b2"], [
      "no-row from b2",
      "loss to b2",
      "loss both b2",
    ]],
    [{ what: "a zone is cut off", ...lost(ofC, inC) }, ["dead-node both az=c"], [
      "no-row from c1 c2 c3 c4",
      "loss both az=a az=c",
      "loss both az=b az=c",
      "loss from az=a az=c",
      "loss from az=b az=c",
      "partition both az=a az=c",
      "partition both az=b az=c",
      "partition from az=a az=c",
      "partition from az=c az=a",
    ]],
  ];

Deno.test("a fault that begins or ends is told as one thing, never by pairs or nodes that tell it first", () => {
  for (const [fault, named, besides = []] of FAULTS) {
    for (const seed of SEEDS) {
      const at = (atMs: number) => said(moment([4, 4, 4], fault, { atMs, endMs: END_MS, seed }));
      for (const ms of [1000, 10_500, 14_000, 16_500, 19_500, 23_000]) {
        for (const atMs of [ms, END_MS + ms]) {
          const others = at(atMs).filter((one) => !named.includes(one) && !besides.includes(one));
          assertEquals(others, [], `${fault.what}, ${atMs} ms, seed ${seed}`);
        }
      }
      assertEquals(at(TOLD_MS).sort(), named, `${fault.what}, seed ${seed}`);
      // What was lost is in the window still; nothing is beyond reach or refused any more.
      const over = at(END_MS + TOLD_MS).filter((one) => !one.startsWith("loss "));
      assertEquals(over, [], `${fault.what}, over, seed ${seed}`);
    }
  }
});

Deno.test("what is refused as a whole is critical, and a node that accepts another prober is not called down", () => {
  const of = (fault: Pick<Fault, "fate" | "isHidden">) =>
    triage(moment([4, 4, 4], { what: "", ...fault }, { atMs: TOLD_MS, endMs: END_MS, seed: 1 }))
      .filter(({ kind }) => kind === "refused");
  const [between] = of(refused(ab, inB));
  assertEquals(between.severity, "critical");
  assert(!between.text.includes("down"), between.text);
  const [killed] = of(refused(toB2, isB2));
  assertEquals(killed.severity, "critical");
  assert(killed.text.endsWith("its process is down"), killed.text);
  // Rows of old nodes, which tell only their window.
  const none = { refused: 300, rtt: null, cold: null, connect: null };
  const hidden = nodes(4, 4, 4).map(({ name }) => name).filter(inB);
  assertEquals(said(mesh(nodes(4, 4, 4), (from, to) => ab(from, to) ? none : {}, hidden)), [
    "refused from az=a az=b",
    `no-row from ${hidden.join(" ")}`,
  ]);
});

Deno.test("what is true of all nodes, of both ways, or of a mesh of two is one finding that claims no more", () => {
  const told = (sizes: readonly number[], fault: Pick<Fault, "fate" | "isHidden">) =>
    moment(sizes, { what: "", ...fault }, { atMs: TOLD_MS, endMs: END_MS, seed: 1 });
  const of = (...of: Parameters<typeof told>) => said(told(...of));
  const apart: Pairs = (from, to) => zone(from) !== zone(to);
  const all: Pairs = () => true;
  assertEquals(of([4, 4, 4], lost(apart)), ["partition both az=a az=b az=c"]);
  assertEquals(of([3, 3], lost(all)), ["dead-node both a1 a2 a3 b1 b2 b3"]);
  assertEquals(of([3, 3], refused(all)), ["refused to a1 a2 a3 b1 b2 b3"]);
  assertEquals(of([4, 4], refused(ofB2)), ["refused both b2"]);
  assertEquals(of([2], refused(all)), ["refused both az=a"]);
  for (const fault of [refused(all), lost(all)]) {
    const [one, ...besides] = triage(told([1, 1], fault));
    assertEquals([one.direction, besides], ["both", []]);
    assert(!one.text.includes("others"), one.text);
  }
  // A node that is cut off has only its own row.
  const [own] = triage(told([4, 4], lost((from) => from === "a1", (node) => node !== "a1")));
  assert(own.text.includes("no row tells"), own.text);
});

Deno.test("what lasts is told, though some pairs of its nodes are well, and what is over is told of none", () => {
  const lasting = { atMs: 300_000, endMs: Infinity, seed: 1 };
  const isHub = (node: string) => node === "a1";
  const besideHub: Pairs = (from, to) => !isHub(from) && !isHub(to);
  for (const sizes of [[12], [1, 1, 1, 1, 1, 1], [4, 4, 4]]) {
    const alarms = triage(moment(sizes, { what: "", ...lost(besideHub) }, lasting))
      .filter(({ severity }) => severity === "critical");
    assert(alarms.length > 0, `${sizes}`);
  }
  // All refused b2's were for a minute; one pair is refused still.
  const but = (from: string, to: string, afterMs: number) =>
    isB2(to) && (afterMs < END_MS || from === "a1") ? "refused" : "established";
  const one: Fault = { what: "", fate: but, isHidden: never };
  assertEquals(said(moment([4, 4], one, { ...lasting, atMs: 120_000 })), ["refused from a1 b2"]);
  // Zone a is refused by zone b, and by one of its nodes everybody is.
  const both: Pairs = (from, to) => isB2(to) || zone(from) === "a" && inB(to);
  assertEquals(said(moment([4, 4, 4], { what: "", ...refused(both) }, lasting)), [
    "refused to b2",
    "refused from az=a az=b",
  ]);
});

Deno.test("what is told of several together is as grave as the gravest, and a node that one reaches has no row", () => {
  const at = { atMs: 300_000, endMs: Infinity, seed: 1 };
  const isNow = (afterMs: number) => Math.floor(afterMs / 10_000) % 2 === 0;
  // a1 refuses each second burst all the time, the others all of late: fewer refusals, and graver.
  const mixed = (_: string, to: string, afterMs: number) =>
    zone(to) === "a" && (to === "a1" ? isNow(afterMs) : afterMs >= 270_000)
      ? "refused"
      : "established";
  const [together] = triage(moment([3, 6], { what: "", fate: mixed, isHidden: never }, at));
  assertEquals([together.nodes.length, together.severity], [3, "critical"]);
  const ways = (from: string, to: string, afterMs: number) =>
    isB2(to) || isB2(from) && isNow(afterMs) ? "refused" : "established";
  const [both] = triage(moment([4, 4], { what: "", fate: ways, isHidden: never }, at));
  assertEquals([both.direction, both.severity], ["both", "critical"]);
  const butOne: Pairs = (from, to) => isB2(to) && from !== "a1";
  assertEquals(said(moment([4, 4, 4], { what: "", ...refused(butOne, isB2) }, at)), [
    "refused to b2",
    "no-row from b2",
  ]);
});
