import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { findingsText, terminalMatrix } from "../../../../src/format/heatmap/terminal.ts";
import { heatmapJson } from "../../../../src/format/heatmap/json.ts";
import { heatmapPage, pageParts, pagePieces } from "../../../../src/format/heatmap/page.ts";
import { escape, heatmapSvg } from "../../../../src/format/heatmap/svg.ts";
import { PageMatrix } from "../../../../src/format/heatmap/page_data.ts";
import { plain } from "../../../../src/format/paint.ts";
import { coverage, type PairFigures } from "../../../../src/domain/matrix.ts";
import { markOf, METRICS, shortText, valueOf } from "../../../../src/format/heatmap/metric.ts";
import { triage } from "../../../../src/mesh/triage/triage.ts";
import { type Change, LOST, mesh, nodes, peer, quantiles, row } from "../../mesh/meshes.ts";
import { property } from "../../random.ts";

const zoned: Change = (from, to) => ({ rtt: quantiles(from[0] === to[0] ? 300 : 1000) });
const dead: Change = (from, to) => to === "a2" ? LOST : zoned(from, to);

/** Without colours. */
function bare(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/\u001b\[[0-9;]*m/g, "");
}

property(
  "no line is wider than the terminal, whatever the mesh, and colours change no letter",
  60,
  (random) => {
    const sizes = Array.from({ length: random.int(1, 8) }, () => random.int(1, 30));
    const matrix = mesh(
      nodes(...sizes),
      random.pick([zoned, dead, () => null]),
      random.pick([[], ["a1"]]),
    );
    const columns = random.int(40, 240);
    const metric = random.pick(METRICS);
    const text = terminalMatrix(matrix, metric, { columns, colour: false });
    for (const line of text.split("\n")) {
      assert(
        [...line].length <= columns,
        `${columns}: ${line}`,
      );
    }
    const coloured = terminalMatrix(matrix, metric, { columns, colour: true });
    const words = (of: string) => of.split(/\s+/).filter((word) => word !== "");
    assertEquals(words(bare(coloured)), words(text));
  },
);

Deno.test("cells shrink with the width, and become groups before lines would wrap", () => {
  const matrix = mesh(nodes(8, 8), dead, ["a2"]);
  const at = (columns: number) => terminalMatrix(matrix, "p50", { columns, colour: false });
  assertStringIncludes(at(120), "0.300");
  assertStringIncludes(at(60), "\na1    1 \\ x ");
  assertStringIncludes(at(30), "\na1    1 \\x");
  assertStringIncludes(at(24), "16 nodes do not fit: gr~");
  assertStringIncludes(at(120), "no row (no answer in time): a2");
});

Deno.test("findings are folded to the width, and nothing is said where nothing stands out", () => {
  const well = mesh(nodes(3, 3), zoned);
  assertEquals(
    findingsText(triage(well), coverage(well), plain, 80),
    "triage: nothing stands out (6 of 6 rows, 30 pairs, window 5m)\n",
  );
  const matrix = mesh(nodes(4, 4), dead, ["a2"]);
  const text = findingsText(triage(matrix), coverage(matrix), plain, 60);
  assertStringIncludes(text, "triage: 1 thing stands out (7 of 8 rows, 49 pairs, window\n5m)");
  assertStringIncludes(text, "\ncritical  reachability: node a2 does not answer");
  for (const line of text.split("\n")) assert(line.length <= 60, line);
  const empty = mesh(nodes(2), () => null);
  assertStringIncludes(findingsText([], coverage(empty), plain, 80), "nothing to judge");
});

Deno.test("the JSON has each figure as rows in the nodes' order, null where nothing was measured", () => {
  const matrix = mesh(nodes(2, 1), dead, ["b1"]);
  const document = JSON.parse(heatmapJson(matrix, triage(matrix), "2026-11-21T09:00:00Z"));
  assertEquals(document.schema, "wire-probe.heatmap.v1");
  assertEquals(document.rtt_p50_ms, [[null, null, 1], [0.3, null, 1], [null, null, null]]);
  assertEquals(document.lost[0], [null, 300, 0]);
  assertEquals(document.nodes.map(({ row }: { row: string }) => row), [
    "fresh",
    "fresh",
    "missing",
  ]);
  assertEquals(document.coverage.pairs, 4);
  assertEquals(JSON.parse(heatmapJson(matrix, null, "")).findings, null);
});

/** What names may hold; none of it may become markup. */
const HOSTILE = [
  "</script><script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "<!--",
  "]]>&amp;'\"`${alert(1)}",
  "\u2028\u2029\ud800",
];
const hostile = () => {
  const named = HOSTILE.map((name) => ({ name, labels: new Map([["az", name], ["k", name]]) }));
  return mesh(named, () => ({}), [HOSTILE[0]]);
};

