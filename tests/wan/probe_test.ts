/** The compiled probe's numbers against a link of known delay and loss. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertStringIncludes,
} from "@std/assert";
import { saturate } from "./harness/busy.ts";
import { errorMs, handshakesIn } from "./harness/truth.ts";
import { until } from "./harness/wait.ts";
import { wan } from "./harness/wan.ts";
import { CLOSED_PORT, Lab, PORT, quantile, roundTrips, type Run } from "./lab.ts";
import { assertOnTruth, TAIL_TOLERANCE_MS } from "./truth_check.ts";

const ROUND_TRIP_MS = 10;
const HANDSHAKES = 200;
/** Of the summary's quantiles, which come from buckets: half of one is 0.4 %. */
const BUCKET_MS = 0.1;
/** Of the quickest tenth: the link itself is late where the machine has more to do than this. */
const NOMINAL_TOLERANCE_MS = 0.5;

/**
 * Holds a run's round trips against the packets themselves, handshake by handshake, and against the
 * delay that the link was told.
 */
async function assertTruth(lab: Lab, run: Run, count: number): Promise<void> {
  const rtts = roundTrips(run);
  const seen = handshakesIn(await lab.link.captured());
  assertEquals([rtts.length, seen.length], [count, count]);
  assert(run.probes.every((probe) => probe.rtt_source === "kernel"));
  assertEquals(run.summary.syn_retransmits, 0);
  assertOnTruth(rtts, seen);
  const [quickMs, medianMs] = [0.1, 0.5].map((q) => quantile(rtts, q));
  assertLess(quickMs, ROUND_TRIP_MS + NOMINAL_TOLERANCE_MS);
  assertGreaterOrEqual(medianMs, ROUND_TRIP_MS);
  assertAlmostEquals(run.summary.rtt_ms.p50 ?? 0, medianMs, BUCKET_MS);
}

/**
 * The ways to make handshakes: the runtime's connect, and sockets of our own, which a source address
 * or a rate of a thousand a second asks for. Every result is to be the same.
 */
function ways(lab: Lab): readonly (readonly string[])[] {
  return [["-i", "50ms"], ["-i", "50ms", "--source", lab.link.a.v4], ["-i", "1ms"]];
}

const two_hundred = ["-c", String(HANDSHAKES), "-i", "20ms"];

wan("the RTT is the link's, over IPv4 and IPv6", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  for (const address of [lab.link.b.v4, `[${lab.link.b.v6}]`]) {
    await lab.link.capture();
    const run = await lab.probe(...two_hundred, `${address}:${PORT}`);
    assertEquals(run.code, 0);
    await assertTruth(lab, run, HANDSHAKES);
  }
});

wan("the RTT is the link's while both cores are saturated", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  await lab.link.capture();
  await using _busy = await saturate(2 * navigator.hardwareConcurrency);
  const run = await lab.probe(...two_hundred, lab.target);
  await assertTruth(lab, run, HANDSHAKES);
});

wan("with --source the RTT is the link's too, and the source is the one asked for", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  const other = "10.77.1.77";
  await lab.near.ip("addr", "add", `${other}/24`, "dev", lab.link.a.device);
  await lab.link.capture();
  const run = await lab.probe(...two_hundred, "--source", other, lab.target);
  await assertTruth(lab, run, HANDSHAKES);
  const captured = await lab.link.captured();
  // IPv4 source address: bytes 12 to 15 of the header.
  const sources = new Set(
    captured.filter(({ bytes }) => bytes[0] >> 4 === 4).map(({ bytes }) =>
      bytes.slice(12, 16).join(".")
    ),
  );
  assertEquals([...sources].sort(), [lab.link.b.v4, other].sort());
});

wan("every third SYN dropped is counted exactly, and its probe is timed by the clock", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  await lab.link.set({ dropSynEvery: 3 }, "ab");
  for (const way of ways(lab)) await assertRetransmits(lab, way);
});

