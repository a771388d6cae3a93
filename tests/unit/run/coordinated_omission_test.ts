/** A stall, of the server or of this process, is in the figures exactly as much as it was there. */
import { assertEquals, assertGreater, assertLess, assertLessOrEqual } from "@std/assert";
import { ProbeLoop } from "../../../src/run/probe_loop.ts";
import type { Summary } from "../../../src/domain/summary.ts";
import { TcpProber } from "../../../src/net/tcp_prober.ts";
import { RELATIVE_ERROR } from "../../../src/stats/histogram.ts";
import { FakeClock } from "../fake_clock.ts";
import { FakeConnector, FakeResolver } from "../fake_network.ts";
import { literals, LOOP_DEFAULTS, LoopBench } from "./loop_bench.ts";

const INTERVAL_MS = 10;
const PROBES = 10_000;
const USUAL_MS = 2;
/** The server answers nothing from here, for so long; then all that waited at once. */
const STALL_FROM_MS = 40_000;
const STALL_MS = 1000;

/** When a probe that is sent now is answered. */
function answerMs(sentMs: number): number {
  const endMs = STALL_FROM_MS + STALL_MS;
  const stalled = sentMs >= STALL_FROM_MS && sentMs < endMs;
  return (stalled ? endMs : sentMs) + USUAL_MS;
}

/** What clients meet that come at their own times: the truth. */
function openLoop(): number[] {
  return Array.from({ length: PROBES }, (_, i) => answerMs(i * INTERVAL_MS) - i * INTERVAL_MS);
}

/** What a client meets that comes again only when it was answered: the stall is one sample. */
function closedLoop(): number[] {
  const delays: number[] = [];
  for (let atMs = 0; atMs < PROBES * INTERVAL_MS;) {
    const answeredMs = answerMs(atMs);
    delays.push(answeredMs - atMs);
    atMs = Math.ceil(answeredMs / INTERVAL_MS) * INTERVAL_MS;
  }
  return delays;
}

function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(q * values.length)) - 1];
}

Deno.test("a server that stalls a second in a hundred has the tail of an open loop", async () => {
  const bench = new LoopBench(
    { intervalMs: INTERVAL_MS, count: PROBES },
    ({ atMs }) => ({ afterMs: answerMs(atMs) - atMs }),
  );
  await bench.start(...literals("db"));
  await bench.clock.advance(PROBES * INTERVAL_MS + 5000);
  const { sent, skipped, rtt, lag } = bench.summaryOf("db");
  assertEquals([sent, skipped, lag?.maxUs], [PROBES, 0, 0]);
  // The first handshake is cold, and apart.
  const truth = openLoop().slice(1);
  assertEquals(rtt?.count, truth.length);
  for (const [q, us] of [[0.5, rtt?.p50Us], [0.99, rtt?.p99Us], [0.999, rtt?.p999Us]]) {
    const exactUs = 1000 * quantile(truth, q!);
    assertLessOrEqual(Math.abs((us ?? NaN) - exactUs), exactUs * RELATIVE_ERROR, `q ${q}`);
  }
  // What a prober that waits for its answers would have said.
  assertEquals(quantile(closedLoop(), 0.999), USUAL_MS);
  assertGreater(rtt?.p999Us ?? 0, 0.9 * STALL_MS * 1000);
});

Deno.test("a stall of this process is lag and skipped slots, and no round trip's", async () => {
  const [quiet, stalled] = await Promise.all([summaryWith(0), summaryWith(STALL_MS)]);
  assertEquals([quiet.skipped, quiet.lag?.maxUs], [0, 0]);
  assertEquals(stalled.sent + stalled.skipped, quiet.sent + quiet.skipped);
  assertGreater(stalled.skipped, STALL_MS / INTERVAL_MS - 5);
  assertGreater(stalled.lag?.maxUs ?? 0, 0);
  assertLess(quiet.connect?.maxUs ?? 0, 1000 * STALL_MS);
  // The clock around a connect cannot tell; the kernel's sample can.
  assertGreater(stalled.connect?.maxUs ?? 0, 0.9 * 1000 * STALL_MS);
  const { count: quietCount, ...quietRtt } = quiet.rtt ?? { count: 0 };
  const { count, ...rtt } = stalled.rtt ?? { count: 0 };
  assertEquals(rtt, quietRtt);
  assertEquals(quietCount - count, stalled.skipped);
});

/** A run in which this process is not scheduled for so long, a probe being under way. */
async function summaryWith(stallMs: number): Promise<Summary> {
  const clock = new FakeClock(0);
  const sample = { rttUs: 1000 * USUAL_MS, synRetransmits: 0 };
  const connector = new FakeConnector(clock, { afterMs: USUAL_MS, sample });
  const loop = new ProbeLoop({
    ...LOOP_DEFAULTS,
    durationMs: PROBES * INTERVAL_MS,
    intervalMs: INTERVAL_MS,
  }, {
    clock,
    prober: new TcpProber(connector, clock, 5000, "auto"),
    resolver: new FakeResolver(clock),
    onRecord: () => {},
    onSkip: () => {},
    onNotice: () => {},
  });
  const prepared = loop.prepare(literals("db"));
  await clock.advance(0);
  await prepared;
  const ended = loop.run();
  await clock.advance(STALL_FROM_MS + USUAL_MS / 2);
  clock.stall(stallMs);
  await clock.advance(PROBES * INTERVAL_MS);
  await ended;
  return loop.entries[0].stats.summary(0);
}
