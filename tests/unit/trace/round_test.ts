import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
} from "@std/assert";
import { ErrnoError } from "../../../src/kernel/errno.ts";
import { ERRNO } from "../../../src/kernel/linux.ts";
import type { Concurrency } from "../../../src/trace/hop_prober.ts";
import { PEER_LIMITS } from "../../../src/trace/peer_tracer.ts";
import {
  type FlowEnd,
  type Known,
  MAX_UNDER_WAY,
  NOTHING_KNOWN,
  type ProbeFate,
  type RoundOptions,
  TraceRound,
} from "../../../src/trace/round.ts";
import { MAX_AT_TARGET, WINDOW_HOPS } from "../../../src/trace/strategy.ts";
import { FakeClock } from "../fake_clock.ts";
import { endpoint } from "../fixtures.ts";
import { property } from "../random.ts";
import { evenHops, type FakeHop, FakePath } from "./fake_path.ts";

const OPTIONS: RoundOptions = { ...PEER_LIMITS, target: endpoint() };

interface Ran {
  readonly path: FakePath;
  readonly fates: ProbeFate[];
  readonly ends: FlowEnd[];
  readonly notSent: string[];
  readonly settledMs: number;
  readonly tookMs: number;
}

type Hops = readonly FakeHop[] | ((flow: number) => readonly FakeHop[]);

async function runRound(
  hops: Hops,
  options: Partial<RoundOptions> = {},
  concurrency: Concurrency = "any",
  known: Known = NOTHING_KNOWN,
  prepare: (path: FakePath, clock: FakeClock) => void = () => {},
): Promise<Ran> {
  const clock = new FakeClock();
  const path = new FakePath(clock, hops, concurrency);
  const [fates, ends, notSent]: [ProbeFate[], FlowEnd[], string[]] = [[], [], []];
  prepare(path, clock);
  const round = new TraceRound(1, { ...OPTIONS, ...options }, known, {
    clock,
    prober: path,
    onFate: (fate) => fates.push(fate),
    onFlowEnd: (end) => ends.push(end),
    onNotSent: (at, reason) => notSent.push(`${at} ${reason}`),
  });
  const startMs = clock.now();
  let [settledMs, tookMs] = [NaN, NaN];
  round.settled.then(() => settledMs = clock.now() - startMs);
  const over = round.over.then(() => tookMs = clock.now() - startMs);
  round.start();
  for (let i = 0; i < 10_000 && Number.isNaN(tookMs); i++) await clock.advance(5);
  await over;
  assertEquals(path.open.size, 0, "every probe is taken back");
  return { path, fates, ends, notSent, settledMs, tookMs };
}

/** Per hop, how many probes were answered by whom; `-` for lost. */
function answers(fates: readonly ProbeFate[], hops: number): string[] {
  return fates.filter((fate) => fate.hops === hops).map(({ answer }) => answer?.address ?? "-");
}

/** Probes that go as far as the path's last hop or farther. */
function atTarget(path: FakePath, length: number): number {
  return path.sent.filter(({ hops }) => hops >= length).length;
}

function silentAt(hops: readonly FakeHop[], ...silent: readonly number[]): FakeHop[] {
  return hops.map((hop, i) => silent.includes(i + 1) ? { ...hop, silent: true } : hop);
}

Deno.test("hops are tried three beyond the farthest that answered, and all are found", async () => {
  const { path, fates, tookMs } = await runRound(evenHops(12, 10));
  const [first] = path.sent;
  const atOnce = path.sent.filter(({ atMs }) => atMs === first.atMs).map(({ hops }) => hops);
  assertEquals(atOnce, [1, 2, 3]);
  for (let hops = 1; hops <= 12; hops++) {
    assertEquals(answers(fates, hops), new Array(3).fill(`h${hops}`));
  }
  assertLessOrEqual(atTarget(path, 12), WINDOW_HOPS + 3);
  assertLess(tookMs, 500);
});

Deno.test("with a silent hop on the way a trace takes 1.5 round trips and a timeout at most", async () => {
  const { tookMs } = await runRound(silentAt(evenHops(13, 5), 5));
  assertLessOrEqual(tookMs, 1.5 * 13 * 5 + OPTIONS.timeoutMs);
});

Deno.test("what was sent beyond the end is taken back and never reported", async () => {
  const { path, fates } = await runRound(evenHops(3, 10));
  assert(path.sent.some(({ hops }) => hops > 3));
  assertEquals([Math.max(...fates.map(({ hops }) => hops)), fates.length], [3, 9]);
});

Deno.test("a hop that answers within the timeout is never called silent, nor lost", async () => {
  const hops = evenHops(4, 5).map((hop, i) => i === 1 ? { ...hop, rttMs: 900 } : hop);
  const { fates } = await runRound(hops);
  assertEquals(answers(fates, 2), ["h2", "h2", "h2"]);
});

