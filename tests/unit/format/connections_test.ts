/** Reports of connections in every format, read back by readers of their own. */
import { assert, assertEquals } from "@std/assert";
import type { ConnectionGroup, ConnectionReport } from "../../../src/domain/connection.ts";
import { connectionsCollectd } from "../../../src/format/connections_collectd.ts";
import { CONNECTIONS_CSV_HEADER, connectionsCsv } from "../../../src/format/connections_csv.ts";
import { connectionsInflux } from "../../../src/format/connections_influx.ts";
import { connectionsJson } from "../../../src/format/connections_json.ts";
import { ConnectionSeries } from "../../../src/format/connections_metrics.ts";
import { prometheusFamilies } from "../../../src/format/metric_family.ts";
import { connectionLines, size } from "../../../src/format/connections_text.ts";
import { plain } from "../../../src/format/paint.ts";
import { columnsOf } from "../../../src/text/columns.ts";
import { aGroup, aReport, aSpread } from "../connections/reports.ts";
import { readCsv } from "./csv_reader.ts";
import { readPoints } from "./influx_reader.ts";
import { parsePage } from "./prometheus_reader.ts";
import { written } from "./written.ts";

const BULK = aGroup({
  connections: 50,
  opened: 2,
  closed: 1,
  rtt: aSpread(21_000, 50),
  minRttUs: 20_000,
  rttVarianceUs: 300,
  segmentsOut: 1000,
  segmentsRetransmitted: 20,
  bytesIn: 1500,
  bytesOut: 2_000_000,
  observedUs: 50e6,
  busyUs: 25e6,
  receiverLimitedUs: 5e6,
  verdicts: [{ verdict: "loss", evidence: "the path lost 20 of 1000 segments (2.0%)" }],
});
const REPLIES = aGroup({
  group: ":5432 from 2001:db8:1234:5678:9abc:def0:1234:5678",
  direction: "in",
  localPort: 5432,
  peer: "2001:db8:1234:5678:9abc:def0:1234:5678",
  peerPort: null,
  owner: 'post"gres, \\',
  peerName: "app-1.example",
  replyRtt: aSpread(50_000),
  minRttUs: 20_000,
  connecting: 0,
  closeWait: 3,
  acceptQueues: { waiting: 5, limit: 4, drops: 3 },
});
const OTHERS = aGroup({ group: "others", direction: null, peer: null, peerPort: null });
const REPORT = aReport([BULK, REPLIES, OTHERS], {
  listening: [{ port: 5432, waiting: 5, limit: 4, drops: 3 }],
});

Deno.test("text fits 80 columns, and any width from 40 to 200", () => {
  for (let width = 40; width <= 200; width += 7) {
    for (const line of connectionLines(REPORT, width, plain)) {
      assert(columnsOf(line) <= Math.max(width, 55), `${width}: ${line}`);
    }
  }
  for (const line of connectionLines(REPORT, 80, plain)) assert(columnsOf(line) <= 80, line);
});

Deno.test("text shows both directions, the others, verdicts with evidence and what ~ means", () => {
  assertEquals(connectionLines(REPORT, 80, plain), [
    "70 connections in 3 groups over 1.0s; this machine opened 3 and accepted 4",
    "",
    "opened here             conns      min      p50   p99 ms  resent    in/s   out/s",
    "10.0.0.5:5432              50   20.000   21.000   22.500    2.0%    1.5K    2.0M",
    "  loss: the path lost 20 of 1000 segments (2.0%)",
    "",
    "accepted here           conns      min      p50   p99 ms  resent    in/s   out/s",
    ':5432 from 2001:db8:1234:5678:9abc:def0:1234:5678 app-1.example [post"gres, \\]',
    "                           10   20.000  ~50.000  ~51.500       -       0       0",
    "  3 in CLOSE_WAIT",
    "port 5432: accept queue 5 of 4, 3 dropped",
    "",
    "others                  conns      min      p50   p99 ms  resent    in/s   out/s",
    "others                     10        -        -        -       -       0       0",
    "",
    "~ acknowledgements may have waited for replies, so the peer's thinking is in",
    "  it; min is the network's",
  ]);
});

Deno.test("sizes have at most six columns", () => {
  for (let bytes = 0.4; bytes < 1e17; bytes *= 1.7) assert(size(bytes).length <= 6, size(bytes));
  assertEquals([0, 999, 1500, 99_950, 1e6].map(size), ["0", "999B", "1.5K", "100K", "1.0M"]);
});

Deno.test("JSON has every field in every line, null where undefined", () => {
  const lines = connectionsJson(REPORT).trimEnd().split("\n").map((line) => JSON.parse(line));
  const [bulk, replies, others, total] = lines;
  for (const line of [replies, others]) assertEquals(Object.keys(line), Object.keys(bulk));
  assertEquals(bulk, {
    schema: "wire-probe.connections.v1",
    time: "2026-11-21T09:00:01.250000Z",
    interval_ms: 1000,
    group: "10.0.0.5:5432",
    direction: "out",
    local_port: null,
    peer: "10.0.0.5",
    peer_port: 5432,
    peer_name: null,
    process: null,
    connections: 50,
    opened: 2,
    closed: 1,
    rtt_ms: { count: 50, min: 20.5, p50: 21, p99: 22.5, max: 23 },
    reply_rtt_ms: null,
    handshake_ms: null,
    min_rtt_ms: 20,
    rtt_variance_ms: 0.3,
    segments_out: 1000,
    segments_retransmitted: 20,
    retransmitted_ratio: 0.02,
    bytes_in: 1500,
    bytes_out: 2_000_000,
    busy_ratio: 0.5,
    receiver_limited_ratio: 0.1,
    send_buffer_limited_ratio: 0,
    connecting: 0,
    close_wait: 0,
    accept_queue: null,
    accept_queue_limit: null,
    listen_drops: null,
    verdicts: [{ verdict: "loss", evidence: "the path lost 20 of 1000 segments (2.0%)" }],
  });
  assertEquals([replies.rtt_ms, replies.reply_rtt_ms.p50, replies.accept_queue], [null, 50, 5]);
  assertEquals([others.direction, others.busy_ratio, others.retransmitted_ratio], [
    null,
    null,
    null,
  ]);
  assertEquals([total.schema, total.connections, total.active_opens], [
    "wire-probe.connections_total.v1",
    70,
    3,
  ]);
});