async function assertRetransmits(lab: Lab, way: readonly string[]): Promise<void> {
  const before = (await lab.link.counters()).ab.synsDropped;
  await lab.link.capture();
  const run = await lab.probe("-c", "30", ...way, "-t", "8s", lab.target);
  const ab = { synsDropped: (await lab.link.counters()).ab.synsDropped - before };
  assertGreaterOrEqual(ab.synsDropped, 10);
  assertEquals(run.summary.syn_retransmits, ab.synsDropped);
  assertEquals(run.summary.answered, 30);
  const seen = handshakesIn(await lab.link.captured());
  const errors: number[] = [];
  // Results come as they are known; the link saw the handshakes as they were begun.
  const begun = run.probes.toSorted((one, other) => one.seq - other.seq);
  for (const [i, probe] of begun.entries()) {
    assertEquals(probe.syn_retransmits, seen[i].synsLost);
    assertEquals(probe.rtt_source, seen[i].synsLost > 0 ? "clock" : "kernel");
    if (probe.rtt_source === "kernel") errors.push(errorMs(probe.rtt_ms, seen[i]));
    else {
      assertEquals(probe.rtt_ms, probe.connect_ms);
      // A SYN is sent again after a second.
      assertGreaterOrEqual(probe.connect_ms ?? 0, 1000);
    }
  }
  assertLess(quantile(errors, 0.9), TAIL_TOLERANCE_MS);
}

wan("at a black hole every probe is lost, the summary says so and the exit code is 1", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  await lab.link.set({ drop: "all" });
  for (const way of ways(lab)) {
    const run = await lab.probe("-c", "5", ...way, "-t", "300ms", lab.target);
    assertEquals(run.code, 1);
    assertEquals(run.probes.map(({ outcome }) => outcome), new Array(5).fill("timeout"));
    assert(run.probes.every(({ rtt_ms, connect_ms }) => rtt_ms === null && connect_ms === null));
    assertEquals(run.summary.loss_ratio, 1);
    assertEquals(run.summary.longest_loss_run, 5);
    assertEquals(run.summary.rtt_ms.p50, null);
  }
});

/** So many that a machine whose cores are taken away lets one of them be read in time. */
const REFUSALS = 15;

wan("a closed port is an answer with a connect time, and no service", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  for (const way of ways(lab)) {
    await lab.link.capture();
    const run = await lab.probe("-c", String(REFUSALS), ...way, `${lab.link.b.v4}:${CLOSED_PORT}`);
    assertEquals(run.code, 1);
    assertEquals(run.summary.refused, REFUSALS);
    for (const probe of run.probes) {
      assertEquals([probe.outcome, probe.rtt_ms, probe.rtt_source], ["refused", null, null]);
      assertGreaterOrEqual(probe.connect_ms ?? 0, ROUND_TRIP_MS);
    }
    // Beyond what the link saw the clock counts how long the prober was not scheduled, and nothing else.
    const seen = handshakesIn(await lab.link.captured());
    assertEquals(seen.map(({ answer }) => answer), new Array(REFUSALS).fill("rst"));
    const errors = run.probes.map(({ connect_ms }, i) => errorMs(connect_ms, seen[i]));
    assertLess(Math.min(...errors), 60);
  }
});

wan("a router's refusal is unreachable, a route that is missing here is not sent", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  for (const way of ways(lab)) {
    const none = await lab.probe("-c", "2", ...way, "198.51.100.1:9999");
    assertEquals(none.probes.map(({ outcome }) => outcome), ["error", "error"]);
    assertStringIncludes(none.probes[0].error ?? "", "Network is unreachable");
    assertEquals([none.code, none.summary.sent, none.summary.not_sent], [1, 0, 2]);
  }
  await lab.near.route("203.0.113.0/24", "via", lab.link.b.v4);
  await lab.far.route("unreachable", "203.0.113.0/24");
  await lab.far.forward(true);
  for (const way of ways(lab)) {
    const refused = await lab.probe("-c", "2", ...way, "-t", "2s", "203.0.113.1:9999");
    assertEquals(refused.probes.map(({ outcome }) => outcome), ["unreachable", "unreachable"]);
    assertStringIncludes(refused.probes[0].error ?? "", "No route to host");
  }
});

