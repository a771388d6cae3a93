/**
 * Receivers that stop, are absent or start again while 100 probes a second are made: probes go on
 * as if nothing were, delivery resumes by itself, and what was lost is counted exactly. Outages are
 * short here; `WIRE_PROBE_OUTAGE_S=30 deno test -A tests/receivers/real_outage_test.ts` has long
 * ones and prints the figures.
 */
import { assert, assertEquals } from "@std/assert";
import { Collectd } from "./real/collectd.ts";
import { DATABASE, InfluxDb } from "./real/influxdb.ts";
import {
  assertPunctual,
  CALM_MS,
  Memory,
  OUTAGE_MS,
  RESUME_LIMIT_MS,
  type Sent,
  span,
} from "./real/outage.ts";
import { Peers } from "./real/peers.ts";
import { Probe } from "./real/probe.ts";
import { freePort } from "../../scripts/gate/command.ts";
import { Folder, realTest, untilTrue } from "./real/receiver.ts";

const MEASUREMENT = "tcp_latency";
const RATE = ["-i", "10ms", "--close", "rst"];
/** Labels that make a line some 3 KB, so that even a short outage is more than queues hold. */
const LONG_LINES = Array.from(
  { length: 15 },
  (_, i) => ["--label", `padding_${i}=${"x".repeat(200)}`],
).flat();
/** More lines than can be under way to collectd without an answer. */
const FRESH_LINES = 300;
/**
 * For 50 probes at 100 a second, and what a run spends on its last lines at most, which the outbox's own test
 * holds on a clock of its own: here, that it ends.
 */
const PROMPT_MS = 30_000;
/** Lines that collectd may be busy with when it ends, at a line each 10 ms. */
const LAST_MOMENT_LINES = 3;

/** Until the database holds a probe that is made from now on. */
async function delivers(influx: InfluxDb): Promise<void> {
  const sinceMs = Date.now();
  await untilTrue(
    "points arrive again",
    async () => await influx.count(DATABASE, MEASUREMENT, "success", sinceMs) > 0,
    RESUME_LIMIT_MS,
  );
}

realTest(
  "an InfluxDB that is absent, stopped or restarted costs lines, counted",
  ["influxd"],
  async () => {
    using folder = new Folder();
    using peers = new Peers();
    await using influx = new InfluxDb(folder);
    await using control = new Probe(...RATE, `control=${peers.live}`);
    const exporting = [...LONG_LINES, "--export", influx.exportUrl];
    await using probe = new Probe(...RATE, ...exporting, `live=${peers.live}`);
    await untilTrue("the probe probes", () => probe.probes.length > 0);

    const absent = await span("absent at start", OUTAGE_MS, probe, control);
    await influx.start();
    await delivers(influx);
    const calm = await span("calm", CALM_MS, probe, control);
    const memory = new Memory(probe);

    influx.program.freeze();
    const stopped = await span("stopped", OUTAGE_MS, probe, control);
    memory.look();
    influx.program.thaw();
    await delivers(influx);

    await influx.program.stop();
    const restarted = await span("restarted", OUTAGE_MS, probe, control);
    memory.look();
    await influx.start();
    await delivers(influx);
    memory.look();

    await probe.stop();
    await control.stop();
    const found = await influx.count(DATABASE, MEASUREMENT, "success");
    assert(probe.dropped > 0, "no outage was long enough to lose a line");
    assertEquals(probe.dropped, probe.made - found, probe.stderr);
    assertEquals(probe.probes.length, probe.made);
    assertPunctual(probe.probes, control.probes, calm, [absent, stopped, restarted]);
    memory.assertBounded();
  },
);

/** Probes that go to a collectd, which has not been started, and others that go nowhere. */
async function withCollectd(
  body: (lab: { collectd: Collectd; probe: Probe; control: Probe }) => Promise<void>,
): Promise<void> {
  using folder = new Folder();
  using peers = new Peers();
  await using collectd = new Collectd(folder);
  await using control = new Probe(...RATE, `control=${peers.live}`);
  const url = `collectd-uds://${collectd.socket}`;
  await using probe = new Probe(...RATE, "--export", url, `live=${peers.live}`);
  await untilTrue("the probe probes", () => probe.probes.length > 0);
  await body({ collectd, probe, control });
}

function written(collectd: Collectd): number {
  return collectd.values(`${Deno.hostname()}/wire-probe-tcp/latency-live`).length;
}

/** Until collectd has written lines that cannot have been on their way. */
async function writes(collectd: Collectd): Promise<void> {
  const count = written(collectd);
  await untilTrue(
    "values arrive again",
    () => written(collectd) > count + FRESH_LINES,
    RESUME_LIMIT_MS,
  );
}

