/** A matrix as a picture: one SVG file that needs nothing else, light or dark as its viewer is. */
import { cut } from "../../text/columns.ts";
import { wrap } from "../../text/words.ts";
import { coverage, type Matrix } from "../../domain/matrix.ts";
import type { Metric } from "./metric.ts";
import { isShare, MARK_TEXTS, markOf, METRIC_TITLES, shortText, valueOf } from "./metric.ts";
import { groupTitle } from "../../domain/mesh_node.ts";
import { position, type Scale, scaleFor, ticks } from "./scale.ts";
import type { Finding } from "../../domain/finding.ts";
import { colour, textOn, type Theme } from "./palette.ts";
import { coverageText } from "./terminal.ts";

/** Colours the cells are rounded to; the eye tells fewer apart. */
const SHADES = 48;
/** Pixels beside the picture, and of a line of text. */
const [MARGIN, LINE] = [24, 18];
/** Columns of a name at the side; a longer one is cut. */
const MAX_NAME = 22;
/** From these sizes of a cell on, nodes have their names and cells hold their figures. */
const [NAMES_FROM, FIGURES_FROM] = [11, 34];
/** From this size on a cell has a sign where it was not answered: colours alone can be mistaken. */
const SIGN_FROM = 10;

interface Layout {
  readonly cell: number;
  readonly left: number;
  readonly top: number;
  readonly size: number;
  /** Where each node's cells start, from the matrix's corner. */
  readonly at: readonly number[];
}

/** Pixels of a letter in a line of text. */
const LETTER_PIXELS = 6.6;

/** `findings` null where triage was not asked for. */
export function heatmapSvg(
  matrix: Matrix,
  metric: Metric,
  findings: readonly Finding[] | null,
): string {
  const scale = scaleFor(matrix, metric);
  const lines = headLines(matrix, findings);
  const layout = layoutOf(matrix, MARGIN + 30 + lines.length * LINE);
  const longest = Math.max(...lines.map(({ text }) => text.length));
  const width = Math.max(
    layout.left + Math.max(layout.size, LEGEND_WIDTH + 350) + MARGIN,
    Math.ceil(longest * LETTER_PIXELS) + 2 * MARGIN,
  );
  const legendY = layout.top + layout.size + 24;
  const height = legendY + 62;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escape(METRIC_TITLES[metric])}</title>`,
    `<style>${style()}</style>`,
    hatch(),
    `<rect class="page" width="${width}" height="${height}"/>`,
    `<text class="title" x="${MARGIN}" y="${MARGIN + 10}">${escape(METRIC_TITLES[metric])}` +
    `${isShare(metric) ? "" : ", ms"}</text>`,
    ...lines.map(({ kind, text }, i) =>
      `<text class="${kind}" x="${MARGIN}" y="${MARGIN + 32 + i * LINE}">${escape(text)}</text>`
    ),
    ...labels(matrix, layout),
    ...cells(matrix, scale, layout),
    legend(scale, layout.left, legendY),
    "</svg>",
    "",
  ].join("\n");
}

/** Findings that are listed, and columns of a line. */
const [MAX_FINDINGS, SENTENCE] = [8, 110];

function headLines(
  matrix: Matrix,
  findings: readonly Finding[] | null,
): { readonly kind: string; readonly text: string }[] {
  const lines = [{ kind: "note", text: coverageText(coverage(matrix)) }];
  if (findings === null) return lines;
  if (findings.length === 0) lines.push({ kind: "note", text: "nothing stands out" });
  for (const { severity, text } of findings.slice(0, MAX_FINDINGS)) {
    lines.push(...wrap(text.split(" "), SENTENCE).map((line) => ({ kind: severity, text: line })));
  }
  const more = findings.length - MAX_FINDINGS;
  if (more > 0) lines.push({ kind: "note", text: `and ${more} more` });
  return lines;
}

/** Pixels that all cells of a row share, and of one cell at least and at most. */
const [AREA, MIN_CELL, MAX_CELL] = [880, 4, 44];
/** Pixels between groups, and of a letter of a name. */
const [GROUP_GAP, NAME_PIXELS] = [4, 6.2];

function layoutOf(matrix: Matrix, headHeight: number): Layout {
  const fitting = Math.floor(AREA / Math.max(1, matrix.size));
  const cell = Math.min(MAX_CELL, Math.max(MIN_CELL, fitting));
  const at: number[] = [];
  let x = 0;
  for (const { from, to } of matrix.groups) {
    for (let node = from; node < to; node++, x += cell) at.push(x);
    x += GROUP_GAP;
  }
  const names = cell < NAMES_FROM ? [] : matrix.nodes.map(({ name }) => name);
  const groups = matrix.groups.map((group) => groupTitle(group));
  const longest = Math.max(...[...names, ...groups].map((name) => [...name].length), 4);
  const label = Math.ceil(Math.min(MAX_NAME, longest) * NAME_PIXELS) + 10;
  const titles = names.length === 0 ? 0 : 18;
  return {
    cell,
    left: MARGIN + label + titles,
    top: headHeight + (names.length === 0 ? 24 : label + titles),
    size: Math.max(0, x - GROUP_GAP),
    at,
  };
}

/** The groups' names on both sides, and the nodes' where there is room. */
function labels(matrix: Matrix, { cell, left, top, at }: Layout): string[] {
  const named = cell >= NAMES_FROM;
  const beyond = named ? 9 : 8;
  const found = matrix.groups.flatMap((group) => {
    const title = escape(cut(groupTitle(group), MAX_NAME));
    const [from, to] = [at[group.from], at[group.to - 1] + cell];
    const middle = (from + to) / 2;
    const x = named ? MARGIN + 8 : left - beyond;
    const y = named ? top - (left - MARGIN) + 12 : top - beyond;
    return named
      ? [
        `<text class="group mid" x="${left + middle}" y="${y}">${title}</text>`,
        `<text class="group mid" transform="translate(${x} ${
          top + middle
        }) rotate(-90)">${title}</text>`,
      ]
      : [
        `<text class="group mid" x="${left + middle}" y="${y}">${title}</text>`,
        `<text class="group end" x="${x}" y="${top + middle + 4}">${title}</text>`,
      ];
  });
  if (!named) return found;
  for (const [node, { name }] of matrix.nodes.entries()) {
    const title = escape(cut(name, MAX_NAME));
    const middle = at[node] + cell / 2;
    const missing = matrix.row(node).kind === "fresh" ? "" : " off";
    found.push(
      `<text class="node end${missing}" x="${left - 6}" y="${top + middle + 4}">${title}</text>`,
      `<text class="node" transform="translate(${left + middle + 4} ${top - 6}) rotate(-90)">` +
        `${title}</text>`,
    );
  }
  return found;
}