wan(
  "a prohibition on the way is lost in both families, one of this machine is not sent",
  async () => {
    await using lab = await Lab.open(ROUND_TRIP_MS);
    await lab.far.forward(true);
    const prohibited = { "203.0.113.0/24": "203.0.113.1:9999", "fd98::/32": "[fd98::1]:9999" };
    for (const [network, target] of Object.entries(prohibited)) {
      const gateway = network.includes(":") ? lab.link.b.v6 : lab.link.b.v4;
      await lab.far.route("prohibit", network);
      await lab.near.route(network, "via", gateway);
      const far = await lab.probe("-c", "1", "-t", "2s", target);
      assertEquals([far.probes[0].outcome, far.summary.lost], ["unreachable", 1], target);
    }
    for (
      const [network, target] of [["192.0.2.0/24", "192.0.2.1:9"], ["fd97::/32", "[fd97::1]:9"]]
    ) {
      await lab.near.route("prohibit", network);
      const here = await lab.probe("-c", "1", target);
      assertEquals([here.probes[0].outcome, here.summary.not_sent], ["error", 1], target);
    }
  },
);

wan("a delay that changes in mid-run shows in the probes sent after it", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  await lab.link.capture();
  const running = lab.probe("-c", "40", "-i", "50ms", lab.target);
  await until("half of them are begun", async () => (await lab.link.counters()).ab.syns >= 20);
  await lab.link.set({ delayUs: 15_000 });
  const rtts = roundTrips(await running);
  const seen = handshakesIn(await lab.link.captured());
  assertEquals([rtts.length, seen.length], [40, 40]);
  // Of forty the worst is no quantile.
  assertOnTruth(rtts, seen, 0.95);
  // Around the change, and where the machine stood still, a round trip may be something else; and a
  // machine that stood still may have changed it late.
  const near = (truthMs: number) => rtts.filter((rtt) => Math.abs(rtt - truthMs) < 1).length;
  assertGreaterOrEqual(near(ROUND_TRIP_MS), 3);
  assertGreaterOrEqual(near(30), 3);
});

wan("a name's next address is taken after failures in a row, and is cold", async () => {
  await using lab = await Lab.open(ROUND_TRIP_MS);
  // As near to our own address as the live one: getaddrinfo keeps the order of the file.
  const dead = "10.77.1.3";
  await lab.near.etc("hosts", `${dead} db.test\n${lab.link.b.v4} db.test\n`);
  // The timeout is so long that a live address which answers late, on a busy machine, is not lost.
  const options = ["-c", "5", "-i", "900ms", "-t", "700ms", "--resolve-after", "2"];
  const run = await lab.probe(...options, `db=db.test:${PORT}`);
  const [first] = run.probes;
  assertEquals(first.address, dead);
  const moved = run.probes.findIndex(({ address }) => address === lab.link.b.v4);
  assertEquals(moved, 2);
  assert(run.probes[moved].cold);
  assertEquals(run.summary.answered, 3);
  assertStringIncludes(run.stderr, `${dead} failed 2 times in a row`);
});

wan("a probe answered late is lost, and leaves no socket behind", async () => {
  await using lab = await Lab.open(300);
  for (const way of ways(lab)) {
    const run = await lab.probe("-c", "10", ...way, "-t", "200ms", lab.target);
    assertEquals(run.summary.lost, 10);
    const sockets = await lab.near.run("ss", ["-Htan", "state", "established"]);
    assertEquals(sockets.stdout.trim(), "");
  }
});
