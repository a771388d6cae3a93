import type { MtuStep } from "../../../src/domain/path.ts";
import { assert, assertEquals, assertLess, assertLessOrEqual, assertRejects } from "@std/assert";
import {
  type Known,
  LOOKAHEAD,
  LOOKAHEAD_ONE_BY_ONE,
  MAX_UNDER_WAY,
  NOTHING_KNOWN,
  type ProbeFate,
  type RoundOptions,
  TraceRound,
} from "../../../src/trace/round.ts";
import type { Together } from "../../../src/trace/hop_prober.ts";
import { FakeClock } from "../fake_clock.ts";
import { property } from "../random.ts";
import { evenHops, type FakeHop, FakePath } from "./fake_path.ts";

const OPTIONS: RoundOptions = {
  firstHop: 1,
  maxHops: 30,
  queries: 3,
  flows: 1,
  timeoutMs: 5000,
  sizeBytes: 60,
  mtu: false,
};

interface Ran {
  readonly path: FakePath;
  readonly fates: ProbeFate[];
  readonly steps: MtuStep[];
  readonly round: TraceRound;
  readonly tookMs: number;
}

async function runRound(
  hops: readonly FakeHop[] | ((flow: number) => readonly FakeHop[]),
  options: Partial<RoundOptions> = {},
  together: Together = "any",
  known: Known = NOTHING_KNOWN,
): Promise<Ran> {
  const clock = new FakeClock();
  const path = new FakePath(clock, hops, together);
  const fates: ProbeFate[] = [];
  const steps: MtuStep[] = [];
  const round = new TraceRound({ ...OPTIONS, ...options }, known, {
    clock,
    prober: path,
    onFate: (fate) => fates.push(fate),
    onMtu: (step) => steps.push(step),
  });
  const startMs = clock.now();
  let tookMs = NaN;
  const over = round.run().then(() => tookMs = clock.now() - startMs);
  for (let i = 0; i < 10_000 && Number.isNaN(tookMs); i++) await clock.advance(10);
  await over;
  assertEquals(path.open.size, 0, "every probe is taken back");
  assertEquals(clock.waiting, 0, "no timer is left");
  return { path, fates, steps, round, tookMs };
}

/** Per hop, how many probes were answered by whom; `-` for lost. */
function answers(fates: readonly ProbeFate[], hops: number): string[] {
  return fates.filter((fate) => fate.hops === hops).map(({ answer }) => answer?.address ?? "-");
}

Deno.test("all hops are in flight together, and the round is over with the slowest answer", async () => {
  const { path, fates, tookMs } = await runRound(evenHops(12, 10));
  assertEquals(new Set(path.sent.slice(0, 36).map(({ atMs }) => atMs)).size, 1);
  for (let hops = 1; hops <= 12; hops++) {
    assertEquals(answers(fates, hops), new Array(3).fill(`h${hops}`));
  }
  assertLessOrEqual(tookMs, 130);
});

Deno.test("what was sent beyond the end is taken back and never reported", async () => {
  const { path, fates } = await runRound(evenHops(3, 10));
  assert(path.sent.some(({ hops }) => hops > 3));
  assertEquals(Math.max(...fates.map(({ hops }) => hops)), 3);
  assertEquals(fates.length, 9);
});

Deno.test("a silent hop between answering ones is waited for by what they took", async () => {
  const hops = evenHops(6, 10).map((hop, i) => i === 2 ? { ...hop, silent: true } : hop);
  const { fates, tookMs } = await runRound(hops);
  assertEquals(answers(fates, 3), ["-", "-", "-"]);
  // Three times the 60 ms of the end and 250 ms, not the five seconds of the timeout.
  assertLess(tookMs, 500);
});

Deno.test("a silent end is waited for no longer than the timeout, and twelve hops are tried", async () => {
  const hops = evenHops(4, 10).map((hop, i) => i === 3 ? { ...hop, silent: true } : hop);
  const { path, fates, tookMs } = await runRound(hops, { timeoutMs: 500 });
  assertEquals(Math.max(...path.sent.map((probe) => probe.hops)), 3 + LOOKAHEAD);
  assertEquals(answers(fates, 3), ["h3", "h3", "h3"]);
  assertEquals(answers(fates, 4), ["-", "-", "-"]);
  assertLess(tookMs, 600);
});

