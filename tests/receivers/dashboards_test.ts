/** Every query of every dashboard, asked of a real server that real runs have filled. */
import { assert } from "@std/assert";
import { InfluxDb } from "./real/influxdb.ts";
import { Machine } from "./real/machine.ts";
import { Peers } from "./real/peers.ts";
import { HERE, Prometheus } from "./real/prometheus.ts";
import { freePort } from "../../scripts/gate/command.ts";
import { Folder, get, passing, realTest, untilTrue } from "./real/receiver.ts";
import { Traffic } from "./real/traffic.ts";

/** How long runs fill the servers. */
const FILLED_MS = 6000;
const NODES = ["n1", "n2"];

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr?: string; readonly query?: string }[];
  }[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string }[];
  };
}

/** A dashboard's queries with their panels' titles, and its variables' queries by their names. */
function read(name: string): { queries: [string, string][]; variables: Map<string, string> } {
  const url = new URL(`../../scripts/grafana/${name}.json`, import.meta.url);
  const { panels, templating }: Dashboard = JSON.parse(Deno.readTextFileSync(url));
  const queries = panels.flatMap(({ title, targets }) =>
    targets.map(({ expr, query }): [string, string] => [title, expr ?? query ?? ""])
  );
  return { queries, variables: new Map(templating.list.map(({ name, query }) => [name, query])) };
}

/** As Grafana fills in "All" and a short interval; nothing may be left. */
function filled(query: string, variables: Iterable<string>): string {
  let text = query.replaceAll("$__rate_interval", "10s").replaceAll("$__interval", "10s")
    .replaceAll("$timeFilter", "time > now() - 1h");
  for (const name of variables) text = text.replaceAll(`$${name}`, ".*");
  // What is left may only be the end of a regular expression.
  assert(!/\$[^/"]/.test(text), text);
  return text;
}

/** `counts`: how many values a variable offers. */
async function checkPrometheus(
  prometheus: Prometheus,
  name: string,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  const { queries, variables } = read(`${name}_prometheus`);
  for (const [title, query] of queries) {
    await untilTrue(`data of ${name}, ${title}`, async () => {
      return (await prometheus.values(filled(query, variables.keys()))).some(Number.isFinite);
    });
  }
  for (const [variable, query] of variables) {
    const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? [];
    if (selector === undefined) continue;
    await untilTrue(`${counts[variable]} values of ${name}, ${variable}`, async () => {
      const found = await prometheus.series(filled(selector, variables.keys()));
      return new Set(found.map(({ metric }) => metric[label])).size === counts[variable];
    });
  }
}

async function checkInfluxDb(
  influx: InfluxDb,
  name: string,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  const { queries, variables } = read(`${name}_influxdb`);
  for (const [title, query] of queries) {
    await untilTrue(`data of ${name}, ${title}`, async () => {
      const cells = await influx.values(filled(query, variables.keys()));
      return cells.some((cell) => cell !== null && cell !== "");
    });
  }
  for (const [variable, query] of variables) {
    if (query === "influxdb") continue;
    await untilTrue(`${counts[variable]} values of ${name}, ${variable}`, async () => {
      return (await influx.values(query)).length === counts[variable];
    });
  }
}

/**
 * A page of metrics as Telegraf's inputs.prometheus writes it with metric_version = 2: one measurement,
 * labels as tags, each metric a field (its README, "Metrics").
 */
function telegrafLines(page: string): string {
  return page.split("\n").flatMap((line) => {
    const [, name, labels = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) return [];
    const tags = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => `,${key}=${text}`);
    return [`prometheus${tags.join("")} ${name}=${value}`];
  }).join("\n");
}

realTest(
  "every query of the dashboards returns data",
  ["prometheus", "influxd"],
  async () => {
    using folder = new Folder();
    using peers = new Peers();
    await using traffic = await Traffic.open();
    await using influx = new InfluxDb(folder);
    await influx.start();
    const machine = new Machine(folder, "m", HERE, true);
    await using running = new AsyncDisposableStack();
    const agent = (command: string, ...args: string[]): string => {
      const metrics = `127.0.0.1:${freePort()}`;
      const exports = ["--export", `prometheus://${metrics}`, "--export", influx.exportUrl];
      running.use(machine.run(command, "-o", "none", ...exports, ...args));
      return metrics;
    };
    const targets = [
      ...[`well=${peers.live}`, `closed=${peers.dead}`],
      `silent=${await peers.silent()}`,
    ];
    const schedule = ["-i", "100ms", "-t", "500ms", "--burst", "2", "--az", "a"];
    const pages = [
      // With a receiver that takes nothing, of which the others are told.
      agent("probe", ...schedule, "--export", `influx-http://${peers.dead}/?db=none`, ...targets),
      agent("trace", "-n", "-i", "500ms", "-t", "500ms", `well=${peers.live}`),
      ...traffic.ports.map((port) =>
        agent("connections", "-i", "500ms", "--probe", "--port", `${port}`)
      ),
    ];
    const [port, http] = [freePort(), freePort()];
    const line = (name: string, i: number) => `${name}=127.0.78.${i + 1}:${port} az=z${i}\n`;
    const file = folder.write("nodes", NODES.map(line).join(""));
    for (const name of NODES) {
      const ports = ["--nodes", file, "--http-port", `${http}`, "--slo", "5"];
      running.use(machine.run("mesh", "-q", "--name", name, "-i", "200ms", ...ports));
    }
    const rows = NODES.map((_, i) => `127.0.78.${i + 1}:${http}`);
    const prometheus = running.use(new Prometheus(folder, [...pages, ...rows], []));
    await prometheus.ready();
    await untilTrue(
      "a scrape",
      async () => (await prometheus.series("wire_probe_success")).length > 0,
    );
    await passing(FILLED_MS);
    await checkPrometheus(prometheus, "targets", { az: 1, target: 3, prober: 1 });
    await checkPrometheus(prometheus, "path", { target: 1, prober: 1 });
    await checkPrometheus(prometheus, "connections", { group: 4, prober: 2 });
    await checkPrometheus(prometheus, "mesh", { az: 2, node: 2 });
    for (const row of rows) {
      await influx.write(telegrafLines(await get(`http://${row}/metrics`) ?? ""));
    }
    await checkInfluxDb(influx, "targets", { az: 1, target: 3, prober: 1 });
    await checkInfluxDb(influx, "path", { target: 1, prober: 1 });
    await checkInfluxDb(influx, "connections", { group: 4, prober: 1 });
    await checkInfluxDb(influx, "mesh", { az: 2, node: 2 });
  },
);