/** One path a shade, so that forty thousand cells are some fifty elements. */
function cells(matrix: Matrix, scale: Scale, { cell, left, top, at }: Layout): string[] {
  const paths = new Map<string, string[]>();
  const figures: string[] = [];
  const signs: string[] = [];
  // Small cells have no gaps, which would take much of the picture.
  const inner = cell > 5 ? cell - 1 : cell;
  for (let from = 0; from < matrix.size; from++) {
    for (let to = 0; to < matrix.size; to++) {
      const kind = shadeOf(matrix, scale, from, to);
      const strokes = paths.get(kind) ?? [];
      paths.set(kind, strokes);
      strokes.push(`M${at[to]} ${at[from]}h${inner}v${inner}h-${inner}z`);
      if (cell >= SIGN_FROM) signs.push(signOf(kind, at[to], at[from], inner));
      const value = valueOf(matrix, scale.metric, from, to);
      if (cell < FIGURES_FROM || markOf(matrix, scale.metric, from, to) !== null) continue;
      figures.push(
        `<text class="mid t${kind.slice(1)}" x="${at[to] + cell / 2}" ` +
          `y="${at[from] + cell / 2 + 4}">${shortText(scale.metric, value)}</text>`,
      );
    }
  }
  const drawn = [...paths].map(([kind, strokes]) =>
    `<path class="${kind}" d="${strokes.join("")}"/>`
  );
  return [
    `<g transform="translate(${left} ${top})" shape-rendering="crispEdges">`,
    ...drawn.sort(),
    "</g>",
    `<path class="sign" transform="translate(${left} ${top})" d="${signs.join("")}"/>`,
    ...(figures.length === 0
      ? []
      : [`<g class="figures" transform="translate(${left} ${top})">`, ...figures, "</g>"]),
  ];
}

