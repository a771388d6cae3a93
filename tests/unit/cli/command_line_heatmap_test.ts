import type { HeatmapOptions } from "../../../src/commands/heatmap/heatmap.ts";
import { assertOptions, assertRefused } from "./command_lines.ts";

const DEFAULTS: HeatmapOptions = {
  place: null,
  rowFiles: [],
  httpPort: 9998,
  tokenFile: null,
  timeoutMs: 3000,
  metric: "p50",
  groupBy: "az",
  html: null,
  svg: null,
  json: false,
  triage: false,
  watchMs: null,
  noColor: false,
};

const GIVEN: readonly [argv: string, change: Partial<HeatmapOptions>][] = [
  ["heatmap --nodes mesh", { place: { kind: "file", text: "mesh" } }],
  ["heatmap a.json b.json", { rowFiles: ["a.json", "b.json"] }],
  ["heatmap a --nodes n --group-by rack", {
    rowFiles: ["a"],
    place: { kind: "file", text: "n" },
    groupBy: "rack",
  }],
  ["heatmap a --metric retransmits --triage", {
    rowFiles: ["a"],
    metric: "retransmits",
    triage: true,
  }],
  ["heatmap a --html h --svg s", { rowFiles: ["a"], html: "h", svg: "s" }],
  ["heatmap a --json --no-color", { rowFiles: ["a"], json: true, noColor: true }],
  ["heatmap a --watch 10s -t 500ms --http-port 80", {
    rowFiles: ["a"],
    watchMs: 10_000,
    timeoutMs: 500,
    httpPort: 80,
  }],
];

Deno.test("heatmap's options are what was given, and else the defaults", () => {
  assertOptions("heatmap", DEFAULTS, GIVEN);
});

const REFUSED: readonly [argv: string, message: string][] = [
  ["heatmap", "heatmap wants --nodes FILE, or files of rows"],
  ["heatmap a --json --html h", "--json and --html or --svg exclude each other"],
  ["heatmap a --metric p95", '--metric "p95": wants one of p50, p99, loss, cold, retransmits'],
  [
    "heatmap a --watch 10ms",
    '--watch "10ms": wants a duration from 1s to 24h, such as 250ms, 1.5s or 1m30s; a bare number is seconds',
  ],
  ["heatmap a --node n", "'heatmap' has no option \"--node\"; did you mean --nodes?"],
];

Deno.test("heatmap's mistakes are told in one line", () => assertRefused(REFUSED));