realTest("a collectd that is absent or stopped costs lines, counted", ["collectd"], async () => {
  await withCollectd(async ({ collectd, probe, control }) => {
    const absent = await span("absent at start", OUTAGE_MS, probe, control);
    await collectd.start();
    await writes(collectd);
    const calm = await span("calm", CALM_MS, probe, control);
    const memory = new Memory(probe);

    collectd.program.freeze();
    const stopped = await span("stopped", OUTAGE_MS, probe, control);
    memory.look();
    collectd.program.thaw();
    await writes(collectd);
    memory.look();

    await probe.stop();
    await control.stop();
    const acknowledged = probe.made - probe.dropped;
    await untilTrue("all values", () => written(collectd) >= acknowledged);
    assertEquals(written(collectd), acknowledged, probe.stderr);
    assert(probe.dropped > 0, "no outage was long enough to lose a line");
    assertEquals(probe.probes.length, probe.made);
    assertPunctual(probe.probes, control.probes, calm, [absent, stopped]);
    memory.assertBounded();
  });
});

realTest(
  "a collectd that is restarted, or hangs and is killed, costs lines, counted",
  ["collectd"],
  async () => {
    await withCollectd(async ({ collectd, probe, control }) => {
      await collectd.start();
      await writes(collectd);
      const calm = await span("calm", CALM_MS, probe, control);
      const memory = new Memory(probe);
      await collectd.program.stop();
      const ended = await span("ended", OUTAGE_MS / 2, probe, control);
      await collectd.start();
      await writes(collectd);

      collectd.program.freeze();
      const hung = await span("hung", OUTAGE_MS, probe, control);
      memory.look();
      // It never answers the lines sent to it by then.
      await collectd.program.stop("SIGKILL");
      await collectd.start();
      await writes(collectd);
      memory.look();

      await probe.stop();
      await control.stop();
      // In its last moment collectd may answer for a line that it does not write, or the other way.
      const acknowledged = probe.made - probe.dropped;
      await untilTrue("all values", () => written(collectd) >= acknowledged - LAST_MOMENT_LINES);
      const excess = written(collectd) - acknowledged;
      assert(Math.abs(excess) <= LAST_MOMENT_LINES, `${excess} lines more than were acknowledged`);
      assert(probe.dropped > 0, "the outage was not long enough to lose a line");
      assertPunctual(probe.probes, control.probes, calm, [ended, hung]);
      memory.assertBounded();
    });
  },
);

realTest("a reader of stdout that stops costs lines, counted", ["influxd"], async () => {
  using folder = new Folder();
  using peers = new Peers();
  await using influx = new InfluxDb(folder);
  await influx.start();
  await using control = new Probe(...RATE, `control=${peers.live}`);
  const exporting = [...LONG_LINES, "--export", influx.exportUrl];
  await using probe = new Probe(...RATE, ...exporting, `live=${peers.live}`);
  await untilTrue("the probe probes", () => probe.probes.length > 0);
  const calm = await span("calm", CALM_MS, probe, control);
  const memory = new Memory(probe);

  probe.stopReading();
  const stopped = await span("stopped", OUTAGE_MS, control);
  memory.look();
  probe.readOn();
  await untilTrue(
    "lines arrive again",
    () => Date.parse(probe.probes.at(-1)?.time ?? "") > stopped.toMs,
  );
  memory.look();

  await probe.stop();
  await control.stop();
  assert(probe.dropped > 0, "the outage was not long enough to lose a line");
  assertEquals(probe.dropped, probe.made - probe.probes.length, probe.stderr);
  // The database, which has had no trouble, knows of each probe.
  const points = await influx.points(DATABASE, MEASUREMENT);
  assertEquals(points.length, probe.made);
  const sent = points.map(({ time, fields }): Sent => ({ time, lag_ms: Number(fields.lag_ms) }));
  assertPunctual(sent, control.probes, calm, [stopped]);
  memory.assertBounded();
});

realTest(
  "receivers that never come cost all lines, counted, and the end is prompt",
  [],
  async () => {
    using folder = new Folder();
    using peers = new Peers();
    for (
      const url of [
        `influx-http://127.0.0.1:${freePort()}/?db=none`,
        `collectd-uds://${folder.path}/none`,
      ]
    ) {
      await using probe = new Probe(
        "-c",
        "50",
        "-i",
        "10ms",
        "--export",
        url,
        `live=${peers.live}`,
      );
      await probe.end(PROMPT_MS);
      assertEquals(probe.made, 50, probe.stderr);
      assertEquals(probe.dropped, 50, url);
    }
  },
);