Deno.test("an answer counts that comes after its hop was given up, while the round goes on", async () => {
  const hops = evenHops(3, 10);
  // Hop 2 takes longer than three times the end's 30 ms and 250; hop 3 of the other flow is silent.
  const slow = [hops[0], { ...hops[1], rttMs: 400 }, hops[2]];
  const other = [hops[0], hops[1], { ...hops[2], silent: true }];
  const { fates } = await runRound((flow) => flow === 0 ? slow : other, {
    flows: 2,
    timeoutMs: 1000,
  });
  assertEquals(answers(fates, 2).filter((address) => address === "-"), []);
});

Deno.test("a refusal on the way ends the path there", async () => {
  const hops = evenHops(6, 10).map((hop, i) =>
    i === 2 ? { ...hop, refuses: "administratively prohibited" as const } : hop
  );
  const { fates } = await runRound(hops);
  assertEquals(Math.max(...fates.map((fate) => fate.hops)), 3);
  assertEquals(answers(fates, 3), ["h3", "h3", "h3"]);
});

Deno.test("where the end answers one at a time, no two probes are there at once", async () => {
  const { path, fates } = await runRound(evenHops(5, 20), {}, "not-at-the-end");
  const atEnd = path.sent.filter(({ hops }) => hops === 5).map(({ atMs }) => atMs);
  assertEquals(atEnd.length, 3);
  // What was sent beyond the end is answered, and its answer reset, before the end is asked again.
  const beyond = path.sent.filter(({ hops }) => hops > 5).map(({ atMs }) => atMs);
  assert(atEnd[1] - Math.max(...beyond) >= 150);
  for (let i = 1; i < atEnd.length; i++) assert(atEnd[i] - atEnd[i - 1] >= 100);
  assertEquals(answers(fates, 5), ["h5", "h5", "h5"]);
  assertEquals(answers(fates, 2), ["h2", "h2", "h2"]);
});

Deno.test("where a flow has one probe at a time, that is so, and a silent hop costs one wait", async () => {
  const hops = evenHops(5, 10).map((hop, i) => i === 1 ? { ...hop, silent: true } : hop);
  const { path, fates, tookMs } = await runRound(hops, { timeoutMs: 300 }, "one-a-flow");
  assertEquals(path.mostOpen, 1);
  assertEquals(answers(fates, 2), ["-"]);
  assertEquals(answers(fates, 5), ["h5", "h5", "h5"]);
  const order = path.sent.map((probe) => probe.hops);
  assertEquals(order.slice(0, 5), [1, 2, 3, 4, 5]);
  assertLess(tookMs, 900);
});

Deno.test("one by one, a silent end is not followed far", async () => {
  const hops = evenHops(2, 10).map((hop, i) => i === 1 ? { ...hop, silent: true } : hop);
  const { path } = await runRound(hops, { timeoutMs: 100 }, "one-a-flow");
  assertEquals(Math.max(...path.sent.map((probe) => probe.hops)), 1 + LOOKAHEAD_ONE_BY_ONE);
});

Deno.test("flows have paths of their own, of different lengths too", async () => {
  const short = evenHops(3, 10);
  const long = [...evenHops(4, 10), { address: "h3", rttMs: 50 }];
  const { fates } = await runRound((flow) => flow === 0 ? short : long, { flows: 2, queries: 1 });
  const of = (flow: number) => fates.filter((fate) => fate.flow === flow).length;
  assertEquals([of(0), of(1)], [3, 5]);
});

Deno.test("no more probes are waited for at once than the bound, and all are sent", async () => {
  const { path, fates } = await runRound(evenHops(12, 10), { flows: 16, queries: 10 });
  assertLessOrEqual(path.mostOpen, MAX_UNDER_WAY);
  assertEquals(fates.length, 12 * 16 * 10);
});

Deno.test("a hop known to be silent is asked again, and not waited for", async () => {
  const hops = evenHops(4, 10).map((hop, i) => i === 1 ? { ...hop, silent: true } : hop);
  const known = { silent: new Set([2]), length: 4 };
  const { path, fates, tookMs } = await runRound(hops, { queries: 1 }, "any", known);
  assertEquals(answers(fates, 2), ["-"]);
  assertEquals(path.sent.length, 4, "nothing beyond the known end");
  assertLess(tookMs, 60);
});

Deno.test("a path that has grown since the last round is followed to its new end", async () => {
  const known = { silent: new Set<number>(), length: 3 };
  const { fates } = await runRound(evenHops(6, 10), { queries: 1 }, "any", known);
  assertEquals(Math.max(...fates.map(({ hops }) => hops)), 6);
});

