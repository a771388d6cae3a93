/** Line charts with logarithmic axes, side by side, as one SVG that follows a dark or light page. */

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Drawn as a ring: what it means is said once for the chart. */
  readonly hollow: boolean;
}

export interface Series {
  readonly name: string;
  /** A value of 0 or less has no place on a logarithmic axis and is left out. */
  readonly points: readonly Point[];
}

export interface Panel {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  /** A name has one colour in all panels. */
  readonly series: readonly Series[];
}

export interface Chart {
  readonly title: string;
  /** The meaning of a ring. */
  readonly hollow: string;
  readonly panels: readonly Panel[];
}

const PANEL_WIDTH = 420;
const HEIGHT = 360;
/** Around the axes of a panel: titles, tick labels, legend. */
const MARGIN = { top: 92, bottom: 56, left: 66, right: 28 };
const LEGEND_Y = 46;
const LEGEND_GAP = 26;
/** What a character of 13 px is wide on average, to place one legend entry behind the other. */
const CHARACTER_WIDTH = 7.2;
const SWATCH_WIDTH = 24;
const RADIUS = 4;

/** Okabe and Ito's colours, told apart by the colour-blind too; lighter on a dark page. */
const COLOURS: readonly { readonly light: string; readonly dark: string }[] = [
  { light: "#0072b2", dark: "#56b4e9" },
  { light: "#d55e00", dark: "#f0883e" },
  { light: "#008060", dark: "#2fc49a" },
  { light: "#a3458a", dark: "#e19ac4" },
  { light: "#8a6d00", dark: "#e3c94b" },
];

const STYLE = `text{font:13px system-ui,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}
.small{font-size:12px;fill:#59636e}.head{font-weight:600}
.grid{stroke:#d1d9e0;stroke-width:1}.axis{stroke:#818b98;stroke-width:1;fill:none}
.line{fill:none;stroke-width:2;stroke-linejoin:round}.ring{fill:#fff}
${colours("light")}
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.small{fill:#9198a1}.grid{stroke:#30363d}
.axis{stroke:#656c76}.ring{fill:#0d1117}
${colours("dark")}}`;

function colours(page: "light" | "dark"): string {
  return COLOURS.map((colour, i) => `.s${i}{stroke:${colour[page]}}.f${i}{fill:${colour[page]}}`)
    .join("\n");
}

/** The whole document. Throws RangeError for more series than there are colours. */
export function logLogChart({ title, hollow, panels }: Chart): string {
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  if (names.length > COLOURS.length) throw new RangeError("more series than colours");
  const width = PANEL_WIDTH * panels.length;
  const rings = panels.some(({ series }) =>
    series.some(({ points }) => points.some((point) => point.hollow))
  );
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" width="${width}" ` +
    `height="${HEIGHT}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    text(MARGIN.left, 22, title, "head"),
    rings ? text(width - MARGIN.right, 22, hollow, "small", "end") : "",
    legend(names),
    ...panels.map((panel, i) => panelAt(panel, i * PANEL_WIDTH, names)),
    "</svg>",
  ];
  return parts.filter((part) => part !== "").join("\n") + "\n";
}

function legend(names: readonly string[]): string {
  let x = MARGIN.left;
  return names.map((name, i) => {
    const start = x;
    x += SWATCH_WIDTH + 6 + name.length * CHARACTER_WIDTH + LEGEND_GAP;
    const y = LEGEND_Y - 4;
    return `<path class="line s${i}" d="M${start} ${y}h${SWATCH_WIDTH}"/>` +
      `<circle class="f${i}" cx="${start + SWATCH_WIDTH / 2}" cy="${y}" r="${RADIUS}"/>` +
      text(round(start + SWATCH_WIDTH + 6), LEGEND_Y, name);
  }).join("\n");
}

function panelAt(panel: Panel, offset: number, names: readonly string[]): string {
  const shown = panel.series.map(({ name, points }) => ({
    name,
    points: points.filter(({ x, y }) => x > 0 && y > 0),
  }));
  const points = shown.flatMap((series) => series.points);
  const xs = logScale(
    points.map(({ x }) => x),
    offset + MARGIN.left,
    offset + PANEL_WIDTH - MARGIN.right,
  );
  const ys = logScale(points.map(({ y }) => y), HEIGHT - MARGIN.bottom, MARGIN.top);
  const middleY = (MARGIN.top + HEIGHT - MARGIN.bottom) / 2;
  return [
    text(offset + MARGIN.left, MARGIN.top - 14, panel.title, "head"),
    ...xs.ticks.map((tick) => xTick(tick, xs.place(tick))),
    ...ys.ticks.map((tick) => yTick(tick, ys.place(tick), offset)),
    `<path class="axis" d="M${offset + MARGIN.left} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}H${
      offset + PANEL_WIDTH - MARGIN.right
    }"/>`,
    text(
      offset + (MARGIN.left + PANEL_WIDTH - MARGIN.right) / 2,
      HEIGHT - 12,
      panel.xTitle,
      "small",
      "middle",
    ),
    `<text class="small" text-anchor="middle" transform="translate(${
      offset + 16
    } ${middleY}) rotate(-90)">${escaped(panel.yTitle)}</text>`,
    ...shown.map((series) => drawn(series, names.indexOf(series.name), xs.place, ys.place)),
  ].join("\n");
}

