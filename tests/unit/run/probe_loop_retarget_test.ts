import { assert, assertEquals } from "@std/assert";
import { byName, literals, LoopBench, LOST } from "./loop_bench.ts";

const [A, B, C] = literals("a", "b", "c");

Deno.test("a reload keeps what stays, adds what is new and stops what is gone", async () => {
  const bench = new LoopBench();
  await bench.start(A, B);
  await bench.clock.advance(1900);
  const left = await bench.loop.retarget([{ ...A }, C]);
  assertEquals(left.map((entry) => entry.target.name), ["b"]);
  assertEquals(bench.loop.entries.map((entry) => entry.target.name), ["a", "c"]);
  await bench.clock.advance(1900);
  assertEquals(bench.prober.timesOf("a"), [0, 1000, 2000, 3000]);
  assertEquals(bench.prober.timesOf("b"), [500, 1500]);
  assertEquals(bench.prober.timesOf("c"), [1900, 2900]);
  bench.loop.stop();
});

Deno.test("statistics, seq and warmth of a target that stays go on", async () => {
  const bench = new LoopBench();
  await bench.start(A);
  await bench.clock.advance(1500);
  await bench.loop.retarget([A, B]);
  await bench.clock.advance(2000);
  assertEquals(bench.summaryOf("a").sent, 4);
  const own = bench.prober.sent.filter((sent) => sent.target === "a");
  assertEquals(own.map(({ seq, cold }) => [seq, cold]), [
    [1, true],
    [2, false],
    [3, false],
    [4, false],
  ]);
  bench.loop.stop();
});

Deno.test("the starts of new targets are spread over the interval", async () => {
  const bench = new LoopBench();
  await bench.start(A);
  await bench.clock.advance(100);
  await bench.loop.retarget([A, B, C]);
  await bench.clock.advance(850);
  assertEquals([bench.prober.timesOf("b"), bench.prober.timesOf("c")], [[100], [600]]);
  bench.loop.stop();
});

Deno.test("what is in flight to a target that left still counts", async () => {
  const bench = new LoopBench({}, () => LOST);
  await bench.start(A, B);
  await bench.clock.advance(100);
  const [left] = await bench.loop.retarget([B]);
  await bench.clock.advance(2000);
  assertEquals([left.stats.sent, bench.prober.timesOf("a").length], [1, 1]);
  bench.loop.stop();
});

Deno.test("a target that left in the middle of its burst gets no more probes", async () => {
  const bench = new LoopBench({ burst: 10 }, () => ({ afterMs: 50 }));
  await bench.start(A, B);
  await bench.clock.advance(120);
  await bench.loop.retarget([B]);
  await bench.clock.advance(300);
  assertEquals(bench.prober.timesOf("a"), [0, 50, 100]);
  bench.loop.stop();
});

/** A loop that probes A, where looking up a name takes a while. */
async function slowlyResolving(name: string, delayMs: number): Promise<LoopBench> {
  const bench = new LoopBench();
  bench.resolver.answer(`${name}.example`, ["198.51.100.1"]);
  await bench.start(A);
  bench.resolver.delayMs = delayMs;
  return bench;
}

Deno.test("a slow look-up of new names holds no running target up", async () => {
  const bench = await slowlyResolving("new", 2500);
  const reloaded = bench.loop.retarget([A, byName("new")]);
  await bench.clock.advance(3200);
  await reloaded;
  assertEquals(bench.prober.timesOf("a"), [0, 1000, 2000, 3000]);
  assertEquals(bench.prober.timesOf("new"), [3000]);
  bench.loop.stop();
});

Deno.test("two reloads in quick succession leave each target with one schedule", async () => {
  const bench = await slowlyResolving("new", 100);
  const both = [1, 2].map(() => bench.loop.retarget([A, byName("new")]));
  await bench.clock.advance(950);
  await Promise.all(both);
  assertEquals(bench.loop.entries.map((entry) => entry.target.name), ["a", "new"]);
  assertEquals(bench.prober.timesOf("new").length, 1);
  bench.loop.stop();
});

Deno.test("the last of several reloads is the one that holds", async () => {
  const bench = await slowlyResolving("slow", 300);
  const reloads = [bench.loop.retarget([byName("slow")]), bench.loop.retarget([B])];
  await bench.clock.advance(2000);
  await Promise.all(reloads);
  assertEquals(bench.loop.entries.map((entry) => entry.target.name), ["b"]);
  assertEquals(bench.prober.timesOf("a").filter((ms) => ms > 600), []);
  bench.loop.stop();
});

Deno.test("a run ends when a reload takes the last target that had probes left", async () => {
  const bench = new LoopBench({ count: 1 });
  await bench.start(A, B);
  await bench.clock.advance(100);
  await bench.loop.retarget([A]);
  await bench.clock.advance(5000);
  assert(bench.finished);
  assertEquals(bench.prober.sent.length, 1);
});

Deno.test("a reload after the end changes nothing", async () => {
  const bench = new LoopBench({ count: 1 });
  await bench.start(A);
  await bench.clock.advance(100);
  assertEquals(await bench.loop.retarget([B]), []);
  await bench.clock.advance(5000);
  assertEquals(bench.loop.entries.map((entry) => entry.target.name), ["a"]);
  assertEquals(bench.prober.timesOf("b"), []);
});
