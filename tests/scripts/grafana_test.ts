/** The dashboards: they parse, each panel has its place, and the mesh's draw every figure of it and no other. */
import { assert, assertEquals } from "@std/assert";
import { NODE_GAUGES, PAIR_GAUGES } from "../../src/format/prometheus_mesh.ts";

const FOLDER = new URL("../../scripts/grafana/", import.meta.url);
const EXISTING = [...PAIR_GAUGES, ...NODE_GAUGES].map(({ name }) => name);
/** What a dashboard leaves to the figures themselves. */
const NOT_DRAWN = ["wire_probe_mesh_window_seconds"];

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource: { readonly type: string; readonly uid: string };
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets: readonly { readonly expr?: string; readonly query?: string }[];
  readonly transformations?: readonly { readonly id: string; readonly options: unknown }[];
}

interface Dashboard {
  readonly title: string;
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string }[];
  };
}

for (const kind of ["prometheus", "influxdb"]) {
  const text = Deno.readTextFileSync(new URL(`mesh_${kind}.json`, FOLDER));
  const dashboard: Dashboard = JSON.parse(text);
  const queries = dashboard.panels.flatMap(({ targets }) =>
    targets.map(({ expr, query }) => expr ?? query ?? "")
  );

  Deno.test(`the ${kind} dashboard asks only for metrics that exist, and for all that matter`, () => {
    const all = [...queries, ...dashboard.templating.list.map(({ query }) => query)].join("\n");
    const asked = new Set(all.match(/wire_probe_\w+/g));
    for (const name of asked) assert(EXISTING.includes(name), name);
    for (const name of EXISTING) assertEquals(asked.has(name), !NOT_DRAWN.includes(name), name);
  });

  Deno.test(`the ${kind} dashboard has a matrix for each figure of a pair`, () => {
    const matrices = dashboard.panels.filter(({ transformations }) =>
      transformations?.some(({ id }) => id === "groupingToMatrix")
    );
    assertEquals(matrices.length, PAIR_GAUGES.length);
    for (const { type, transformations } of matrices) {
      assertEquals(type, "table");
      const [{ options }] = transformations ?? [];
      assertEquals(options, {
        rowField: "node",
        columnField: "peer",
        valueField: "Value",
        emptyValue: "null",
      });
    }
  });
}

for (const { name } of Deno.readDirSync(FOLDER)) {
  const dashboard: Dashboard = JSON.parse(Deno.readTextFileSync(new URL(name, FOLDER)));
  const [, of, kind] = /^([a-z]+)_(prometheus|influxdb)\.json$/.exec(name) ?? [];
  const { panels, templating } = dashboard;
  const queries = panels.flatMap(({ targets }) =>
    targets.map(({ expr, query }) => expr ?? query ?? "")
  );

  Deno.test(`${name} is named after what it shows, and its panels have a place and an identity of their own`, () => {
    assertEquals(dashboard.uid, `wire-probe-${of}-${kind}`);
    assertEquals(new Set(panels.map(({ id }) => id)).size, panels.length);
    for (const [i, { gridPos, datasource }] of panels.entries()) {
      assert(gridPos.x + gridPos.w <= 24);
      assertEquals(datasource, { type: kind, uid: "${datasource}" });
      for (const { gridPos: other } of panels.slice(i + 1)) {
        const apart = gridPos.x + gridPos.w <= other.x || other.x + other.w <= gridPos.x ||
          gridPos.y + gridPos.h <= other.y || other.y + other.h <= gridPos.y;
        assert(apart, "two panels overlap");
      }
    }
  });

  Deno.test(`every variable in ${name}'s queries is one of its own`, () => {
    const known = ["timeFilter", "__interval", "__rate_interval"].concat(
      templating.list.map(({ name }) => name),
    );
    for (const [, name] of queries.join("\n").matchAll(/\$(\w+)/g)) {
      assert(known.includes(name), name);
    }
  });
}
