/** The page: what it shows follows the metric, the pointer, the keys and the theme. */
import { type Metric, METRIC_NAMES, METRIC_TITLES, METRICS } from "../metric.ts";
import { type Scale, scalesFor } from "../scale.ts";
import { type PageData, type PageFinding, PageMatrix, WIDE } from "../page_data.ts";
import { button, byId, canvasOf, contextOf, onTheme, otherTheme } from "./document.ts";
import { drawMatrix, drawVeil, placeFrames } from "./drawing.ts";
import { type Layout, layoutFor, nodeAt } from "./layout.ts";
import {
  drawHistory,
  keyOf,
  type Pair,
  showDay,
  showDetails,
  showFindings,
  showLegend,
  showTable,
  showTip,
} from "./panels.ts";

/** The padding of the box that the matrix scrolls in, with its border. */
const BOX_PADDING = 24;
/** Of the page below it. */
const BOTTOM = 16;
/** How often a live page asks; the node gathers no more often. */
const REFRESH_MS = 10_000;
const NOBODY: Pair = { from: -1, to: -1 };

const [stage, base, overlay] = [byId("stage"), canvasOf("base"), canvasOf("overlay")];

/** What is shown: of a file for good, of a live page until the next data are there. */
let data: PageData;
let matrix: PageMatrix;
let scales: Readonly<Record<Metric, Scale>>;
let metric: Metric | null = null;
let pair: Pair = NOBODY;
let layout: Layout;
/** Whether there is anything to show yet. */
let ready = false;
/** The finding below the pointer, and the one that was chosen. */
let over: PageFinding | null = null;
let chosen: PageFinding | null = null;
/** Where the tip is, while it is shown. */
let tipAt: readonly [x: number, y: number] | null = null;
/** Whether the pair's last day is shown. */
let hasHistory = false;

function scale(): Scale {
  return scales[metric ?? data.metric];
}

/** On a wide screen, which may hang on a wall, all of the matrix is seen at once. */
const wide = matchMedia(WIDE);

function measured(): Layout {
  const box = byId("scroll");
  const font = parseFloat(getComputedStyle(document.body).fontSize);
  const below = innerHeight - box.offsetTop - BOX_PADDING - BOTTOM;
  const room = { width: box.clientWidth - BOX_PADDING, height: wide.matches ? below : null, font };
  return layoutFor(data, room, contextOf(base));
}

function draw(): void {
  if (!ready) return;
  layout = measured();
  stage.style.width = `${layout.width}px`;
  stage.style.height = `${layout.height}px`;
  drawMatrix(base, layout, data, matrix, scale());
  drawVeil(overlay, layout, over ?? chosen);
  placeFrames(layout, pair.from, pair.to);
}

function select(from: number, to: number): void {
  if (!ready) return;
  if (from === pair.from && to === pair.to) return;
  pair = { from, to };
  hasHistory = false;
  placeFrames(layout, from, to);
  showDetails(data, matrix, scale(), pair);
}

function tip(x: number, y: number): void {
  tipAt = [x, y];
  showTip(data, matrix, scale(), pair, [x, y]);
}

/** Beside the cell of the pair that is chosen. */
function tipAtPair(): void {
  const { x, y } = cellAt(pair.from, pair.to);
  tip(x + layout.cell / 2, y + layout.cell / 2);
}

function hideTip(): void {
  tipAt = null;
  byId("tip").hidden = true;
}

/** The middle of a pair's cell in the window. */
function cellAt(from: number, to: number): { readonly x: number; readonly y: number } {
  const box = stage.getBoundingClientRect();
  const middle = (node: number) => layout.at[node] + layout.cell / 2;
  return { x: box.left + layout.left + middle(to), y: box.top + layout.top + middle(from) };
}

stage.addEventListener("pointermove", ({ clientX, clientY }) => {
  if (!ready) return;
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
stage.addEventListener("click", () => void showHistory());

const STEPS: Readonly<Record<string, readonly [from: number, to: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -Infinity],
  End: [0, Infinity],
};

stage.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    void showHistory();
    return;
  }
  if (event.key === "Escape") {
    hideTip();
    select(-1, -1);
    return;
  }
  if (!ready || !Object.hasOwn(STEPS, event.key)) return;
  event.preventDefault();
  const [down, right] = STEPS[event.key];
  const within = (node: number) => Math.min(matrix.size - 1, Math.max(0, node));
  if (pair.from < 0) select(0, within(1));
  else select(within(pair.from + down), within(pair.to + right));
  tipAtPair();
});

/** Scrolling moves the tip with its cell. */
addEventListener("scroll", () => {
  if (tipAt === null) return;
  if (document.activeElement === stage) tipAtPair();
  else hideTip();
}, { capture: true, passive: true });