Deno.test("behind a long link every hop is found, and the target met by few", async () => {
  const hops = [
    { address: "h1", rttMs: 1 },
    ...[2, 3, 4].map((i) => ({
      address: `h${i}`,
      rttMs: 750,
    })),
  ];
  const { path, fates } = await runRound(hops, { timeoutMs: 5000 });
  for (let at = 1; at <= 4; at++) assertEquals(answers(fates, at), new Array(3).fill(`h${at}`));
  assertLessOrEqual(atTarget(path, 4), MAX_AT_TARGET);
});

Deno.test("any number of silent hops is passed, up to the last one that may be tried", async () => {
  for (const length of [13, 20, 30]) {
    const silent = Array.from({ length: length - 2 }, (_, i) => i + 2);
    const { path, fates, ends } = await runRound(silentAt(evenHops(length, 1), ...silent));
    assertEquals(answers(fates, length).at(0), `h${length}`, `${length} hops`);
    assertEquals(ends[0].endHops, length);
    assertLessOrEqual(atTarget(path, length), MAX_AT_TARGET);
  }
});

Deno.test("a silent target is met by no more than it may be, and the last hop is tried", async () => {
  for (const queries of [1, 3, 10]) {
    const { path, fates } = await runRound(silentAt(evenHops(4, 10), 4), { queries });
    assertEquals(Math.max(...path.sent.map(({ hops }) => hops)), 30);
    assertLessOrEqual(atTarget(path, 4), MAX_AT_TARGET, `${queries} queries`);
    assertEquals(answers(fates, 3), new Array(queries).fill("h3"));
  }
});

Deno.test("a target that says little is reached all the same, and called no farther than it is", async () => {
  for (const queries of [1, 3, 10]) {
    const hops = evenHops(4, 5).map((hop, i) => i === 3 ? { ...hop, everyMs: 1000 } : hop);
    const { path, fates, ends } = await runRound(hops, { queries });
    assertEquals(ends[0], { round: 1, flow: 0, endHops: 30, isAtMost: true, farthestRouter: 3 });
    assertEquals(answers(fates, 30)[0], "h4");
    assertLessOrEqual(atTarget(path, 4), MAX_AT_TARGET, `${queries} queries`);
  }
});

Deno.test("silent hops before a target that answers all it meets do not make its place uncertain", async () => {
  for (const queries of [1, 3]) {
    for (const silent of [[4], [2, 3, 4], Array.from({ length: 20 }, (_, i) => i + 2)]) {
      const length = silent.length + silent[0];
      const { ends } = await runRound(silentAt(evenHops(length, 2), ...silent), { queries });
      assertEquals([ends[0].endHops, ends[0].isAtMost], [length, false], `${silent}`);
    }
  }
});

Deno.test("a refusal on the way ends the path there", async () => {
  const hops = evenHops(6, 10).map((hop, i) =>
    i === 2 ? { ...hop, refuses: "administratively prohibited" as const } : hop
  );
  const { fates } = await runRound(hops);
  assertEquals(Math.max(...fates.map((fate) => fate.hops)), 3);
  assertEquals(answers(fates, 3), ["h3", "h3", "h3"]);
});

Deno.test("where the target has answered before, a refusal is loss of all hops behind it", async () => {
  const hops = evenHops(5, 10).map((hop, i) =>
    i === 1 ? { ...hop, refuses: "host unreachable" as const } : hop
  );
  const known = { silent: new Set<number>(), length: 5, isReached: true };
  const { fates, ends } = await runRound(hops, { queries: 1 }, "any", known);
  assertEquals([1, 2, 3, 4, 5].map((at) => answers(fates, at)), [
    ["h1"],
    ["h2"],
    ["-"],
    ["-"],
    ["-"],
  ]);
  assertEquals(ends, [
    { round: 1, flow: 0, endHops: Infinity, isAtMost: false, farthestRouter: 1 },
  ]);
});

Deno.test("where the end answers one at a time, no two probes are there at once", async () => {
  const { path, fates } = await runRound(evenHops(5, 20), {}, "not-at-the-end");
  const atEnd = path.sent.filter(({ hops }) => hops === 5).map(({ atMs }) => atMs);
  assertEquals(atEnd.length, 3);
  // What was sent beyond the end is answered, and its answer reset, before the end is asked again.
  const beyond = path.sent.filter(({ hops }) => hops > 5).map(({ atMs }) => atMs);
  assertGreaterOrEqual(atEnd[1] - Math.max(...beyond), 150);
  for (let i = 1; i < atEnd.length; i++) assertGreaterOrEqual(atEnd[i] - atEnd[i - 1], 100);
  assertEquals(answers(fates, 5), ["h5", "h5", "h5"]);
  assertEquals(answers(fates, 2), ["h2", "h2", "h2"]);
});

