import { assert, assertEquals } from "@std/assert";
import type { Sent } from "../fake_network.ts";
import { target } from "../fixtures.ts";
import { byName, literals, LoopBench, LOST } from "./loop_bench.ts";

const [A, B, C] = ["198.51.100.1", "198.51.100.2", "198.51.100.3"];

/** Only the addresses given do not answer. */
const dead = (...addresses: readonly string[]) => ({ address }: Sent) =>
  addresses.includes(address) ? LOST : { afterMs: 1 };

Deno.test("names are resolved before the first probe, literals never", async () => {
  const bench = new LoopBench({ count: 2 });
  bench.resolver.answer("db.example", [A, B]);
  await bench.start(byName("db"), ...literals("lit"));
  assertEquals(bench.resolver.asked, ["db.example"]);
  await bench.clock.advance(5000);
  const addresses = bench.prober.sent.map(({ target: name, address }) => [name, address]);
  assertEquals(addresses, [["db", A], ["lit", "192.0.2.1"], ["db", A], ["lit", "192.0.2.1"]]);
  assertEquals(bench.notices, []);
});

Deno.test("a name that is looked up for long holds up no literal and no other name", async () => {
  const bench = new LoopBench({ count: 2 });
  bench.resolver.delayMs = 2500;
  bench.resolver.answer("slow.example", [A]);
  bench.loop.prepare([byName("slow"), ...literals("lit")]);
  assertEquals(await bench.loop.reachable(), true);
  bench.loop.run();
  await bench.clock.advance(6000);
  assertEquals(bench.prober.timesOf("lit"), [500, 1500]);
  assertEquals(bench.prober.timesOf("slow"), [3000, 4000]);
  assertEquals(bench.records.filter(({ outcome }) => outcome === "unresolved"), []);
});

Deno.test("a run ends by its time though a name is still looked up", async () => {
  const bench = new LoopBench({ durationMs: 2000 });
  bench.resolver.delayMs = 60_000;
  bench.resolver.answer("slow.example", [A]);
  bench.loop.prepare([byName("slow")]);
  let ended = false;
  bench.loop.run().then(() => ended = true);
  await bench.clock.advance(2000);
  assert(ended);
});

Deno.test("a name without an address is asked for again after pauses, and probed when it has one", async () => {
  const bench = new LoopBench();
  await bench.start(byName("late"));
  await bench.clock.advance(4000);
  // At 0, and then each 1.5 s.
  assertEquals(bench.resolver.asked.length, 3);
  bench.resolver.answer("late.example", [A]);
  await bench.clock.advance(1500);
  assertEquals(bench.prober.timesOf("late"), [5000]);
  bench.loop.stop();
});

Deno.test("a single address that refuses is not looked up again, one that is silent is", async () => {
  for (const [outcome, asked] of [["refused", 1], ["timeout", 3]] as const) {
    const bench = new LoopBench({ resolveAfter: 2 }, () => ({ afterMs: 1, outcome }));
    bench.resolver.answer("db.example", [A]);
    await bench.start(byName("db"));
    await bench.clock.advance(4500);
    assertEquals(bench.resolver.asked.length, asked, outcome);
    bench.loop.stop();
  }
});

Deno.test("after failures in a row the name is resolved again, the next address taken, its first probe cold", async () => {
  const bench = new LoopBench({ resolveAfter: 3 }, dead(A));
  bench.resolver.answer("db.example", [A, B]);
  await bench.start(byName("db"));
  await bench.clock.advance(4500);
  assertEquals(bench.prober.sent.map((sent) => sent.address), [A, A, A, B, B]);
  assertEquals(bench.resolver.asked.length, 2);
  assertEquals(bench.notices, [`db: ${A} failed 3 times in a row, now probing ${B}`]);
  assertEquals(bench.prober.sent.map((sent) => sent.cold), [true, false, false, true, false]);
  bench.loop.stop();
});

Deno.test("an answer in between starts the count of failures anew", async () => {
  const bench = new LoopBench(
    { resolveAfter: 2, count: 8 },
    ({ seq }) => seq % 2 === 0 ? { afterMs: 1 } : LOST,
  );
  bench.resolver.answer("db.example", [A, B]);
  await bench.start(byName("db"));
  await bench.clock.advance(10_000);
  assert(bench.prober.sent.every((sent) => sent.address === A));
});

Deno.test("after the last address comes the first", async () => {
  const bench = new LoopBench({ resolveAfter: 1, count: 5 }, dead(A, B, C));
  bench.resolver.answer("db.example", [A, B, C]);
  await bench.start(byName("db"));
  await bench.clock.advance(10_000);
  assertEquals(bench.prober.sent.map((sent) => sent.address), [A, B, C, A, B]);
});

Deno.test("a fresh list of addresses is the one that counts", async () => {
  const bench = new LoopBench({ resolveAfter: 1, count: 2 }, dead(A));
  bench.resolver.answer("db.example", [A, B]);
  await bench.start(byName("db"));
  bench.resolver.answer("db.example", [C]);
  await bench.clock.advance(5000);
  assertEquals(bench.prober.sent.map((sent) => sent.address), [A, C]);
});

Deno.test("a single address that fails stays, without a notice or a cold probe", async () => {
  const bench = new LoopBench({ resolveAfter: 1, count: 3 }, dead(A));
  bench.resolver.answer("db.example", [A]);
  await bench.start(byName("db"));
  await bench.clock.advance(5000);
  assertEquals(bench.prober.sent.map((sent) => sent.cold), [true, false, false]);
  assertEquals(bench.notices, []);
});