function choose(next: Metric): void {
  if (!ready) return;
  metric = next;
  for (const one of byId("metrics").querySelectorAll("button")) {
    const isChosen = one.dataset.metric === metric;
    one.setAttribute("aria-checked", String(isChosen));
    one.tabIndex = isChosen ? 0 : -1;
  }
  showLegend(scale());
  showTable(data, matrix, scale());
  draw();
  showDetails(data, matrix, scale(), pair);
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
  choose(METRICS[(METRICS.indexOf(scale().metric) + step + METRICS.length) % METRICS.length]);
  byId("metrics").querySelector<HTMLElement>('[aria-checked="true"]')?.focus();
});

function nameTheme(): void {
  byId("theme").textContent = otherTheme();
}

byId("theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = otherTheme();
  nameTheme();
  choose(scale().metric);
});
onTheme(() => {
  nameTheme();
  choose(scale().metric);
});
let drawnFor = "";
addEventListener("resize", () => {
  // A telephone's window becomes higher and lower while it is scrolled.
  const size = `${innerWidth} ${wide.matches ? innerHeight : ""}`;
  if (size !== drawnFor) draw();
  drawnFor = size;
});

/** Takes data in place of those before; what was chosen stays chosen as long as it is there. */
function show(next: PageData): void {
  const names = pair.from < 0 ? null : [data.nodes[pair.from].name, data.nodes[pair.to].name];
  const key = chosen === null ? null : keyOf(chosen);
  data = next;
  ready = true;
  matrix = new PageMatrix(data);
  scales = scalesFor(matrix);
  const [from, to] = (names ?? []).map((of) => data.nodes.findIndex(({ name }) => name === of));
  pair = names === null || from < 0 || to < 0 ? NOBODY : { from, to };
  over = null;
  chosen = data.findings?.find((finding) => keyOf(finding) === key) ?? null;
  byId("coverage").textContent = data.coverage;
  showDay(data);
  showFindings(data.findings, chosen, {
    over: (finding) => {
      over = finding;
      drawVeil(overlay, layout, over ?? chosen);
    },
    chosen: (finding) => {
      chosen = finding;
      // A finding about loss is seen in the losses.
      const shows = finding?.metric ?? null;
      if (shows === null) drawVeil(overlay, layout, over ?? chosen);
      else choose(shows);
    },
  });
  choose(scale().metric);
  if (pair.from < 0) hideTip();
  else if (tipAt !== null) tip(...tipAt);
  if (hasHistory) void showHistory();
}

/** The last day of the chosen pair, which only a live page has. */
async function showHistory(): Promise<void> {
  if (embedded !== "" || pair.from < 0 || pair.from === pair.to) return;
  const [from, to] = [data.nodes[pair.from].name, data.nodes[pair.to].name];
  const query = new URLSearchParams({ from, to });
  hasHistory = true;
  const response = await fetch(here(`api/pair?${query}`));
  const text = await response.text();
  // Meanwhile another pair may have been chosen.
  if (!hasHistory || data.nodes[pair.from]?.name !== from || data.nodes[pair.to]?.name !== to) {
    return;
  }
  drawHistory(response.ok ? JSON.parse(text).windows : null, response.ok ? "" : text);
}

/** Beside the page, without the user's name and password that its own address may have. */
function here(path: string): URL {
  return new URL(path, location.origin + location.pathname);
}

/** Asks the node for its data, again and again while somebody looks. */
async function live(): Promise<void> {
  for (;;) {
    try {
      const response = await fetch(here("page.json"));
      if (!response.ok) throw new Error(await response.text());
      show(await response.json());
      say("");
    } catch (error) {
      // The figures that are there stay, and are said to be old.
      say(`no new figures: ${error instanceof Error ? error.message : error}`);
    }
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
    while (document.hidden) {
      await new Promise((resolve) =>
        document.addEventListener("visibilitychange", resolve, { once: true })
      );
    }
  }
}

function say(text: string): void {
  byId("state").textContent = text;
  byId("state").hidden = text === "";
}

/**
 * A page that is loaded again and again (`heatmap --watch`) goes on as it was, where the browser keeps
 * that for it.
 */
function goOn(): void {
  let kept: Partial<Record<"metric" | "chosen" | "theme" | "top", unknown>> | null = null;
  try {
    kept = JSON.parse(sessionStorage.heatmap);
  } catch {
    // The first time, or the browser keeps nothing.
  }
  metric = METRICS.find((name) => name === kept?.metric) ?? null;
  chosen = (kept?.chosen ?? null) as PageFinding | null;
  if (kept?.theme) document.documentElement.dataset.theme = String(kept.theme);
  addEventListener("pagehide", () => {
    const { theme } = document.documentElement.dataset;
    try {
      sessionStorage.heatmap = JSON.stringify({ metric, chosen, theme, top: scrollY });
    } catch {
      // The browser keeps nothing.
    }
  });
  show(JSON.parse(embedded));
  scrollTo(0, Number(kept?.top ?? 0));
}

const embedded = byId("data").textContent ?? "";
if (embedded === "") void live();
else if (document.querySelector("[http-equiv=refresh]") === null) show(JSON.parse(embedded));
else goOn();
nameTheme();

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