/** A cross where nobody answered, a bar where it was refused, else nothing. */
function signOf(kind: string, x: number, y: number, side: number): string {
  const [start, length] = [Math.round(side * 0.32), Math.round(side * 0.36)];
  const [left, top] = [x + start, y + start];
  if (kind === "refused") return `M${left} ${y + side / 2}h${length}`;
  if (kind !== "silent") return "";
  return `M${left} ${top}l${length} ${length}m0 -${length}l-${length} ${length}`;
}

function shadeOf(matrix: Matrix, scale: Scale, from: number, to: number): string {
  const mark = markOf(matrix, scale.metric, from, to);
  if (mark !== null) return mark;
  const value = valueOf(matrix, scale.metric, from, to);
  if (isShare(scale.metric) && value === 0) return "s-0";
  return `s${Math.round(position(scale, value) * (SHADES - 1))}`;
}

const LEGEND_WIDTH = 320;

function legend(scale: Scale, x: number, y: number): string {
  const strip = Array.from({ length: SHADES }, (_, i) => {
    const step = LEGEND_WIDTH / SHADES;
    return `<rect class="s${i}" x="${(i * step).toFixed(2)}" width="${
      (step + 0.5).toFixed(2)
    }" height="12"/>`;
  });
  const marks = ticks(scale).map((tick) =>
    `<text class="note mid" x="${(position(scale, tick) * LEGEND_WIDTH).toFixed(1)}" y="27">` +
    `${shortText(scale.metric, tick)}</text>`
  );
  const swatches = (["silent", "refused", "missing"] as const).map((kind) =>
    [kind, MARK_TEXTS[kind]] as const
  ).map(
    ([kind, text], i) =>
      `<rect class="${kind}" x="${LEGEND_WIDTH + 30 + i * 110}" width="12" height="12"/>` +
      `<text class="note" x="${LEGEND_WIDTH + 48 + i * 110}" y="11">${text}</text>`,
  );
  return `<g transform="translate(${x} ${y})">${[...strip, ...marks, ...swatches].join("")}</g>`;
}

function hatch(): string {
  return '<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" ' +
    'patternTransform="rotate(45)"><rect class="page" width="5" height="5"/>' +
    '<rect class="stripe" width="1.4" height="5"/></pattern></defs>';
}

function style(): string {
  const rules = (theme: Theme) => {
    const shades = Array.from({ length: SHADES }, (_, i) => {
      const fill = colour(theme, i / (SHADES - 1));
      return `.s${i}{fill:${fill}}.t${i}{fill:${textOn(fill)}}`;
    });
    const nothing = colour(theme, 0, true);
    const [page, ink, soft, self, silent, refused, bad, warn] = theme === "light"
      ? ["#ffffff", "#1c2330", "#5d6675", "#f3f4f6", "#10131a", "#0b6e75", "#b3261e", "#8a5a00"]
      : ["#11151c", "#e8ebf0", "#9aa4b2", "#1a2029", "#f5f7fa", "#4fd1d9", "#ff8a80", "#f2c063"];
    return `.page{fill:${page}}text{fill:${ink}}.note,.group,.notice{fill:${soft}}.self{fill:${self}}` +
      `.silent{fill:${silent}}.sign{stroke:${page};stroke-width:2}.refused{fill:${refused}}.critical{fill:${bad}}.warning{fill:${warn}}.stripe{fill:${soft}}` +
      `.off{fill:${bad}}.s-0{fill:${nothing}}.t-0{fill:${textOn(nothing)}}${shades.join("")}`;
  };
  return "text{font:12px system-ui,sans-serif}.title{font-size:18px;font-weight:600}" +
    ".node{font-size:10.5px}.group{font-size:11px;font-weight:600}.figures text{font-size:10.5px}" +
    ".mid{text-anchor:middle}.end{text-anchor:end}.missing{fill:url(#hatch)}" +
    `${rules("light")}@media (prefers-color-scheme:dark){${rules("dark")}}`;
}

/** Fit for text and for an attribute in quotes (XML 1.0, 2.4); characters that XML lacks are left out. */
export function escape(text: string): string {
  return text.replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}
