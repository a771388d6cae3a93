/** The page: what it shows follows the metric, the pointer, the keys and the theme. */
import { type Metric, METRIC_NAMES, METRIC_TITLES, METRICS } from "../metric.ts";
import { scalesFor } from "../scale.ts";
import { type PageData, type PageFinding, PageMatrix } from "./data.ts";
import { button, byId, canvasOf, contextOf, onTheme, otherTheme } from "./document.ts";
import { drawMatrix, drawVeil, placeFrames } from "./drawing.ts";
import { type Layout, layoutFor, nodeAt } from "./layout.ts";
import { type Pair, showDetails, showFindings, showLegend, showTip } from "./panels.ts";

/** The padding of the box that the matrix scrolls in, with its border. */
const BOX_PADDING = 24;
const NOBODY: Pair = { from: -1, to: -1 };

const data: PageData = JSON.parse(byId("data").textContent ?? "");
const matrix = new PageMatrix(data);
const scales = scalesFor(matrix);
const [stage, base, overlay] = [byId("stage"), canvasOf("base"), canvasOf("overlay")];

let metric: Metric = data.metric;
let pair: Pair = NOBODY;
let layout: Layout = measured();
/** The finding below the pointer, and the one that was chosen. */
let over: PageFinding | null = null;
let chosen: PageFinding | null = null;

function measured(): Layout {
  return layoutFor(data, byId("scroll").clientWidth - BOX_PADDING, contextOf(base));
}

function draw(): void {
  layout = measured();
  stage.style.width = `${layout.width}px`;
  stage.style.height = `${layout.height}px`;
  drawMatrix(base, layout, data, matrix, scales[metric]);
  drawVeil(overlay, layout, over ?? chosen);
  placeFrames(layout, pair.from, pair.to);
}

function select(from: number, to: number): void {
  if (from === pair.from && to === pair.to) return;
  pair = { from, to };
  placeFrames(layout, from, to);
  showDetails(data, matrix, scales[metric], pair);
}

function tip(x: number, y: number): void {
  showTip(data, matrix, scales[metric], pair, [x, y]);
}

function hideTip(): void {
  byId("tip").hidden = true;
}

/** The middle of a pair's cell in the window. */
function cellAt(from: number, to: number): { readonly x: number; readonly y: number } {
  const box = stage.getBoundingClientRect();
  const middle = (node: number) => layout.at[node] + layout.cell / 2;
  return { x: box.left + layout.left + middle(to), y: box.top + layout.top + middle(from) };
}

stage.addEventListener("pointermove", ({ clientX, clientY }) => {
  const box = stage.getBoundingClientRect();
  const to = nodeAt(layout, clientX - box.left - layout.left);
  const from = nodeAt(layout, clientY - box.top - layout.top);
  if (from < 0 || to < 0) return;
  select(from, to);
  tip(clientX, clientY);
});
stage.addEventListener("pointerleave", () => {
  hideTip();
  if (document.activeElement !== stage) select(-1, -1);
});
stage.addEventListener("blur", hideTip);

const STEPS: Readonly<Record<string, readonly [from: number, to: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -matrix.size],
  End: [0, matrix.size],
};

stage.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    hideTip();
    select(-1, -1);
    return;
  }
  if (!Object.hasOwn(STEPS, event.key)) return;
  event.preventDefault();
  const [down, right] = STEPS[event.key];
  const within = (node: number) => Math.min(matrix.size - 1, Math.max(0, node));
  if (pair.from < 0) select(0, within(1));
  else select(within(pair.from + down), within(pair.to + right));
  const { x, y } = cellAt(pair.from, pair.to);
  tip(x + layout.cell / 2, y + layout.cell / 2);
});

function choose(next: Metric): void {
  metric = next;
  for (const one of byId("metrics").querySelectorAll("button")) {
    const isChosen = one.dataset.metric === metric;
    one.setAttribute("aria-checked", String(isChosen));
    one.tabIndex = isChosen ? 0 : -1;
  }
  showLegend(scales[metric]);
  draw();
  showDetails(data, matrix, scales[metric], pair);
}

for (const name of METRICS) {
  const one = button(METRIC_NAMES[name]);
  one.title = METRIC_TITLES[name];
  one.dataset.metric = name;
  one.setAttribute("role", "radio");
  one.addEventListener("click", () => choose(name));
  byId("metrics").append(one);
}
byId("metrics").addEventListener("keydown", (event) => {
  const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  if (step === 0) return;
  event.preventDefault();
  choose(METRICS[(METRICS.indexOf(metric) + step + METRICS.length) % METRICS.length]);
  byId("metrics").querySelector<HTMLElement>('[aria-checked="true"]')?.focus();
});

function nameTheme(): void {
  byId("theme").textContent = otherTheme();
}

byId("theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = otherTheme();
  nameTheme();
  choose(metric);
});
onTheme(() => {
  nameTheme();
  choose(metric);
});
let drawnFor = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === drawnFor) return;
  drawnFor = innerWidth;
  draw();
});

byId("coverage").textContent = data.coverage;
nameTheme();
showFindings(data.findings, {
  over: (finding) => {
    over = finding;
    drawVeil(overlay, layout, over ?? chosen);
  },
  chosen: (finding) => {
    chosen = finding;
    drawVeil(overlay, layout, over ?? chosen);
  },
});
choose(metric);

// For the console of the browser, and for tests.
Object.assign(globalThis, {
  heatmap: {
    cellAt: (from: string, to: string) => {
      const [i, j] = [from, to].map((name) => data.nodes.findIndex((node) => node.name === name));
      return cellAt(i, j);
    },
    nodes: () => data.nodes.map(({ name }) => name),
    pair: () => pair,
  },
});
