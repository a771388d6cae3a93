/** Prometheus, which scrapes the probe's pages; its samples are asked for and compared. */
import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import { OUTCOMES } from "../../src/domain/outcome.ts";
import { Peers } from "./real/peers.ts";
import { Probe, type ProbeLine } from "./real/probe.ts";
import { Prometheus, promtoolComplaints, type SampledSeries } from "./real/prometheus.ts";
import { freePort } from "../../scripts/gate/command.ts";
import { Stalls } from "../wan/harness/stalls.ts";
import { Folder, get, realTest, until } from "./real/receiver.ts";

const COUNT = 20;
const TIMEOUT_MS = 3000;
const ODD_NAME = 'db "1" \\ ü';
/** What lies between clocks, and between a probe's fate and its being counted. */
const SLACK_S = 0.15;

/** When a probe's fate was known, in seconds since the epoch. */
function doneAt({ time, connect_ms }: ProbeLine): number {
  return (Date.parse(time) + (connect_ms ?? TIMEOUT_MS)) / 1000;
}

/** Of a prober's scrapes, by their times in seconds: how long each took. */
type Scrapes = ReadonlyMap<number, number>;

/**
 * Each sample counts what was done by then, no more and no less. A page was made while its scrape took
 * place; `lateS` is by how much the machine may have been late.
 */
function assertCounts(
  series: SampledSeries,
  made: readonly ProbeLine[],
  { scrapes, lateS }: { scrapes: Scrapes; lateS: number },
  what: string,
): void {
  const done = made.map(doneAt);
  const doneBy = (at: number) => done.filter((moment) => moment <= at).length;
  assert(series.samples.length >= 3, `${what}: ${series.samples.length} samples`);
  for (const [at, value] of series.samples) {
    const tookS = scrapes.get(at);
    assert(tookS !== undefined, `${what}: no scrape at ${at}`);
    const [least, most] = [doneBy(at - SLACK_S - lateS), doneBy(at + tookS + SLACK_S)];
    assert(least <= value && value <= most, `${what}: ${value} is not in ${least}…${most}`);
  }
}

function last(series: SampledSeries | undefined): number {
  return series?.samples.at(-1)?.[1] ?? NaN;
}

/** The last value of the one series that a selector names. */
async function lastOf(prometheus: Prometheus, selector: string): Promise<number> {
  const found = await prometheus.series(selector);
  assertEquals(found.length, 1, selector);
  return last(found[0]);
}

async function assertHistogram(prometheus: Prometheus, made: readonly ProbeLine[]): Promise<void> {
  const rtts = made.filter(({ outcome, cold, rtt_source }) =>
    outcome === "established" && !cold && rtt_source === "kernel"
  ).map(({ rtt_ms }) => (rtt_ms ?? NaN) / 1000);
  const name = "wire_probe_rtt_seconds";
  const live = '{rack="r 1",az="default",target=~"db.*"}';
  assertEquals(await lastOf(prometheus, `${name}_count${live}`), rtts.length);
  const sum = rtts.reduce((total, rtt) => total + rtt, 0);
  assertAlmostEquals(await lastOf(prometheus, `${name}_sum${live}`), sum, 1e-9);
  const buckets = await prometheus.series(`${name}_bucket${live}`);
  assert(buckets.length > 5, `${buckets.length} buckets`);
  for (const bucket of buckets) {
    const { le } = bucket.metric;
    const bound = le === "+Inf" ? Infinity : Number(le);
    assertEquals(last(bucket), rtts.filter((rtt) => rtt <= bound).length, `le=${le}`);
  }
}

/** Each target's counters, of which those of the silent peer were last scraped before its end. */
async function assertCounters(
  prometheus: Prometheus,
  probes: readonly ProbeLine[],
  stalledMs: number,
): Promise<void> {
  const [durations] = await prometheus.series('scrape_duration_seconds{job="agent"}');
  const lateMs = Math.max(stalledMs, ...probes.map(({ lag_ms }) => lag_ms));
  const when = { scrapes: new Map(durations.samples), lateS: lateMs / 1000 };
  const counters = await prometheus.series('wire_probe_probes_total{job="agent"}');
  assertEquals(counters.length, 3 * OUTCOMES.length);
  for (const series of counters) {
    const { target, outcome, rack, az } = series.metric;
    assertEquals({ rack, az }, { rack: "r 1", az: "default" });
    const made = probes.filter((line) => line.target === target && line.outcome === outcome);
    assertCounts(series, made, when, `${target} ${outcome}`);
    if (target !== "silent") assertEquals(last(series), made.length, `${target} ${outcome}`);
  }
}

/** What came of Prometheus having a live and a dead peer probed. */
async function assertOnDemand(prometheus: Prometheus, peers: Peers): Promise<void> {
  for (const [instance, success] of [[peers.live, 1], [peers.dead, 0]] as const) {
    const selector = `{job="on-demand",instance="${instance}"}`;
    const [successes] = await prometheus.series(`probe_success${selector}`);
    assert(successes.samples.length >= 3, `${instance}: ${successes.samples.length} samples`);
    assertEquals(successes.samples.filter(([, value]) => value !== success), [], instance);
    assertEquals(await lastOf(prometheus, `probe_ip_protocol${selector}`), 4);
    assertLessOrEqual(await lastOf(prometheus, `probe_duration_seconds${selector}`), 1);
  }
}

realTest(
  "Prometheus has each probe by its outcome, the round trips, and targets probed on demand",
  ["prometheus", "promtool"],
  async () => {
    using folder = new Folder();
    using peers = new Peers();
    const agent = `127.0.0.1:${freePort()}`;
    const silent = await peers.silent();
    await using prometheus = new Prometheus(folder, agent, [peers.live, peers.dead]);
    await prometheus.ready();
    using stalls = new Stalls();
    await using probe = new Probe(
      ...["-c", `${COUNT}`, "-i", "100ms", "-t", `${TIMEOUT_MS}ms`, "--label", "rack=r 1"],
      ...["--export", `prometheus://${agent}?probe=any`],
      ...[`${ODD_NAME}=${peers.live}`, `dead=${peers.dead}`, `silent=${silent}`],
    );
    const page = await until("the probe's page", () => get(`http://${agent}/metrics`));
    assertEquals(await promtoolComplaints(page), "");
    // The silent peer's probes outlast the others', whose counts are final by then.
    await probe.end();
    assertEquals(probe.probes.length, 3 * COUNT, probe.stderr);
    await assertCounters(prometheus, probe.probes, stalls.ms);
    await assertHistogram(prometheus, probe.probes);
    await assertOnDemand(prometheus, peers);
    assertEquals(prometheus.complaints, "");
  },
);
