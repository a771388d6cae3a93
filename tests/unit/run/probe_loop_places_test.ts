/** How the places of probes in flight are shared out. */
import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import type { Fate } from "../fake_network.ts";
import { literals, LoopBench } from "./loop_bench.ts";

const multiples = (count: number, ms: number) => Array.from({ length: count }, (_, i) => i * ms);

/** A loop that probes one target. */
async function probing(...parts: ConstructorParameters<typeof LoopBench>): Promise<LoopBench> {
  const bench = new LoopBench(...parts);
  await bench.start(...literals("db"));
  return bench;
}

Deno.test("slots of a target that waits for a place are counted while it waits", async () => {
  const bench = new LoopBench({ maxInFlight: 1 }, () => ({ afterMs: 60_000, outcome: "timeout" }));
  await bench.start(...literals("silent", "waiting"));
  await bench.clock.advance(10_000);
  // Counted at 9500; a slot is late by more than an interval before it counts.
  assertEquals([bench.prober.timesOf("waiting"), bench.summaryOf("waiting").skipped], [[], 8]);
  await bench.clock.advance(900);
  bench.loop.stop();
  assertEquals([bench.summaryOf("waiting").skipped, bench.skipped.get("waiting")], [10, 10]);
  assertEquals(bench.summaryOf("silent").skipped, 9);
});

Deno.test("a loop that waits for its reader alone has no timer, so that it holds no program up", async () => {
  const bench = new LoopBench({ maxInFlight: 2, holdsPlaces: true });
  await bench.start(...literals("db", "other"));
  await bench.clock.advance(5000);
  assertEquals([bench.records.length, bench.clock.waiting], [2, 0]);
  bench.loop.release(2);
  await bench.clock.advance(1000);
  assertEquals(bench.records.length, 4);
  bench.loop.stop();
  assert(bench.summaryOf("db").skipped >= 3);
});

Deno.test("the missed slots of a target that leaves are counted first", async () => {
  const [silent, waiting] = literals("silent", "waiting");
  const never = { afterMs: 60_000, outcome: "timeout" } as const;
  const bench = new LoopBench({ maxInFlight: 1, intervalMs: 10 }, () => never);
  await bench.start(silent, waiting);
  await bench.clock.advance(1990);
  bench.loop.retarget([silent]);
  const skipped = bench.skipped.get(waiting.name) ?? 0;
  assert(skipped >= 196 && skipped <= 199, `${skipped}`);
});

Deno.test("a target that never answers delays no other", async () => {
  const bench = new LoopBench(
    { intervalMs: 100 },
    ({ target }) => target === "slow" ? { afterMs: 60_000, outcome: "timeout" } : { afterMs: 1 },
  );
  await bench.start(...literals("slow", "quick"));
  await bench.clock.advance(5000);
  assertEquals(bench.prober.timesOf("quick"), multiples(50, 100).map((ms) => ms + 50));
  assertEquals(bench.prober.timesOf("slow"), multiples(51, 100));
  assert(bench.records.every((of) => of.target.name === "quick" && of.lagUs === 0));
  bench.loop.stop();
});

Deno.test("beyond the bound on probes in flight the next one waits, which shows as lag", async () => {
  const bench = await probing({ intervalMs: 100, maxInFlight: 2 }, () => ({ afterMs: 250 }));
  await bench.clock.advance(760);
  assertEquals(bench.prober.timesOf("db"), [0, 100, 250, 350, 500, 600, 750]);
  await bench.clock.advance(1000);
  assertEquals(bench.records.slice(0, 4).map((of) => of.lagUs), [0, 0, 50_000, 50_000]);
  bench.loop.stop();
});

Deno.test("never are more probes in flight than the bound allows", async () => {
  let inFlight = 0;
  let most = 0;
  const bench = new LoopBench({ intervalMs: 10, maxInFlight: 3, burst: 2 }, () => {
    most = Math.max(most, ++inFlight);
    bench.clock.wakeAt(bench.clock.now() + 45, () => inFlight--);
    return { afterMs: 45 };
  });
  await bench.start(...literals("a", "b", "c", "d", "e"));
  await bench.clock.advance(2000);
  assertEquals(most, 3);
  const counts = "abcde".split("").map((name) => bench.prober.timesOf(name).length);
  assertLess(Math.max(...counts) - Math.min(...counts), 10);
  bench.loop.stop();
});