Deno.test("a page's names stay text: nothing of them closes an element or opens one", async () => {
  const matrix = hostile();
  const page = await heatmapPage(matrix, { metric: "p50", findings: triage(matrix), time: "now" });
  assertEquals(page.match(/<script[ >]/g)?.length, 2);
  assertEquals(page.match(/<\/script>/g)?.length, 2);
  assertEquals(page.includes("<img"), false);
  const [, json] = /<script type="application\/json" id="data">(.*)<\/script>/.exec(page) ?? [];
  assertEquals(/[<>&\u2028\u2029]/.test(json), false);
  const names = JSON.parse(json).nodes.map(({ name }: { name: string }) => name);
  assertEquals(names.toSorted(), HOSTILE.toSorted());
});

Deno.test("a page tells what a node's host is short of, from one per cent of the time on", async () => {
  const pressed = { cpu: 0.004, memory: 0, io: 0.45, steal: 0.031, throttled: null };
  const matrix = mesh(nodes(2));
  matrix.put(row("a1", { peers: [peer("a2")], pressure: pressed }), 0);
  const page = await heatmapPage(matrix, { metric: "p50", findings: null, time: "now" });
  const [, json] = /<script type="application\/json" id="data">(.*)<\/script>/.exec(page) ?? [];
  assertEquals(JSON.parse(json).nodes.map(({ note }: { note: string }) => note), [
    "tasks wait for IO (45%), the hypervisor gives the CPU to others (3.1%)",
    "",
  ]);
});

Deno.test("a page that is written again and again is loaded as often, and another is not", async () => {
  const page = (more: { readonly everyMs?: number }) =>
    heatmapPage(mesh(nodes(2)), { metric: "p50", findings: null, time: "now", ...more });
  const refresh = async (more = {}) =>
    /<meta http-equiv="refresh" content="([^"]*)">/.exec(await page(more))?.[1];
  assertEquals(await refresh(), undefined);
  assertEquals([await refresh({ everyMs: 30_000 }), await refresh({ everyMs: 500 })], ["30", "1"]);
});

Deno.test("a page may fetch nothing, and its script is whole", async () => {
  const page = await heatmapPage(mesh(nodes(2)), { metric: "loss", findings: null, time: "now" });
  assertStringIncludes(page, "default-src 'none'");
  assertEquals(/\b(?:src|href)="(?!data:,")/.test(page), false);
  assertEquals(/https?:/.test(page), false);
  // Compiled, not run.
  const { script } = await pageParts();
  new Function(script);
  assertEquals(/innerHTML|insertAdjacentHTML|document\.write|eval\(/.test(script), false);
});

Deno.test("a picture's names stay text too, also what XML has no characters for", () => {
  const matrix = hostile();
  const svg = heatmapSvg(matrix, "p50", triage(matrix));
  assertEquals(svg.match(/<script|<img|<!--/g), null);
  assertEquals(escape("\u0000a\ud800b\u0007"), "ab");
  assertEquals(escape(`<&>"'`), "&lt;&amp;&gt;&quot;&#39;");
});

Deno.test("a picture has a stroke for every pair, and its cells within its size", () => {
  for (const sizes of [[3, 5], [40, 40], [100, 100]]) {
    const svg = heatmapSvg(mesh(nodes(...sizes), zoned), "p50", null);
    const size = sizes.reduce((sum, n) => sum + n);
    assertEquals(svg.match(/M\d+ \d+h/g)?.length, size * size);
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg) ?? [];
    assert(Number(width) < 1400 && Number(height) < 1400, `${width} × ${height}`);
  }
});

Deno.test("a cell shows the last two bursts where they tell another story than the window", () => {
  const recent = (p50Us: number) => ({ bursts: 2, sent: 20, answered: 20, refused: 0, p50Us });
  const of = (now: number) =>
    valueOf(mesh(nodes(2), () => ({ rtt: quantiles(400), recent: recent(now) })), "p50", 0, 1);
  assertEquals([of(900), of(700), of(410), of(150), of(390)], [900, 400, 400, 150, 400]);
});

property("a page's cells show what the matrix shows, though it is sent less", 40, (random) => {
  const figures = () => ({
    sent: 20,
    answered: random.int(0, 20),
    lost: random.int(0, 20),
    rtt: quantiles(random.int(1, 30_000), random.int(1, 999_000)),
    cold: random.int(0, 1) === 1 ? null : quantiles(random.int(1, 9_000_000)),
    recent: random.int(0, 2) === 0 ? null : {
      bursts: 2,
      sent: 20,
      answered: 20,
      refused: random.pick([0, 20]),
      p50Us: random.int(1, 30_000),
    },
  });
  const matrix = mesh(nodes(2, 1), () => random.int(0, 9) === 0 ? null : figures());
  const pieces = pagePieces(matrix, { metric: "p50", findings: null, time: "now" });
  const sent = new PageMatrix(JSON.parse([...pieces].join("")));
  const shown = (of: PairFigures) =>
    METRICS.flatMap((metric) =>
      matrix.nodes.flatMap((_, from) =>
        matrix.nodes.map((_, to) =>
          markOf(of, metric, from, to) ?? shortText(metric, valueOf(of, metric, from, to))
        )
      )
    );
  assertEquals(shown(sent), shown(matrix));
});