Deno.test("packets are made smaller until every link takes them, each router told of once", async () => {
  const hops = evenHops(5, 10).map((hop, i) =>
    i === 1 ? { ...hop, nextMtu: 1400 } : i === 3 ? { ...hop, nextMtu: 1300 } : hop
  );
  const { fates, steps, round } = await runRound(hops, { mtu: true, sizeBytes: 1500 });
  assertEquals(steps.map(({ address, mtuBytes }) => [address, mtuBytes]), [
    ["h2", 1400],
    ["h4", 1300],
  ]);
  assertEquals(round.sizeBytes, 1300);
  for (let at = 1; at <= 5; at++) assertEquals(answers(fates, at), new Array(3).fill(`h${at}`));
});

Deno.test("without --mtu, a packet that is too big ends the path at the narrow link", async () => {
  const hops = evenHops(4, 10).map((hop, i) => i === 1 ? { ...hop, nextMtu: 1400 } : hop);
  const { fates } = await runRound(hops, { sizeBytes: 1500 });
  const last = fates.filter(({ hops }) => hops === 3);
  assertEquals(last.map(({ answer }) => answer?.detail), new Array(3).fill("packet too big"));
  assertEquals(Math.max(...fates.map(({ hops }) => hops)), 3);
});

Deno.test("first and last hop bound what is asked", async () => {
  const { path } = await runRound(evenHops(9, 10), { firstHop: 3, maxHops: 5 });
  assertEquals([...new Set(path.sent.map(({ hops }) => hops))].toSorted(), [3, 4, 5]);
});

Deno.test("answers that wait to be read after a stall come before the deadline does", async () => {
  const clock = new FakeClock();
  const path = new FakePath(clock, evenHops(2, 40));
  const fates: ProbeFate[] = [];
  const round = new TraceRound(
    { ...OPTIONS, timeoutMs: 60, queries: 1, maxHops: 1 },
    NOTHING_KNOWN,
    {
      clock,
      prober: path,
      onFate: (fate) => fates.push(fate),
      onMtu: () => {},
    },
  );
  const over = round.run();
  clock.stall(300);
  await clock.advance(20);
  await over;
  assertEquals(answers(fates, 1), ["h1"]);
});

Deno.test("a probe that cannot be sent ends the round with the reason", async () => {
  const clock = new FakeClock();
  const path = new FakePath(clock, evenHops(2, 10));
  path.failure = new Error("network is unreachable");
  const parts = { clock, prober: path, onFate: () => {}, onMtu: () => {} };
  const round = new TraceRound(OPTIONS, NOTHING_KNOWN, parts);
  await assertRejects(() => round.run(), Error, "network is unreachable");
  assertEquals(clock.waiting, 0);
});

Deno.test("stopped, a round is over at once, and what is open is lost", async () => {
  const clock = new FakeClock();
  const path = new FakePath(clock, evenHops(3, 1000));
  const fates: ProbeFate[] = [];
  const parts = {
    clock,
    prober: path,
    onFate: (fate: ProbeFate) => fates.push(fate),
    onMtu: () => {},
  };
  const round = new TraceRound(OPTIONS, NOTHING_KNOWN, parts);
  const over = round.run();
  await clock.advance(100);
  round.stop();
  await over;
  assert(fates.length > 0 && fates.every(({ answer }) => answer === null));
  assertEquals([clock.waiting, path.open.size], [0, 0]);
});

property(
  "whatever is silent and however the probes go, the hops found are the path's",
  200,
  async (random) => {
    const length = random.int(1, 14);
    const hops = evenHops(length, random.int(1, 30)).map((hop, i) => {
      const silent = i < length - 1 && random.int(1, 4) === 1;
      return { ...hop, rttMs: hop.rttMs + random.int(0, 20), silent };
    });
    const together = random.pick<Together>(["any", "not-at-the-end"]);
    const { fates, tookMs } = await runRound(hops, { timeoutMs: 2000 }, together);
    for (const [i, { address, silent }] of hops.entries()) {
      const found = new Set(answers(fates, i + 1));
      assertEquals([...found], [silent ? "-" : address], `hop ${i + 1} of ${JSON.stringify(hops)}`);
    }
    assertEquals(Math.max(...fates.map((fate) => fate.hops)), length);
    assertLess(tookMs, 2000 + 3 * Math.max(...hops.map(({ rttMs }) => rttMs)));
  },
);
