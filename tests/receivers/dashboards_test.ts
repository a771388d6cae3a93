/** Every query of the dashboards of targets, asked of a real server that a real run has filled. */
import { assert, assertEquals } from "@std/assert";
import { InfluxDb } from "./real/influxdb.ts";
import { Peers } from "./real/peers.ts";
import { Probe } from "./real/probe.ts";
import { Prometheus } from "./real/prometheus.ts";
import { Folder, freePort, passing, realTest, until } from "./real/receiver.ts";

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

realTest(
  "every query of the dashboards of targets returns data",
  ["prometheus", "influxd"],
  async () => {
    using folder = new Folder();
    using peers = new Peers();
    const port = freePort();
    await using influx = new InfluxDb(folder);
    await influx.start();
    const schedule = ["-i", "100ms", "-t", "500ms", "--burst", "2", "--az", "a"];
    const exports = ["--export", `prometheus://127.0.0.1:${port}`, "--export", influx.exportUrl];
    const targets = [
      `well=${peers.live}`,
      `closed=${peers.dead}`,
      `silent=${await peers.silent()}`,
    ];
    await using probe = new Probe(...schedule, ...exports, ...targets);
    await using prometheus = new Prometheus(folder, `127.0.0.1:${port}`, []);
    await prometheus.ready();
    await until(
      "a scrape",
      async () => (await prometheus.series("wire_probe_success")).at(0) ?? null,
    );
    await passing(6000);

    const page = read("targets_prometheus");
    for (const [title, query] of page.queries) {
      const values = await prometheus.values(filled(query, page.variables.keys()));
      assert(values.some(Number.isFinite), `${title}: ${values.length} series`);
    }
    for (const [name, query] of page.variables) {
      const [, selector] = /^label_values\((.*), \w+\)$/.exec(query) ?? [];
      if (selector === undefined) continue;
      const found = await prometheus.series(filled(selector, page.variables.keys()));
      assertEquals(found.length, targets.length, name);
    }

    const lines = read("targets_influxdb");
    for (const [title, query] of lines.queries) {
      const cells = await influx.values(filled(query, lines.variables.keys()));
      assert(cells.some((cell) => typeof cell === "number"), `${title}: ${cells.length} cells`);
    }
    for (const [name, query] of lines.variables) {
      if (query === "influxdb") continue;
      const values = await influx.values(query);
      assertEquals(values.length, name === "target" ? targets.length : 1, `${name}: ${values}`);
    }
    await probe.stop();
  },
);
