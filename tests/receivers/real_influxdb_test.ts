/** InfluxDB 1.x, fed over HTTP and UDP; every point is read back by InfluxQL and compared. */
import { assert, assertEquals } from "@std/assert";
import { DATABASE, InfluxDb, inFull, type Point, UDP_DATABASE } from "./real/influxdb.ts";
import { Peers } from "./real/peers.ts";
import { Probe, type ProbeLine, type WindowLine } from "./real/probe.ts";
import { Folder, realTest, untilTrue } from "./real/receiver.ts";

const COUNT = 40;
const TARGET = "tcp_latency";
const WINDOW = "tcp_latency_window";
/** Everything the line protocol has to escape, and what it must leave alone. */
const ODD_NAME = 'db 1, "ü"\\x ☃';
const ODD_LABELS = { note: 'k=v, "w" \\y é', rack: "r1" };
const ODD_AZ = "zone a=1,b";

/** The point that a probe's line stands for. */
function pointOf(line: ProbeLine): Point {
  const answered = line.outcome === "established";
  const fields: Record<string, string | number | boolean> = {
    success: answered ? 1 : 0,
    lag_ms: line.lag_ms,
    cold: line.cold,
    outcome: line.outcome,
  };
  if (answered && line.rtt_ms !== null) fields.rtt_ms = line.rtt_ms;
  if (line.connect_ms !== null) fields.connect_ms = line.connect_ms;
  if (line.syn_retransmits !== null) fields.syn_retransmits = line.syn_retransmits;
  const tags = { target: line.target, az: line.az, host: Deno.hostname(), ...line.labels };
  return { time: inFull(line.time), tags, fields };
}

/** The point that a window's line stands for, less its labels. */
function windowPointOf(line: WindowLine): Point {
  const { sent, answered, lost, refused, unreachable, skipped, not_sent } = line;
  const { syn_retransmits, rtt_ms } = line;
  const counts = { sent, answered, lost, refused, unreachable, skipped, not_sent };
  const fields: Record<string, number> = counts;
  if (syn_retransmits !== null) fields.syn_retransmits = syn_retransmits;
  for (const figure of ["min", "avg", "p50", "p90", "p99", "max"]) {
    const value = rtt_ms[figure];
    if (value !== null) fields[`rtt_${figure}_ms`] = value;
  }
  return {
    time: inFull(line.time),
    tags: { target: line.target, az: "default", host: Deno.hostname() },
    fields,
  };
}

/** By target and time; to the microsecond, since nanoseconds only keep points apart. */
function inOrder(points: readonly Point[]): Point[] {
  const key = ({ tags, time }: Point) => `${tags.target} ${time}`;
  return [...points].sort((a, b) => key(a) < key(b) ? -1 : 1)
    .map((point) => ({ ...point, time: point.time.slice(0, -"000Z".length) }));
}

async function withInflux(body: (influx: InfluxDb, peers: Peers) => Promise<void>): Promise<void> {
  using folder = new Folder();
  using peers = new Peers();
  await using influx = new InfluxDb(folder);
  await influx.start();
  await body(influx, peers);
}

/** Waits for so many points, then gives it the chance to show that there are more. */
async function pointsOf(
  influx: InfluxDb,
  database: string,
  measurement: string,
  count: number,
): Promise<Point[]> {
  const field = measurement === TARGET ? "success" : "sent";
  await untilTrue(`${count} points in ${database}`, async () => {
    return await influx.count(database, measurement, field) >= count;
  });
  return await influx.points(database, measurement);
}

realTest("InfluxDB has each probe's values, over HTTP and over UDP", ["influxd"], async () => {
  await withInflux(async (influx, peers) => {
    const udp = `telegraf-udp://127.0.0.1:${influx.udpPort}`;
    const labels = Object.entries(ODD_LABELS).flatMap((
      [key, value],
    ) => ["--label", `${key}=${value}`]);
    await using probe = new Probe(
      ...["-c", `${COUNT}`, "-i", "25ms", "-t", "200ms", "--az", ODD_AZ, ...labels],
      ...["--export", influx.exportUrl, "--export", udp],
      ...[`${ODD_NAME}=${peers.live}`, `dead=${peers.dead}`, `silent=${await peers.silent()}`],
    );
    await probe.end();
    assertEquals(probe.probes.length, 3 * COUNT, probe.stderr);
    const expected = inOrder(probe.probes.map(pointOf));
    for (const database of [DATABASE, UDP_DATABASE]) {
      const points = await pointsOf(influx, database, TARGET, expected.length);
      assertEquals(inOrder(points), expected, database);
    }
    for (const [target, success] of [[ODD_NAME, 1], ["dead", 0], ["silent", 0]] as const) {
      const of = expected.filter(({ tags }) => tags.target === target);
      assertEquals(of.map(({ fields }) => fields.success), Array(COUNT).fill(success));
      assert(of.every(({ fields }) => "rtt_ms" in fields === (success === 1)), target);
    }
    assertEquals(probe.dropped, 0);
  });
});

realTest("InfluxDB merges no two points of a thousand probes at once", ["influxd"], async () => {
  await withInflux(async (influx, peers) => {
    const burst = ["-i", "1s", "--burst", "1000", "-c", "2000", "--close", "rst"];
    await using probe = new Probe(...burst, "--export", influx.exportUrl, `live=${peers.live}`);
    await probe.end();
    assertEquals(probe.probes.length, 2000, probe.stderr);
    assertEquals((await pointsOf(influx, DATABASE, TARGET, 2000)).length, 2000);
    assertEquals(probe.dropped, 0);
  });
});

realTest("InfluxDB has the windows, and no single probes beside them", ["influxd"], async () => {
  await withInflux(async (influx, peers) => {
    const udp = `telegraf-udp://127.0.0.1:${influx.udpPort}`;
    await using probe = new Probe(
      ...["-c", "25", "-i", "100ms", "--window", "1s", "--per-probe=false"],
      ...["--export", influx.exportUrl, "--export", udp],
      ...[`live=${peers.live}`, `dead=${peers.dead}`],
    );
    await probe.end();
    assertEquals(probe.probes, []);
    assert(probe.windows.length >= 6, probe.stderr);
    const sent = probe.windows.reduce((sum, window) => sum + window.sent, 0);
    assertEquals(sent, 50);
    const expected = inOrder(probe.windows.map(windowPointOf));
    for (const database of [DATABASE, UDP_DATABASE]) {
      const points = await pointsOf(influx, database, WINDOW, expected.length);
      assertEquals(inOrder(points.map(withoutHost)), expected, database);
      assertEquals(await influx.points(database, TARGET), [], database);
    }
  });
});

/** How short the host was of CPU, memory and IO is the machine's matter. */
function withoutHost(point: Point): Point {
  const fields = Object.entries(point.fields).filter(([name]) => !/^host_.*_ratio$/.test(name));
  return { ...point, fields: Object.fromEntries(fields) };
}
