/** VictoriaMetrics, fed as an InfluxDB over HTTP; every value is read back by its export API. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Peers } from "./real/peers.ts";
import { Probe, type ProbeLine } from "./real/probe.ts";
import { Folder, realTest, until } from "./real/receiver.ts";
import { type ExportedSeries, VictoriaMetrics } from "./real/victoria_metrics.ts";

const COUNT = 40;
const ODD_NAME = 'db 1, "ü" ☃';
const NOTE = "k=v, w é";

/** One value and its time in ms, by time. */
function pairs(series: ExportedSeries | undefined): [number, number][] {
  const { timestamps = [], values = [] } = series ?? {};
  return timestamps.map((at, i): [number, number] => [at, values[i]]).sort(([a], [b]) => a - b);
}

/** When a probe was sent, in whole ms, as VictoriaMetrics keeps times. */
function sentMs({ time }: ProbeLine): number {
  return Date.parse(`${time.slice(0, 23)}Z`);
}

realTest("VictoriaMetrics has each probe's values", ["victoria-metrics"], async () => {
  using folder = new Folder();
  using peers = new Peers();
  await using victoria = new VictoriaMetrics(folder);
  await victoria.ready();
  await using probe = new Probe(
    ...["-c", `${COUNT}`, "-i", "25ms", "--az", "zone a", "--label", `note=${NOTE}`],
    ...["--export", victoria.exportUrl, `${ODD_NAME}=${peers.live}`, `dead=${peers.dead}`],
  );
  await probe.end();
  assertEquals(probe.probes.length, 2 * COUNT, probe.stderr);
  const all = await until("all values in VictoriaMetrics", async () => {
    const series = await victoria.series("tcp_latency_.*");
    const successes = series.filter(({ metric }) => metric.__name__ === "tcp_latency_success");
    return successes.flatMap(pairs).length >= 2 * COUNT ? series : null;
  });
  const values = (name: string, target: string) =>
    pairs(all.find(({ metric }) => metric.__name__ === name && metric.target === target));

  for (const target of [ODD_NAME, "dead"]) {
    const said = probe.probes.filter((line) => line.target === target);
    const success = values("tcp_latency_success", target);
    const answered = target === ODD_NAME;
    assertEquals(success, said.map((line): [number, number] => [sentMs(line), answered ? 1 : 0]));
    const lag = values("tcp_latency_lag_ms", target);
    assertEquals(lag, said.map((line): [number, number] => [sentMs(line), line.lag_ms]));
    const rtt = values("tcp_latency_rtt_ms", target);
    assertEquals(rtt.length, answered ? COUNT : 0);
    rtt.forEach(([at, ms], i) => {
      assertEquals(at, sentMs(said[i]));
      assertAlmostEquals(ms, said[i].rtt_ms ?? NaN, 1e-9);
    });
  }
  const labels = { db: "lab", az: "zone a", note: NOTE };
  for (const { metric } of all) {
    const { db, az, note } = metric;
    assertEquals({ db, az, note }, labels, metric.__name__);
  }
  assertEquals(probe.dropped, 0);
});
