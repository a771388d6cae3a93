/**
 * The alerts: promtool's tests of the rules as they are shipped, and a Prometheus in which each
 * real cause makes its alert fire and resolve. Those that need a network are in
 * network_alerts_test.ts.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { type Case, firesAndResolves, nothingFires, quickRules, SHIPPED } from "./real/alerts.ts";
import { Machine } from "./real/machine.ts";
import { Peers } from "./real/peers.ts";
import { Prometheus } from "./real/prometheus.ts";
import { freePort } from "../../scripts/gate/command.ts";
import { Folder, passing, type Program, realTest, untilTrue } from "./real/receiver.ts";
import { Service } from "./real/service.ts";
import { InfluxServer, UdpReceiver } from "./receivers.ts";

/** How long nothing is wrong at first, and no alert fires. */
const CALM_MS = 3000;
/** Longer than the lag that the quickened alert bears, and out of step with a probe a second. */
const STOPPED_MS = 700;
const RUNS_MS = 430;
realTest("promtool finds nothing wrong with what is shipped, and each alert's test passes", [
  "promtool",
], async () => {
  using folder = new Folder();
  const files = ["alerts_test.yml", "week_test.yml"].map((name) => {
    const tests = Deno.readTextFileSync(`${import.meta.dirname}/prometheus_rules/${name}`);
    return folder.write(name, tests.replaceAll("RULES", SHIPPED.pathname));
  });
  for (const name of ["prometheus.yml", "on_demand.yml"]) await promtool("check", "config", name);
  await promtool("test", "rules", ...files);
});

/** A container's port as Prometheus discovers it in a cluster. */
function discovered(pod: string, portName: string, phase: string): unknown {
  const meta = {
    namespace: "monitoring",
    pod_name: pod,
    pod_node_name: "node-7",
    pod_phase: phase,
    pod_container_port_name: portName,
  };
  const labels = Object.entries(meta).map(([key, value]) => [`__meta_kubernetes_${key}`, value]);
  return { targets: ["10.1.2.3:9273"], labels: Object.fromEntries(labels) };
}

realTest("of a cluster's ports those of wire-probe are scraped, under their pods' names", [
  "promtool",
], async () => {
  using folder = new Folder();
  const shipped = Deno.readTextFileSync(new URL("kubernetes.yml", SHIPPED));
  // Debian's Prometheus cannot ask a cluster: what it would hear stands in a file.
  const discovery = /kubernetes_sd_configs:\n *- role: pod/;
  assertMatch(shipped, discovery);
  const ports = [
    discovered("a", "wire-probe", "Running"),
    discovered("a", "probe", "Running"),
    discovered("b", "wire-probe", "Failed"),
  ];
  const file = folder.write("ports.json", JSON.stringify(ports));
  const config = shipped.replace(discovery, `file_sd_configs:\n      - files: ["${file}"]`);
  const path = folder.write("prometheus.yml", config);
  const said = await promtool(
    "check",
    "service-discovery",
    path,
    "wire-probe-pods",
    "--timeout=2s",
  );
  const found: { labels: Record<string, string> }[] = JSON.parse(said);
  const kept = found.map(({ labels }) => labels).filter((labels) => Object.hasOwn(labels, "pod"));
  assertEquals(
    kept.map((
      labels,
    ) => [labels.pod, labels.namespace, labels.kubernetes_node, labels.__address__]),
    [["a", "monitoring", "node-7", "10.1.2.3:9273"]],
  );
});

/** What it says on standard output. */
async function promtool(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("promtool", { args, cwd: SHIPPED })
    .output();
  const [said, wrong] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals(success, true, said + wrong);
  return said;
}

/** Stops a program again and again, until told to leave it alone. */
async function stutter(program: Program, stop: () => boolean): Promise<void> {
  while (!stop()) {
    program.freeze();
    await passing(STOPPED_MS);
    program.thaw();
    await passing(RUNS_MS);
  }
}

/** A mesh of three on loopback. */
class Nodes {
  readonly machine: Machine;
  readonly #folder: Folder;
  readonly #file: string;
  readonly #port = freePort();
  readonly #httpPort = freePort();

  constructor(folder: Folder) {
    this.#folder = folder;
    this.machine = new Machine(folder, "pressed");
    const line = (i: number) => `n${i}=127.0.77.${i}:${this.#port} az=z${i}\n`;
    this.#file = folder.write("nodes", [1, 2, 3].map(line).join(""));
  }

  /** Where Prometheus finds a node. */
  page(i: number): string {
    return `127.0.77.${i}:${this.#httpPort}`;
  }

  start(i: number): Program {
    const machine = i === 2 ? this.machine : new Machine(this.#folder, `n${i}`);
    const schedule = ["-i", "200ms", "-t", "500ms", "--window", "1m"];
    const ports = ["--http-port", `${this.#httpPort}`];
    return machine.run(
      "mesh",
      "-q",
      "--nodes",
      this.#file,
      "--name",
      `n${i}`,
      ...ports,
      ...schedule,
    );
  }
}

/** A prober whose targets are well until a test does something to them. */
class Prober {
  readonly machine: Machine;
  readonly metrics = `127.0.0.1:${freePort()}`;
  readonly silent = new Service();
  readonly lossy = new Service();
  closed = new Service();
  readonly #file: string;
  readonly #targets: readonly string[];