Deno.test("a slow resolver holds no probe up", async () => {
  const bench = new LoopBench({ resolveAfter: 1 }, dead(A));
  bench.resolver.answer("db.example", [A, B]);
  await bench.start(byName("db"), ...literals("lit"));
  bench.resolver.delayMs = 2500;
  await bench.clock.advance(4200);
  assertEquals(bench.prober.timesOf("lit"), [500, 1500, 2500, 3500]);
  assertEquals(bench.prober.timesOf("db"), [0, 1000, 2000, 3000, 4000]);
  assertEquals(bench.resolver.asked.length, 2, "one question at a time");
  bench.loop.stop();
});

Deno.test("failures of the address left behind do not count against the next one", async () => {
  const options = { intervalMs: 100, resolveAfter: 5 };
  const bench = new LoopBench(options, () => ({ afterMs: 1000, outcome: "timeout" }));
  bench.resolver.answer("db.example", [A, B, C]);
  await bench.start(byName("db"));
  // Ten probes to A are still under way when B is taken at 1400 ms.
  await bench.clock.advance(2450);
  assertEquals(bench.notices, [`db: ${A} failed 5 times in a row, now probing ${B}`]);
  bench.loop.stop();
});

Deno.test("when the resolver fails, the next known address is taken and said", async () => {
  const bench = new LoopBench({ resolveAfter: 2 }, dead(A));
  bench.resolver.answer("db.example", [A, B]);
  await bench.start(byName("db"));
  bench.resolver.answer("db.example", "resolver failed");
  await bench.clock.advance(3500);
  assertEquals(bench.prober.sent.map((sent) => sent.address), [A, A, B, B]);
  assert(bench.notices.includes("db: cannot resolve db.example: resolver failed"));
  assert(bench.notices.some((text) => text.endsWith(`now probing ${B}`)), bench.notices.join());
  bench.loop.stop();
});

Deno.test("a name that does not resolve is reported probe by probe, not as sent or lost", async () => {
  const bench = new LoopBench({ count: 3 });
  await bench.start(byName("gone"));
  await bench.clock.advance(5000);
  assert(bench.finished);
  assertEquals(bench.prober.sent, []);
  const { sent, lost, notSent, address } = bench.summaryOf("gone");
  assertEquals([sent, lost, notSent, address], [0, 0, 3, ""]);
  const reason = "cannot resolve gone.example: name not known";
  assertEquals(bench.records.map((of) => [of.outcome, of.address, of.error]), [
    ["unresolved", "", reason],
    ["unresolved", "", reason],
    ["unresolved", "", reason],
  ]);
  assertEquals(bench.notices, [`gone: ${reason}`]);
});

Deno.test("a name that resolves later is probed from then on, its first handshake cold", async () => {
  const bench = new LoopBench({ resolveAfter: 2 });
  await bench.start(byName("late"));
  bench.resolver.answer("late.example", [A]);
  await bench.clock.advance(3500);
  assertEquals(bench.records.map((of) => of.outcome).slice(0, 2), ["unresolved", "unresolved"]);
  assertEquals(bench.prober.sent.map(({ seq, cold }) => [seq, cold]), [[3, true], [4, false]]);
  bench.loop.stop();
});

Deno.test("names are resolved again as often as asked, and a move is said", async () => {
  const bench = new LoopBench({ resolveEveryMs: 1500 });
  bench.resolver.answer("db.example", [A, B]);
  await bench.start(byName("db"));
  await bench.clock.advance(1600);
  bench.resolver.answer("db.example", [C]);
  await bench.clock.advance(2900);
  assertEquals(bench.prober.sent.map((sent) => sent.address), [A, A, A, C, C]);
  assertEquals(bench.notices, [`db: resolved again, now probing ${C}`]);
  assertEquals(bench.resolver.asked.length, 4);
  bench.loop.stop();
});

Deno.test("an address still listed after a look-up is kept, wherever it now stands", async () => {
  const bench = new LoopBench({ resolveEveryMs: 1500 });
  bench.resolver.answer("db.example", [A, B]);
  await bench.start(byName("db"));
  bench.resolver.answer("db.example", [C, B, A]);
  await bench.clock.advance(3500);
  assert(bench.prober.sent.every((sent) => sent.address === A));
  assertEquals(bench.notices, []);
  bench.loop.stop();
});

Deno.test("a literal of the other family is not probed", async () => {
  const bench = new LoopBench({ count: 1, family: 6 });
  await bench.start(...literals("v4"), target("v6", { host: "2001:db8::1" }));
  await bench.clock.advance(5000);
  assertEquals(bench.prober.sent.map((sent) => sent.target), ["v6"]);
  assertEquals(bench.notices, ["v4: cannot resolve 192.0.2.1: not an IPv6 address"]);
});

Deno.test("who asks for details is told why a name is looked up again", async () => {
  const bench = new LoopBench({ resolveAfter: 2 }, dead(A));
  bench.resolver.answer("db.example", [A]);
  await bench.start(byName("db"), ...literals("lit"));
  bench.resolver.answer("db.example", [A, B]);
  await bench.clock.advance(4500);
  bench.loop.stop();
  assertEquals(bench.details, [
    "db: 2 failures in a row, the last one timeout; looking db.example up again",
  ]);
});
