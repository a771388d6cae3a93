/**
 * A matrix as one HTML file that needs no network: drawn on a canvas, so that 200 × 200 pairs stay
 * fluid. Names may hold anything: they reach the page as JSON without `<`, and from there only ever
 * as text. The content security policy forbids every request.
 */
import { type HostPressure, RESOURCE_NAMES, RESOURCES } from "../../domain/host_pressure.ts";
import { coverage, type Figure, type Matrix } from "../../domain/matrix.ts";
import { type JsonEntry, jsonPieces } from "./json.ts";
import type { Metric } from "./metric.ts";
import { groupTitle } from "../../domain/mesh_node.ts";
import type { Finding, FindingKind } from "../../domain/finding.ts";
import type { PageData } from "./page_data.ts";
import { PACKED_PARTS } from "./page_parts.ts";
import { coverageText } from "./terminal.ts";
import { roughDuration } from "../../text/duration.ts";
import { shortPercent } from "../../text/number.ts";
import { unpacked } from "../../text/packed.ts";

/** More nodes would make a file of hundreds of megabytes. */
export const MAX_PAGE_NODES = 1000;

/** A host's pressure below this share is not shown on the page. */
const NOTED_PRESSURE = 0.01;

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; " +
  "img-src data:; base-uri 'none'; form-action 'none'";
/** A node's own page asks that node for its data, and nobody else. */
const LIVE_POLICY = `${POLICY}; connect-src 'self'`;

/** Times in µs that the page shows; three digits of each are sent, as many as are shown. */
const TIMES: readonly Figure[] = [
  "rttP50",
  "rttP99",
  "coldP50",
  "connectP50",
  "connectP99",
  "icmpP50",
  "recentP50",
];
/** What else the page shows, or tells a pair's state by. Nothing more is sent: a page has many viewers. */
const COUNTS: readonly Figure[] = [
  "sent",
  "answered",
  "lost",
  "refused",
  "retransmits",
  "recentBursts",
  "recentAnswered",
  "recentRefused",
  "icmpLost",
];

/** The metric that shows a kind of finding best. */
const METRIC_OF: Readonly<Partial<Record<FindingKind, Metric>>> = {
  loss: "loss",
  partition: "loss",
  "dead-node": "loss",
  cold: "cold",
  "slow-tail": "p99",
  "slow-node": "p50",
  "slow-block": "p50",
  "slow-pair": "p50",
};

/** What the page is told; `time` is when the rows were gathered, as it is to be shown. */
export interface PageOptions {
  readonly metric: Metric;
  /** Null where triage was not asked for. */
  readonly findings: readonly Finding[] | null;
  readonly time: string;
  /** The last day of a node's own pairs; absent for a file. */
  readonly day?: PageData["day"];
  /** How often the file is written anew, in ms; absent where it is not. */
  readonly everyMs?: number;
}

/** The parts of the page that are the same for every matrix. */
export interface PageParts {
  readonly style: string;
  readonly script: string;
}

/** The parts, unpacked; few runs need them, so nothing is kept. */
export async function pageParts(): Promise<PageParts> {
  return JSON.parse(await unpacked(Uint8Array.fromBase64(PACKED_PARTS)));
}

export async function heatmapPage(matrix: Matrix, options: PageOptions): Promise<string> {
  const data = [...pagePieces(matrix, options)].map(embedded).join("");
  const seconds = Math.ceil((options.everyMs ?? 0) / 1000);
  return pageWith(data, POLICY, await pageParts(), seconds);
}

/** The page that asks for its data again and again. */
export async function livePage(): Promise<string> {
  return pageWith("", LIVE_POLICY, await pageParts());
}

/** What the page is given as JSON (PageData), in pieces of one figure. */
export function* pagePieces(matrix: Matrix, options: PageOptions): Generator<string> {
  const { figures, ...rest } = pageData(matrix, options);
  yield `${JSON.stringify(rest).slice(0, -1)},"figures":`;
  yield* jsonPieces(figures);
  yield "}";
}