Deno.test("where a flow has one probe at a time, that is so, and a silent hop costs one wait", async () => {
  const hops = silentAt(evenHops(5, 10), 2);
  const { path, fates, tookMs } = await runRound(hops, { timeoutMs: 300 }, "one-a-flow");
  assertEquals(path.mostOpen, 1);
  assertEquals(answers(fates, 2), ["-"]);
  assertEquals(answers(fates, 5), ["h5", "h5", "h5"]);
  assertEquals(path.sent.slice(0, 5).map(({ hops }) => hops), [1, 2, 3, 4, 5]);
  assertLess(tookMs, 900);
});

Deno.test("flows have paths of their own, of different lengths too", async () => {
  const short = evenHops(3, 10);
  const long = [...evenHops(4, 10), { address: "h3", rttMs: 50 }];
  const { fates } = await runRound((flow) => flow === 0 ? short : long, { flows: 2, queries: 1 });
  const of = (flow: number) => fates.filter((fate) => fate.flow === flow).length;
  assertEquals([of(0), of(1)], [3, 5]);
});

Deno.test("no more probes are waited for at once than the bound, and all are sent", async () => {
  const { path, fates } = await runRound(evenHops(12, 10), { flows: 64, queries: 10 });
  assertLessOrEqual(path.mostOpen, MAX_UNDER_WAY);
  assertEquals(fates.length, 12 * 64 * 10);
});

Deno.test("the next round may begin before a hop that is known to be silent was waited for", async () => {
  const known = { silent: new Set([2]), length: 4, isReached: true };
  const hops = silentAt(evenHops(4, 10), 2);
  const { path, fates, settledMs, tookMs } = await runRound(hops, { queries: 1 }, "any", known);
  assertEquals(answers(fates, 2), ["-"]);
  assertEquals(path.sent.length, 4, "nothing beyond the known end");
  assertLess(settledMs, 60);
  assertGreaterOrEqual(tookMs, 1000);
});

Deno.test("where the known end is silent, or a router, the trace looks further again", async () => {
  const known = { silent: new Set<number>(), length: 3, isReached: true };
  for (const hops of [evenHops(6, 10), silentAt(evenHops(6, 10), 3)]) {
    const { fates, ends } = await runRound(hops, { queries: 1 }, "any", known);
    assertEquals(Math.max(...fates.map(({ hops }) => hops)), 6);
    assertEquals([ends[0].endHops, ends[0].farthestRouter], [6, 5]);
  }
});

Deno.test("a packet that is too big ends the path at the narrow link", async () => {
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

Deno.test("what the system refuses to send is not sent, tried again, and the round goes on", async () => {
  const { fates, notSent } = await runRound(
    evenHops(3, 10),
    {},
    "any",
    NOTHING_KNOWN,
    (path, clock) => {
      path.failure = new ErrnoError("send", ERRNO.EPERM);
      clock.wakeAt(clock.now() + 1000, () => path.failure = null);
    },
  );
  assertEquals(new Set(notSent), new Set(["1 not permitted"]));
  assertGreaterOrEqual(notSent.length, 5);
  for (let hops = 1; hops <= 3; hops++) assertEquals(answers(fates, hops).length, 3);
});

Deno.test("a refusal that does not end, or no way at all, ends the round", async () => {
  for (const [errno, leastMs, mostMs] of [[ERRNO.EPERM, 4000, 6000], [ERRNO.ENETUNREACH, 0, 50]]) {
    const failure = new ErrnoError("send", errno);
    const prepare = (path: FakePath) => path.failure = failure;
    const { fates, tookMs } = await runRound(evenHops(2, 10), {}, "any", NOTHING_KNOWN, prepare);
    assertEquals(fates, []);
    assert(tookMs >= leastMs && tookMs <= mostMs, `${tookMs} ms`);
  }
});

Deno.test("stopped, a round is over at once, and what is open has no fate", async () => {
  const clock = new FakeClock();
  const path = new FakePath(clock, evenHops(3, 1000));
  const fates: ProbeFate[] = [];
  const round = new TraceRound(1, OPTIONS, NOTHING_KNOWN, {
    clock,
    prober: path,
    onFate: (fate: ProbeFate) => fates.push(fate),
    onFlowEnd: () => {},
    onNotSent: () => {},
  });
  round.start();
  await clock.advance(50);
  round.stop();
  await round.over;
  assertEquals([fates, round.isBrokenOff], [[], true]);
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
    const concurrency = random.pick<Concurrency>(["any", "not-at-the-end"]);
    const options = { timeoutMs: 2000, queries: random.int(1, 3) };
    const { path, fates, ends } = await runRound(hops, options, concurrency);
    assertEquals([ends[0].endHops, ends[0].isAtMost], [length, false]);
    for (const [i, { address, silent }] of hops.entries()) {
      const found = new Set(answers(fates, i + 1));
      assertEquals([...found], [silent ? "-" : address], `hop ${i + 1} of ${JSON.stringify(hops)}`);
    }
    assertEquals(Math.max(...fates.map((fate) => fate.hops)), length);
    assertLessOrEqual(atTarget(path, length), MAX_AT_TARGET);
  },
);