Deno.test("CSV has as many fields as its header, whatever a name holds", () => {
  const rows = readCsv(CONNECTIONS_CSV_HEADER + connectionsCsv(REPORT));
  assertEquals(rows.map((row) => row.length), [43, 43, 43, 43]);
  const [header, , replies] = rows;
  assertEquals(replies[header.indexOf("process")], 'post"gres, \\');
  assertEquals(replies[header.indexOf("reply_rtt_p50_ms")], "50");
  assertEquals(rows[1][header.indexOf("verdicts")], "loss");
});

Deno.test("Influx lines are points, a group each and one for the whole", () => {
  const text = [...connectionsInflux(REPORT, "db 1")].map((step) => written(step)).join("");
  const points = readPoints(text);
  assertEquals(points.map(({ measurement }) => measurement), [
    "tcp_connections",
    "tcp_connections",
    "tcp_connections",
    "tcp_connections_total",
  ]);
  const [bulk, replies] = points;
  assertEquals(Object.fromEntries(bulk.tags), {
    host: "db 1",
    group: "10.0.0.5:5432",
    direction: "out",
    peer: "10.0.0.5",
    peer_port: "5432",
  });
  assertEquals([bulk.fields.connections, bulk.fields.rtt_p50_ms, bulk.fields.verdicts], [
    50n,
    21,
    "loss",
  ]);
  assertEquals(bulk.time, 1_795_251_601_250_000_000n);
  assertEquals([replies.fields.rtt_p50_ms, replies.fields.accept_queue], [undefined, 5n]);
  assertEquals(Object.fromEntries(replies.tags).process, 'post"gres, ');
});

Deno.test("PUTVAL lines have types that collectd knows, and no slash in a group", () => {
  const prefix = aGroup({ group: "10.0.0.0/24:5432", rtt: aSpread(21_000) });
  const steps = connectionsCollectd(aReport([prefix]), { host: "h", intervalMs: 5000 });
  const lines = [...steps].flatMap((step) => written(step).trimEnd().split("\n"));
  for (const line of lines) {
    const match = /^PUTVAL (\S+) interval=5 N:[0-9.]+$/.exec(line);
    assert(match !== null, line);
    assertEquals(match[1].split("/").length, 3, line);
  }
  assert(
    lines.includes(
      "PUTVAL h/wire-probe-connections-10.0.0.0_24:5432/latency-rtt_p50 interval=5 N:21",
    ),
  );
});

function pageOf(...reports: readonly ConnectionReport[]): string {
  const series = new ConnectionSeries();
  for (const report of reports) series.add(report);
  return [...prometheusFamilies(series.families())].map((step) => written(step)).join("");
}

Deno.test("Prometheus counters add up while a group is shown, in base units", () => {
  const page = parsePage(pageOf(REPORT, REPORT));
  const value = (name: string, group: string) =>
    page.samples.find((sample) =>
      sample.name === `wire_probe_connections_${name}` && sample.labels.get("group") === group
    )?.value;
  assertEquals(value("open", BULK.group), 50);
  assertEquals(value("sent_segments_total", BULK.group), 2000);
  assertEquals(value("busy_seconds_total", BULK.group), 50);
  assertEquals(value("min_rtt_seconds", BULK.group), 0.02);
  assertEquals(value("rtt_seconds_count", BULK.group), 100);
  assertEquals(value("rtt_seconds_sum", BULK.group), 2.1);
  assertEquals(value("reply_rtt_seconds_count", REPLIES.group), 20);
  assertEquals(value("rtt_seconds_count", REPLIES.group), undefined);
  const gone = parsePage(pageOf(REPORT, aReport([OTHERS])));
  assertEquals(
    new Set(gone.samples.map(({ labels }) => labels.get("group")).filter(Boolean)).size,
    1,
  );
});

Deno.test("the default number of lines makes at most 200 series, whatever they hold", () => {
  const full = (i: number): ConnectionGroup => ({
    ...REPLIES,
    group: `:5432 from 10.0.0.${i}`,
    peer: `10.0.0.${i}`,
    rtt: aSpread(1),
    verdicts: BULK.verdicts,
  });
  const listening = Array.from(
    { length: 20 },
    (_, port) => ({ port, waiting: 0, limit: 1, drops: 0 }),
  );
  const groups = [...Array.from({ length: 8 }, (_, i) => full(i)), OTHERS];
  const page = parsePage(pageOf(aReport(groups, { listening })));
  assert(page.samples.length <= 200, `${page.samples.length} series`);
});
