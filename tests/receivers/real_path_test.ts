/** Paths in InfluxDB, Prometheus and OTLP, queried back and compared with the JSON of the same run. */
import { assert, assertAlmostEquals, assertEquals, assertGreater } from "@std/assert";
import { DATABASE, InfluxDb } from "./real/influxdb.ts";
import { type DataPoint, fetchDecoder, OtlpReceiver, withoutDecoder } from "./real/otlp.ts";
import { BINARY } from "./real/probe.ts";
import { Prometheus, promtoolComplaints } from "./real/prometheus.ts";
import { freePort } from "../../scripts/gate/command.ts";
import { Folder, get, realTest, untilTrue } from "./real/receiver.ts";

/** The targets, each one hop away. */
const TARGETS = [["near", "127.0.0.1"], ["other", "127.0.0.2"]] as const;

/** Fields of wire-probe.trace.v1 that are compared. */
interface Trace {
  readonly rounds: number;
  readonly hops: readonly {
    readonly sent: number;
    readonly answered: number;
    readonly addresses: readonly {
      readonly address: string;
      readonly rtt_ms: { readonly count: number; readonly avg: number };
    }[];
  }[];
}

/** `trace -o json` as an agent, until `stop`. */
class Agent implements AsyncDisposable {
  #child: Deno.ChildProcess;
  #output: Promise<Deno.CommandOutput>;

  constructor(port: number, ...exports: string[]) {
    const targets = TARGETS.map(([name, address]) => `${name}=${address}:${port}`);
    const words = ["trace", "-n", "-o", "json", "-i", "200ms", ...targets];
    const parent = ["--pdeathsig", "KILL", "--", BINARY];
    this.#child = new Deno.Command("setpriv", {
      args: [...parent, ...words, ...exports.flatMap((url) => ["--export", url])],
      // OTLP's requests come so often, in ms.
      env: { OTEL_METRIC_EXPORT_INTERVAL: "1000" },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#output = this.#child.output();
  }

  /** Ends it; the path to each target. */
  async stop(): Promise<Trace[]> {
    this.#child.kill("SIGTERM");
    const { code, stdout } = await this.#output;
    assertEquals(code, 0);
    return new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#output;
  }
}

realTest(
  "InfluxDB and Prometheus have each hop of several targets as the trace's JSON says",
  ["influxd", "prometheus", "promtool"],
  async () => {
    using folder = new Folder();
    using listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
    await using influx = new InfluxDb(folder);
    const metrics = `127.0.0.1:${freePort()}`;
    await using prometheus = new Prometheus(folder, metrics, []);
    await influx.start();
    await using agent = new Agent(
      listener.addr.port,
      influx.exportUrl,
      `prometheus://${metrics}`,
    );
    await prometheus.ready();
    const selector = "wire_probe_path_hop_rtt_seconds_count";
    await untilTrue("both targets are scraped", async () => {
      return (await prometheus.series(selector)).length === TARGETS.length;
    });
    assertEquals(await promtoolComplaints(await get(`http://${metrics}/metrics`) ?? ""), "");
    const changes = await prometheus.series("wire_probe_path_changes_total");
    assertEquals(changes.map(({ samples }) => samples.at(-1)?.[1]), [0, 0]);
    const traces = await agent.stop();
    const rows = await influx.points(DATABASE, "trace_hop_rtt");
    const hops = await influx.points(DATABASE, "trace_hop");
    for (const [i, [target, address]] of TARGETS.entries()) {
      const [hop] = traces[i].hops;
      const sum = (points: typeof rows, field: string) =>
        points.filter(({ tags }) => tags.target === target && tags.hop === "1")
          .reduce((total, { fields }) => total + Number(fields[field]), 0);
      assertEquals([sum(hops, "sent"), sum(hops, "answered")], [hop.sent, hop.answered], target);
      const { rtt_ms: rtt } = hop.addresses[0];
      const own = rows.filter(({ tags }) => tags.address === address);
      assertEquals(own.length, rtt.count, target);
      assertAlmostEquals(sum(own, "rtt_ms") / own.length, rtt.avg, 0.001);
    }
  },
);

realTest(
  "OpenTelemetry's own decoder reads what a trace's JSON says of each hop",
  ["npm"],
  async () => {
    using folder = new Folder();
    const decode = await fetchDecoder(folder);
    using listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
    await using receiver = new OtlpReceiver();
    await using agent = new Agent(listener.addr.port, receiver.url);
    const latest = async () => {
      const [{ scopeMetrics }] = await decode(receiver.requests[receiver.requests.length - 1].body);
      return new Map(scopeMetrics[0].metrics.map((metric) => [metric.name, metric]));
    };
    await untilTrue("three rounds and more of both", async () => {
      if (receiver.requests.length === 0) return false;
      const points = (await latest()).get("wire_probe.path.rounds")?.sum?.dataPoints ?? [];
      return points.filter(({ asDouble = 0 }) => asDouble > 3).length === TARGETS.length;
    });
    const traces = await agent.stop();
    const metrics = await latest();
    for (const [i, [target, address]] of TARGETS.entries()) {
      const is = (point: DataPoint, key: string, wanted: string) =>
        point.attributes.some((of) => of.key === key && of.value.stringValue === wanted);
      const valueOf = (name: string, key: string, wanted: string) => {
        const metric = metrics.get(`wire_probe.path.${name}`);
        const points = (metric?.sum ?? metric?.gauge)?.dataPoints ?? [];
        return points.find((point) => is(point, "target", target) && is(point, key, wanted))
          ?.asDouble;
      };
      const [hop] = traces[i].hops;
      const { count, avg } = hop.addresses[0].rtt_ms;
      assertGreater(count, 2);
      // The metric counts whole rounds; the signal may come in the middle of one.
      const brokenOff = traces[i].rounds - (valueOf("rounds", "protocol", "tcp") ?? NaN);
      assert([0, 1].includes(brokenOff), String(brokenOff));
      assertEquals(valueOf("changes", "protocol", "tcp"), 0);
      assertEquals(valueOf("hop_probes", "hop", "1"), hop.sent);
      assertEquals(valueOf("hop_rtt.count", "address", address), count);
      assertAlmostEquals(
        valueOf("hop_rtt.sum", "address", address) ?? NaN,
        avg * count / 1000,
        1e-6 * count,
      );
      assertEquals(valueOf("info", "address", address), 1);
    }
    assertEquals(metrics.get("wire_probe.path.hop_rtt.sum")?.unit, "s");
    assertEquals(metrics.get("wire_probe.path.changes")?.sum?.isMonotonic, true);
  },
  withoutDecoder(),
);