/** `seconds` until the page is to be loaded again; 0 for never. */
function pageWith(
  data: string,
  policy: string,
  { style, script }: PageParts,
  seconds = 0,
): string {
  const refresh = seconds === 0 ? "" : `\n<meta http-equiv="refresh" content="${seconds}">`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">${refresh}
<link rel="icon" href="data:,">
<title>wire-probe heatmap</title>
<style>${style}</style>
</head>
<body>
<header><h1>wire-probe heatmap</h1><p id="coverage"></p><p id="state" role="status" hidden></p></header>
<ul id="findings" class="card" aria-label="triage"></ul>
<section id="day" class="card" aria-label="the last day" hidden></section>
<div class="bar">
<div class="switch" id="metrics" role="radiogroup" aria-label="metric"></div>
<div class="legend" id="legend">
<div class="ramp" id="ramp" aria-hidden="true"></div>
<span class="swatch"><i class="silent"></i>no answer</span>
<span class="swatch"><i class="refused"></i>refused</span>
<span class="swatch"><i class="missing"></i>not measured</span>
</div>
<button id="theme" type="button">dark</button>
</div>
<main>
<div id="scroll" class="card"><div id="stage" tabindex="0" role="application" aria-label="matrix of nodes; arrow keys move, the figures are beside it"><canvas id="base"></canvas><canvas id="overlay"></canvas><i id="row-frame" class="frame" hidden></i><i id="column-frame" class="frame" hidden></i><i id="cell-frame" class="frame" hidden></i></div></div>
<aside id="details" class="card" aria-live="polite"></aside>
</main>
<table id="table" class="unseen"></table>
<div id="tip" hidden></div>
<script type="application/json" id="data">${data}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** JSON that no HTML parser can mistake for an end of its element, nor a script's for a line's end. */
function embedded(json: string): string {
  return json.replaceAll(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The figures are made one after the other. */
function pageData(
  matrix: Matrix,
  { metric, findings, time, day }: PageOptions,
): Omit<PageData, "figures"> & { readonly figures: readonly JsonEntry[] } {
  return {
    day: day ?? null,
    coverage: `${time}, ${coverageText(coverage(matrix))}`,
    metric,
    nodes: matrix.nodes.map(({ name, labels }, node) => ({
      name,
      labels: [...labels].map(([key, value]) => `${key}=${value}`).join(" "),
      note: rowNote(matrix, node),
      off: matrix.row(node).kind !== "fresh",
    })),
    groups: matrix.groups.map((group) => ({
      name: groupTitle(group),
      from: group.from,
      to: group.to,
    })),
    figures: [...TIMES, ...COUNTS].map((figure): JsonEntry => [
      figure,
      () => flat(matrix, figure),
    ]),
    findings: findings?.map(({ kind, severity, layer, text, regions }) => ({
      severity,
      layer,
      text,
      metric: METRIC_OF[kind] ?? null,
      regions,
    })) ?? null,
  };
}

/** All rows one behind the other; null where there is nothing, and for a figure that nobody has. */
function flat(matrix: Matrix, figure: Figure): (number | null)[] | null {
  if (!matrix.has(figure)) return null;
  const { size } = matrix;
  const isTime = TIMES.includes(figure);
  const values: (number | null)[] = [];
  for (let from = 0; from < size; from++) {
    for (let to = 0; to < size; to++) {
      const value = matrix.figure(figure, from, to);
      // A median of the last bursts is shown only where it contradicts the window's.
      const isShown = figure !== "recentP50" || matrix.contradicted(from, to);
      values.push(Number.isNaN(value) || !isShown ? null : isTime ? ofThreeDigits(value) : value);
    }
  }
  return values;
}

/** 1234 is 1230. Seconds are shown with fewer digits, and 1235 may be shown as either: they stay. */
function ofThreeDigits(us: number): number {
  const unit = us < 1000 || us >= 999_500 ? 1 : us < 10_000 ? 10 : us < 100_000 ? 100 : 1000;
  return us % unit === unit / 2 ? us : Math.round(us / unit) * unit;
}

function rowNote(matrix: Matrix, node: number): string {
  const row = matrix.row(node);
  if (row.kind === "missing") {
    return `${matrix.left(node) ? "left on purpose; " : ""}no row: ${row.reason}`;
  }
  const age = `row ${roughDuration(row.ageMs)} old`;
  const isOld = row.kind === "stale" || row.ageMs >= 1000;
  return [
    ...(isOld ? [row.kind === "stale" ? `stale, ${age}` : age] : []),
    ...(row.kind === "fresh" ? pressureNotes(row.pressure) : []),
  ].join(", ");
}

/** What its host was short of, where that is a share that one can read. */
function pressureNotes(pressure: HostPressure | null): string[] {
  return RESOURCE_NAMES.flatMap((name) => {
    const share = pressure?.[name] ?? 0;
    return share < NOTED_PRESSURE ? [] : [`${RESOURCES[name].short} (${shortPercent(share)})`];
  });
}