  constructor(folder: Folder, peers: Peers) {
    this.machine = new Machine(folder, "prober");
    const services = { silent: this.silent, lossy: this.lossy, closed: this.closed };
    const named = Object.entries(services).map(([name, { target }]) => `${name}=${target}`);
    this.#targets = [`well=${peers.live}`, ...named];
    this.#file = folder.write("targets", "");
    this.name([]);
  }

  /** Writes the file of targets with these beside the others. */
  name(more: readonly string[]): void {
    Deno.writeTextFileSync(this.#file, [...this.#targets, ...more, ""].join("\n"));
  }

  start(receiverPort: number, databasePort: number): Program {
    const exports = [
      `prometheus://${this.metrics}`,
      `telegraf-udp://127.0.0.1:${receiverPort}`,
      `influx-http://127.0.0.1:${databasePort}/?db=d`,
    ];
    const schedule = ["-o", "none", "-i", "200ms", "-t", "2500ms", "--targets", this.#file];
    return this.machine.run("probe", ...schedule, ...exports.flatMap((url) => ["--export", url]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const services = [this.silent, this.lossy, this.closed];
    await Promise.all(services.map((service) => service[Symbol.asyncDispose]()));
  }
}

realTest("each alert fires when its cause is made, not before, and resolves", [
  "prometheus",
], async () => {
  using folder = new Folder();
  using peers = new Peers();
  await using prober = new Prober(folder, peers);
  let receiver: UdpReceiver | null = await UdpReceiver.open("127.0.0.1");
  const receiverPort = receiver.port;
  const database = new InfluxServer();
  const nodes = new Nodes(folder);
  const lateMetrics = `127.0.0.1:${freePort()}`;
  await using running = new AsyncDisposableStack();
  const probing = running.use(prober.start(receiverPort, database.port));
  const late = running.use(new Machine(folder, "late").run(
    ...["probe", "-o", "none", "-i", "1s", "--export", `prometheus://${lateMetrics}`],
    `well=${peers.live}`,
  ));
  for (const i of [1, 2]) running.use(nodes.start(i));
  let third = nodes.start(3);
  running.defer(() => third.stop());
  running.defer(() => receiver?.close());
  running.defer(() => database.stop());
  const pages = [prober.metrics, lateMetrics, ...[1, 2, 3].map((i) => nodes.page(i))];
  const prometheus = running.use(new Prometheus(folder, pages, [], quickRules(folder)));
  await prometheus.ready();
  await untilTrue(
    "each node has rows of the others",
    async () => (await prometheus.series("wire_probe_mesh_up")).length === 6,
  );
  await passing(CALM_MS);
  await nothingFires(prometheus);

  let stopStutter = false;
  const cases: Case[] = [{
    alert: "WireProbeTargetDown",
    labels: { target: "silent" },
    cause: () => void (prober.silent.pace = "never"),
    end: () => void (prober.silent.pace = "always"),
  }, {
    alert: "WireProbeSynLoss",
    labels: { target: "lossy" },
    cause: () => void (prober.lossy.pace = "seldom"),
    end: () => void (prober.lossy.pace = "always"),
  }, {
    alert: "WireProbeTargetRefuses",
    labels: { target: "closed" },
    cause: () => prober.closed[Symbol.asyncDispose](),
    end: () => void (prober.closed = new Service(prober.closed.port)),
  }, {
    alert: "WireProbeProbesNotSent",
    labels: { target: "none" },
    cause: () => {
      prober.name([`none=db.test:${prober.lossy.port}`]);
      Deno.kill(probing.pid, "SIGHUP");
    },
    end: () => prober.machine.resolve("db.test"),
  }, {
    alert: "WireProbeReceiverDropped",
    labels: { instance: prober.metrics },
    cause: async () => {
      await receiver?.close();
      receiver = null;
    },
    end: async () => void (receiver = await UdpReceiver.open("127.0.0.1", receiverPort)),
  }, {
    alert: "WireProbeReceiverDown",
    labels: { receiver: `influx-http://127.0.0.1:${database.port}` },
    cause: () => void (database.manner = { status: 503 }),
    end: () => void (database.manner = { status: 204 }),
  }, {
    alert: "WireProbeMeshNodeDead",
    labels: { peer: "n3" },
    cause: () => third.stop("SIGKILL"),
    end: () => void (third = nodes.start(3)),
  }, {
    alert: "WireProbeHostPressed",
    labels: { node: "n2" },
    cause: () => nodes.machine.press(80),
    end: () => nodes.machine.press(0),
  }, {
    alert: "WireProbeProberLate",
    labels: { instance: lateMetrics },
    cause: () => stutter(late, () => stopStutter),
    end: () => void (stopStutter = true),
  }];
  const gone: Case = {
    alert: "WireProbeGone",
    labels: { instance: lateMetrics },
    cause: () => late.freeze(),
    end: () => late.thaw(),
  };
  await Promise.all(cases.map(async (one) => {
    await firesAndResolves(prometheus, one);
    // The same prober: one after the other.
    if (one.alert === "WireProbeProberLate") await firesAndResolves(prometheus, gone);
  }));
  const of = 'ALERTS{target="well",alertname=~"WireProbeTarget.*|WireProbeSynLoss"}';
  assertEquals(await prometheus.series(of), []);
});
