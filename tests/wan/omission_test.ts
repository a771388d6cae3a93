/** No coordinated omission: neither a slow network nor a prober that stands still thins out what it measures. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
} from "@std/assert";
import { delay } from "@std/async/delay";
import { handshakesIn } from "./harness/truth.ts";
import { until } from "./harness/wait.ts";
import { wan } from "./harness/wan.ts";
import { Lab, type Probe, quantile, roundTrips, type Summary } from "./lab.ts";

const ROUND_TRIP_MS = 10;
const INTERVAL_MS = 5;
const SECONDS = 6;
const SLOTS = SECONDS * 1000 / INTERVAL_MS;
const STALLS = 6;
const STALL_MS = 100;

interface Stalled extends Summary {
  readonly connect_ms: { p99_9: number };
  readonly lag_ms: { p99: number };
  readonly rtt_ms: Summary["rtt_ms"] & { p99_9: number };
}

wan("a prober that is stopped again and again still tells the network's p99.9", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  await lab.link.capture();
  const args = ["probe", "-o", "json", "-i", `${INTERVAL_MS}ms`, "--duration", `${SECONDS}s`];
  const child = lab.near.exec(Lab.binary, [...args, lab.target]);
  const output = child.output();
  // All of them need a quarter of its probes: it is there for the last one, also where it skips many.
  const made = async () => (await lab.link.counters()).ab.syns;
  for (let stall = 0; stall < STALLS; stall++) {
    const before = await made();
    await until("it goes on", async () => await made() >= before + SLOTS / (4 * STALLS));
    child.kill("SIGSTOP");
    await delay(STALL_MS);
    child.kill("SIGCONT");
  }
  const { stdout } = await output;
  const lines = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
  const summary: Stalled = lines.pop();
  const probes: Probe[] = lines;

  // What the link saw of those packets is the truth, its own late moments included.
  const seen = handshakesIn(await lab.link.captured());
  assertEquals(seen.length, summary.sent);
  const rtts = roundTrips({ probes, summary, code: 0, stderr: "" });
  const steady = probes.filter(({ cold }) => !cold);
  // From an answer's leaving on, until the host has it.
  const least = quantile(seen.map(({ rttUs }) => (rttUs ?? NaN) / 1000), 0.999);
  const most = quantile(
    seen.map(({ rttUs, handingUs }) => ((rttUs ?? NaN) + handingUs) / 1000),
    0.999,
  );
  const tail = quantile(rtts, 0.999);
  const tolerance = 0.5 + tail / 50;
  assert(
    tail > least - tolerance && tail < most + tolerance,
    `${tail}, not ${least} to ${most} ms`,
  );
  assertAlmostEquals(
    summary.rtt_ms.p99_9,
    quantile(roundTrips({ ...none, probes: steady }), 0.999),
    tolerance,
  );

  // The stalls are seen where they belong: in the client's own wait, in lag, in skipped slots.
  assertGreaterOrEqual(summary.connect_ms.p99_9, STALL_MS / 2);
  assertGreaterOrEqual(summary.lag_ms.p99, INTERVAL_MS);
  assertGreaterOrEqual(summary.skipped, STALLS * (STALL_MS / INTERVAL_MS) / 2);
  assertEquals(summary.sent + summary.skipped, SLOTS);
});

const none = { code: 0, stderr: "", summary: {} as Summary };

wan("a network that is slow for a sixth of the time is slow in a sixth of the probes", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  const args = ["-i", `${INTERVAL_MS}ms`, "--duration", `${SECONDS}s`, "--max-in-flight", "1000"];
  const running = lab.probe(...args, lab.target);
  const begun = async () => (await lab.link.counters()).ab.syns;
  await until("a third of them is begun", async () => await begun() >= SLOTS / 3);
  // A prober that waits for each answer would send one probe where it should send twenty.
  await lab.link.set({ delayUs: 50_000 });
  const startMs = performance.now();
  await delay(1000);
  await lab.link.set({ delayUs: ROUND_TRIP_MS * 500 });
  const slowMs = performance.now() - startMs;
  const run = await running;
  const rtts = roundTrips(run);
  const slow = rtts.filter((rtt) => rtt >= 50).length;
  assertLess(slow, 1.4 * slowMs / INTERVAL_MS);
  // As many a second as otherwise, whatever a busy machine skips; one that waits has a twentieth of them.
  const otherwise = (rtts.length - slow) * slowMs / (SECONDS * 1000 - slowMs);
  assertGreater(slow, otherwise / 4);
  assertEquals(run.summary.sent + run.summary.skipped, SLOTS);
  assertEquals(run.summary.lost, 0);
});
