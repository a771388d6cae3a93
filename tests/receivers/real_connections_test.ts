/** Reports of connections in InfluxDB and in Prometheus, queried back and compared with their JSON. */
import { assert, assertEquals } from "@std/assert";
import { DATABASE, InfluxDb, inFull } from "./real/influxdb.ts";
import { BINARY } from "./real/probe.ts";
import { fetchDecoder, OtlpReceiver, withoutDecoder } from "./real/otlp.ts";
import { Prometheus, promtoolComplaints } from "./real/prometheus.ts";
import { freePort } from "../../scripts/gate/command.ts";
import { Folder, get, realTest, untilTrue } from "./real/receiver.ts";

const MEASUREMENT = "tcp_connections";
const WITH_PARENT = ["--pdeathsig", "KILL"];
/** The bytes that the client sends in each write. */
const CHUNK = new Uint8Array(1000);
const WRITES = 20;

/** Fields of wire-probe.connections.v1 that are compared. */
interface Line {
  readonly schema: string;
  readonly time: string;
  readonly group: string;
  readonly direction: string | null;
  readonly connections: number;
  readonly segments_out: number;
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly min_rtt_ms: number | null;
}

/** `connections --output json`; what it has printed so far grows in `lines`. */
class Watched implements AsyncDisposable {
  readonly lines: Line[] = [];
  #child: Deno.ChildProcess;
  #ended: Promise<void>;

  constructor(args: readonly string[]) {
    const words = [...WITH_PARENT, "--", BINARY, "connections", "-o", "json", ...args];
    this.#child = new Deno.Command("setpriv", {
      args: words,
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#ended = this.#read();
  }

  /** Ends it and waits until it has delivered what was left. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#ended;
    assertEquals((await this.#child.status).code, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#child.status;
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      this.lines.push(...lines.map((line): Line => JSON.parse(line)));
    }
  }
}

/** A connection on loopback with some bytes to send. */
class Pair implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  #ends: Deno.Conn[] = [];
  readonly port = this.#listener.addr.port;

  async open(): Promise<void> {
    const client = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    const server = await this.#listener.accept();
    this.#ends = [client, server];
  }

  async send(): Promise<void> {
    const [client, server] = this.#ends;
    const buffer = new Uint8Array(CHUNK.length);
    for (let i = 0; i < WRITES; i++) {
      await client.write(CHUNK);
      for (let got = 0; got < CHUNK.length;) got += await server.read(buffer) ?? CHUNK.length;
    }
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends) end.close();
    this.#listener.close();
  }
}

function sumOf(lines: readonly Line[], field: "segments_out" | "bytes_out" | "bytes_in"): number {
  return lines.reduce((sum, line) => sum + line[field], 0);
}

async function assertInInflux(influx: InfluxDb, lines: readonly Line[]): Promise<void> {
  await untilTrue(`${lines.length} points`, async () => {
    return await influx.count(DATABASE, MEASUREMENT, "connections") >= lines.length;
  });
  const points = await influx.points(DATABASE, MEASUREMENT);
  assertEquals(points.length, lines.length);
  for (const line of lines) {
    const point = points.find(({ time, tags }) =>
      time === inFull(line.time) && tags.group === line.group
    );
    assert(point !== undefined, `no point of ${line.group} at ${line.time}`);
    const { connections, segments_out, bytes_in, bytes_out, min_rtt_ms } = point.fields;
    assertEquals({ connections, segments_out, bytes_in, bytes_out, min_rtt_ms }, {
      connections: line.connections,
      segments_out: line.segments_out,
      bytes_in: line.bytes_in,
      bytes_out: line.bytes_out,
      min_rtt_ms: line.min_rtt_ms,
    });
    assertEquals(point.tags.direction, line.direction);
  }
}

async function assertInPrometheus(prometheus: Prometheus, lines: readonly Line[]): Promise<void> {
  for (const direction of ["out", "in"]) {
    const own = lines.filter((line) => line.direction === direction);
    const wanted = {
      sent_bytes_total: sumOf(own, "bytes_out"),
      received_bytes_total: sumOf(own, "bytes_in"),
      sent_segments_total: sumOf(own, "segments_out"),
    };
    for (const [name, value] of Object.entries(wanted)) {
      const selector = `wire_probe_connections_${name}{direction="${direction}"}`;
      await untilTrue(`${selector} is ${value}`, async () => {
        const [series] = await prometheus.series(selector);
        return series?.samples.at(-1)?.[1] === value;
      });
    }
  }
}

realTest(
  "InfluxDB and Prometheus have what the reports of connections say, and promtool has no objection",
  ["influxd", "prometheus", "promtool"],
  async () => {
    using folder = new Folder();
    using pair = new Pair();
    await pair.open();
    await using influx = new InfluxDb(folder);
    const metrics = `127.0.0.1:${freePort()}`;
    await using prometheus = new Prometheus(folder, metrics, []);
    await influx.start();
    const exports = ["--export", influx.exportUrl, "--export", `prometheus://${metrics}`];
    await using watched = new Watched(["-i", "500ms", "--port", `${pair.port}`, ...exports]);
    await prometheus.ready();
    await untilTrue("a first report", () => Promise.resolve(watched.lines.length > 0));
    await pair.send();
    const ofGroups = () =>
      watched.lines.filter(({ schema }) => schema === "wire-probe.connections.v1");
    const sent = WRITES * CHUNK.length;
    await untilTrue("all of it was reported", () => {
      const out = ofGroups().filter(({ direction }) => direction === "out");
      return Promise.resolve(sumOf(out, "bytes_out") === sent);
    });
    assertEquals(await promtoolComplaints(await get(`http://${metrics}/metrics`) ?? ""), "");
    await assertInPrometheus(prometheus, ofGroups());
    await watched.stop();
    await assertInInflux(influx, ofGroups());
  },
);

realTest(
  "OpenTelemetry's own decoder reads what the reports of connections say",
  ["npm"],
  async () => {
    using folder = new Folder();
    const decode = await fetchDecoder(folder);
    using pair = new Pair();
    await pair.open();
    await using receiver = new OtlpReceiver();
    const args = ["-i", "200ms", "--port", `${pair.port}`, "--export", receiver.url];
    await using watched = new Watched(args);
    await untilTrue("a first report", () => watched.lines.length > 0);
    await pair.send();
    const outgoing = () => watched.lines.filter(({ direction }) => direction === "out");
    const sent = WRITES * CHUNK.length;
    await untilTrue("all was reported", () => sumOf(outgoing(), "bytes_out") === sent);
    await watched.stop();
    const [{ scopeMetrics }] = await decode(receiver.requests[receiver.requests.length - 1].body);
    const metrics = new Map(scopeMetrics[0].metrics.map((metric) => [metric.name, metric]));
    const valueOf = (name: string) => {
      const metric = metrics.get(`wire_probe.connections.${name}`);
      const points = (metric?.sum ?? metric?.gauge)?.dataPoints ?? [];
      return points.find(({ attributes }) =>
        attributes.some(({ key, value }) => key === "direction" && value.stringValue === "out")
      )?.asDouble;
    };
    assertEquals([valueOf("sent"), valueOf("open")], [sent, 1]);
    assertEquals(valueOf("sent_segments"), sumOf(outgoing(), "segments_out"));
    assertEquals(metrics.get("wire_probe.connections.sent")?.unit, "By");
    assertEquals(metrics.has("wire_probe.probes"), false);
  },
  withoutDecoder(),
);