Deno.test("targets that never answer leave half of the places in flight to the others", async () => {
  const silent = Array.from({ length: 40 }, (_, i) => `silent-${i}`);
  const bench = new LoopBench(
    { intervalMs: 100, maxInFlight: 20, durationMs: 60_000 },
    ({ target }) =>
      target.startsWith("silent") ? { afterMs: 1000, outcome: "timeout" } : { afterMs: 5 },
  );
  await bench.start(...literals(...silent, "quick-a", "quick-b"));
  await bench.clock.advance(20_000);
  const before = bench.prober.timesOf("quick-a").length;
  await bench.clock.advance(30_000);
  assertEquals(bench.prober.timesOf("quick-a").length - before, 300);
  const late = bench.records.filter(({ target, lagUs }) => target.name === "quick-b" && lagUs > 0);
  assert(late.every(({ seq }) => seq < 100));
  // Their share is used in full and evenly: ten places, each held for a second.
  const sent = silent.map((name) => bench.prober.timesOf(name).length);
  assert(Math.max(...sent) - Math.min(...sent) <= 2, String(sent));
  assert(sent.reduce((sum, each) => sum + each) >= 490, String(sent));
  await bench.clock.advance(60_000);
  assert(bench.finished);
  // What waited and what was given up adds up to every slot.
  for (const name of [...silent, "quick-a", "quick-b"]) {
    const { sent, skipped } = bench.summaryOf(name);
    assertEquals(sent + skipped, 600, name);
  }
});

Deno.test("a reload that brings silent targets costs one that answers nothing, and a new one waits for none", async () => {
  const bench = new LoopBench(
    { intervalMs: 1000, maxInFlight: 8 },
    ({ target }) =>
      target.startsWith("silent") ? { afterMs: 5000, outcome: "timeout" } : { afterMs: 5 },
  );
  const [quick, late, ...silent] = literals(
    "quick",
    "late",
    ...Array.from({ length: 40 }, (_, i) => `silent-${i}`),
  );
  await bench.start(quick);
  await bench.clock.advance(3500);
  bench.loop.retarget([quick, ...silent]);
  await bench.clock.advance(60_000);
  bench.loop.retarget([quick, ...silent, late]);
  // A place is free within the timeout of a silent one's probe.
  await bench.clock.advance(6000);
  assert(bench.prober.timesOf("late").length > 0);
  await bench.clock.advance(4000);
  assertEquals(bench.prober.timesOf("quick"), multiples(74, 1000));
  assert(bench.records.every(({ target, lagUs }) => target !== quick || lagUs === 0));
  bench.loop.stop();
});

/** Probes once a second with 10 places, 60 targets silent for 5 s each; what the quick ones' 60th meets. */
const ONE_BAD_PROBE: readonly [quick: number, bad: Fate, most: number][] = [
  [1, { afterMs: 5000, outcome: "timeout" }, 6],
  [6, { afterMs: 5000, outcome: "timeout" }, 6],
  [6, { afterMs: 1200 }, 1],
];

/** Slots skipped of the first target that answers, the fate of whose 60th probe is `bad`. */
async function skippedBeside(quick: number, bad: Fate): Promise<number> {
  const bench = new LoopBench({ intervalMs: 1000, maxInFlight: 10 }, ({ target, seq }) => {
    if (target.startsWith("silent")) return { afterMs: 5000, outcome: "timeout" };
    return target === "quick-0" && seq === 60 ? bad : { afterMs: 5 };
  });
  const names = (kind: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${kind}-${i}`);
  await bench.start(...literals(...names("silent", 60), ...names("quick", quick)));
  await bench.clock.advance(200_000);
  const { skipped } = bench.summaryOf("quick-0");
  bench.loop.stop();
  return skipped;
}

for (const [quick, bad, most] of ONE_BAD_PROBE) {
  Deno.test(`of ${quick} that answer beside silent ones, one bad probe of ${bad.afterMs} ms costs at most ${most} slots`, async () => {
    const without = await skippedBeside(quick, { afterMs: 5 });
    assertLessOrEqual(await skippedBeside(quick, bad) - without, most);
  });
}

Deno.test("a probe that could not be sent makes no target a silent one", async () => {
  let calls = 0;
  const bench = new LoopBench({ intervalMs: 1000, maxInFlight: 2 }, ({ target }) => {
    if (target === "silent-a" || target === "silent-b") return { afterMs: 900, outcome: "timeout" };
    return ++calls === 3 ? { afterMs: 0, outcome: "error" } : { afterMs: 5 };
  });
  await bench.start(...literals("quick", "silent-a", "silent-b"));
  await bench.clock.advance(20_500);
  const { sent, skipped, notSent } = bench.summaryOf("quick");
  assertEquals([sent, skipped, notSent], [20, 0, 1]);
  bench.loop.stop();
});

Deno.test("a lone target may have all places in flight, however slow it is", async () => {
  const bench = new LoopBench({ intervalMs: 10, maxInFlight: 8 }, () => ({ afterMs: 75 }));
  await bench.start(...literals("far"));
  await bench.clock.advance(1000);
  assertEquals(bench.prober.timesOf("far").length, 101);
  assertEquals(bench.summaryOf("far").skipped, 0);
  bench.loop.stop();
});