function drawn(
  { points }: Series,
  colour: number,
  placeX: (x: number) => number,
  placeY: (y: number) => number,
): string {
  if (points.length === 0) return "";
  const places = points.map(({ x, y, hollow }) => ({ x: placeX(x), y: placeY(y), hollow }));
  const path = places.map(({ x, y }, i) => `${i === 0 ? "M" : "L"}${x} ${y}`).join("");
  const dots = places.map(({ x, y, hollow }) =>
    `<circle class="${hollow ? `ring line s${colour}` : `f${colour}`}" cx="${x}" cy="${y}" ` +
    `r="${RADIUS}"/>`
  );
  return [`<path class="line s${colour}" d="${path}"/>`, ...dots].join("\n");
}

function xTick(value: number, x: number): string {
  return `<path class="grid" d="M${x} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}"/>` +
    text(x, HEIGHT - MARGIN.bottom + 18, label(value), "small", "middle");
}

function yTick(value: number, y: number, offset: number): string {
  return `<path class="grid" d="M${offset + MARGIN.left} ${y}H${
    offset + PANEL_WIDTH - MARGIN.right
  }"/>` +
    text(offset + MARGIN.left - 8, round(y + 4), label(value), "small", "end");
}

interface Scale {
  readonly ticks: readonly number[];
  readonly place: (value: number) => number;
}

/** Where ticks would stand closer, every decade has one only. */
const MOST_TICKS = 10;

/** From the tick at or below the least value to that at or above the greatest. */
export function logScale(values: readonly number[], from: number, to: number): Scale {
  const least = values.length === 0 ? 1 : Math.min(...values);
  const most = values.length === 0 ? 10 : Math.max(...values);
  const fine = ticksBetween(least, most, [1, 2, 5]);
  const ticks = fine.length <= MOST_TICKS ? fine : ticksBetween(least, most, [1]);
  const low = Math.log10(ticks[0]);
  const high = Math.log10(ticks[ticks.length - 1]);
  const place = (value: number) =>
    round(from + (Math.log10(value) - low) / (high - low) * (to - from));
  return { ticks, place };
}

/** At least two. */
function ticksBetween(least: number, most: number, digits: readonly number[]): number[] {
  const all: number[] = [];
  for (
    let power = Math.floor(Math.log10(least));
    power <= Math.ceil(Math.log10(most)) + 1;
    power++
  ) {
    // As text: 3 times 10 to the power of -1 is not quite 0.3.
    for (const digit of digits) all.push(Number(`${digit}e${power}`));
  }
  const first = Math.max(0, all.findLastIndex((tick) => tick <= least));
  const reached = all.findIndex((tick) => tick >= most);
  return all.slice(first, Math.max(reached, first + 1) + 1);
}

/** `0.05`, `500`, `20k`: ticks are 1, 2 or 5 times a power of ten. */
export function label(value: number): string {
  return value < 1000 ? String(value) : `${value / 1000}k`;
}

function text(x: number, y: number, content: string, style = "", anchor = ""): string {
  const attributes = [
    `x="${x}"`,
    `y="${y}"`,
    style === "" ? "" : `class="${style}"`,
    anchor === "" ? "" : `text-anchor="${anchor}"`,
  ];
  return `<text ${attributes.filter((part) => part !== "").join(" ")}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** Tenths of a pixel are fine enough. */
function round(value: number): number {
  return Math.round(value * 10) / 10;
}
