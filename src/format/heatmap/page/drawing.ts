/** Draws the matrix, the veil over what a finding is not about, and the frames of the chosen pair. */
import { type CellMark, markOf, shortText, valueOf } from "../metric.ts";
import { textOn } from "../palette.ts";
import type { Scale } from "../scale.ts";
import type { PageData, PageFinding, PageMatrix } from "../page_data.ts";
import { byId, contextOf, place, styleOf } from "./document.ts";
import { boldOf, fontOf, type Layout } from "./layout.ts";
import { colourOf, shadeOf, type Shades, shades } from "./shades.ts";

/** Cells up to this size are drawn as pixels of a picture. */
const PIXELS_TO = 5;
/** From this size on a cell has a sign where it was not answered, and its figure. */
const SIGN_FROM = 10;
const FIGURES_FROM = 38;
/** Groups are named from this length on: at the top, and at the side. */
const TOP_NAME_FROM = 14;
const SIDE_NAME_FROM = 9;

/** A canvas's context, of a size that suits the screen. */
function prepare(canvas: HTMLCanvasElement, { width, height }: Layout): CanvasRenderingContext2D {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  place(canvas, 0, 0, width, height);
  const context = contextOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

export function drawMatrix(
  canvas: HTMLCanvasElement,
  layout: Layout,
  data: PageData,
  matrix: PageMatrix,
  scale: Scale,
): void {
  const context = prepare(canvas, layout);
  drawGroups(context, layout, data);
  if (layout.named) drawNames(context, layout, data);
  if (layout.cell <= PIXELS_TO) drawPixels(context, layout, data, matrix, scale);
  else drawCells(context, layout, matrix, scale);
}

function drawGroups(context: CanvasRenderingContext2D, layout: Layout, data: PageData): void {
  const { cell, left, top, at, named, nameFont } = layout;
  /** The middle of the line of names. */
  const line = Math.ceil(0.75 * nameFont);
  context.fillStyle = styleOf("--soft");
  context.textBaseline = "middle";
  context.font = boldOf(nameFont);
  for (const { name, from, to } of data.groups) {
    const length = at[to - 1] + cell - at[from];
    const middle = at[from] + length / 2;
    const text = length < TOP_NAME_FROM ? "" : cut(context, name, named ? length : length + 10);
    context.textAlign = "center";
    context.fillText(text, left + middle, named ? line : top - nameFont);
    if (named) turned(context, text, line, top + middle);
    else if (length >= SIDE_NAME_FROM) {
      context.textAlign = "right";
      context.fillText(cut(context, name, left - 10), left - 7, top + middle);
    }
  }
}

function drawNames(context: CanvasRenderingContext2D, layout: Layout, data: PageData): void {
  const { cell, left, top, at, nameFont } = layout;
  context.font = fontOf(nameFont);
  for (const [node, { name, off }] of data.nodes.entries()) {
    const middle = at[node] + cell / 2;
    const text = cut(context, name, left - 2.5 * nameFont);
    context.fillStyle = styleOf(off ? "--critical" : "--ink");
    context.textAlign = "right";
    context.fillText(text, left - 6, top + middle);
    context.textAlign = "left";
    turned(context, text, left + middle, top - 6);
  }
}

/** Text from the bottom to the top. */
function turned(context: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  context.fillText(text, 0, 0);
  context.restore();
}

function cut(context: CanvasRenderingContext2D, text: string, room: number): string {
  if (context.measureText(text).width <= room) return text;
  const letters = [...text];
  const width = () => context.measureText(`${letters.join("")}…`).width;
  while (letters.length > 1 && width() > room) letters.pop();
  return `${letters.join("")}…`;
}

/** What "not measured" looks like. */
function hatch(context: CanvasRenderingContext2D): CanvasPattern | string {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = contextOf(tile);
  pen.strokeStyle = styleOf("--soft");
  pen.globalAlpha = 0.8;
  pen.lineWidth = 1;
  for (const shift of [-8, -4, 0, 4, 8]) {
    pen.beginPath();
    pen.moveTo(shift, 8);
    pen.lineTo(shift + 8, 0);
    pen.stroke();
  }
  return context.createPattern(tile, "repeat") ?? styleOf("--soft");
}

function drawCells(
  context: CanvasRenderingContext2D,
  { cell, left, top, at, figureFont }: Layout,
  matrix: PageMatrix,
  scale: Scale,
): void {
  const pattern = hatch(context);
  const palette = shades();
  const inner = cell - 1;
  context.font = fontOf(figureFont);
  context.textAlign = "center";
  for (let from = 0; from < matrix.size; from++) {
    for (let to = 0; to < matrix.size; to++) {
      const [x, y] = [left + at[to], top + at[from]];
      const mark = markOf(matrix, scale.metric, from, to);
      if (mark !== null) {
        context.fillStyle = mark === "missing" ? pattern : styleOf(`--${mark}`);
        context.fillRect(x, y, inner, inner);
        if (cell >= SIGN_FROM) drawSign(context, mark, x, y, inner);
        continue;
      }
      const value = valueOf(matrix, scale.metric, from, to);
      const colour = colourOf(palette, shadeOf(scale, value));
      context.fillStyle = colour;
      context.fillRect(x, y, inner, inner);
      if (cell < FIGURES_FROM) continue;
      context.fillStyle = textOn(colour);
      const text = shortText(scale.metric, value);
      context.fillText(text, x + inner / 2, y + inner / 2, inner - 2);
    }
  }
}

/** A cross where nobody answered, a bar where it was refused. */
function drawSign(
  context: CanvasRenderingContext2D,
  mark: CellMark,
  x: number,
  y: number,
  side: number,
): void {
  if (mark !== "silent" && mark !== "refused") return;
  const [from, to] = [side * 0.32, side * 0.68];
  context.strokeStyle = styleOf("--card");
  context.lineWidth = Math.max(1, side / 16);
  context.beginPath();
  if (mark === "silent") {
    context.moveTo(x + from, y + from);
    context.lineTo(x + to, y + to);
    context.moveTo(x + to, y + from);
    context.lineTo(x + from, y + to);
  } else {
    context.moveTo(x + from, y + side / 2);
    context.lineTo(x + to, y + side / 2);
  }
  context.stroke();
}

/** A picture of a pixel a cell, enlarged block by block; then what has a pattern. */
function drawPixels(
  context: CanvasRenderingContext2D,
  { cell, left, top, at }: Layout,
  data: PageData,
  matrix: PageMatrix,
  scale: Scale,
): void {
  const { size } = matrix;
  const small = document.createElement("canvas");
  small.width = small.height = size;
  const pen = contextOf(small);
  const image = pen.createImageData(size, size);
  const missing = fillPixels(new Uint32Array(image.data.buffer), matrix, scale, shades());
  pen.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  for (const row of data.groups) {
    for (const column of data.groups) {
      const [width, height] = [column.to - column.from, row.to - row.from];
      const [x, y] = [left + at[column.from], top + at[row.from]];
      const [wide, high] = [width * cell, height * cell];
      context.drawImage(small, column.from, row.from, width, height, x, y, wide, high);
    }
  }
  context.fillStyle = hatch(context);
  for (const i of missing) {
    const from = Math.floor(i / size);
    context.fillRect(left + at[i - from * size], top + at[from], cell, cell);
  }
}

/** Returns the cells that were not measured. */
function fillPixels(
  pixels: Uint32Array,
  matrix: PageMatrix,
  scale: Scale,
  palette: Shades,
): number[] {
  const ramp = palette.ramp.map(pixelOf);
  const nothing = pixelOf(palette.nothing);
  const marks = {
    self: pixelOf(styleOf("--self")),
    silent: pixelOf(styleOf("--silent")),
    refused: pixelOf(styleOf("--refused")),
  };
  const missing: number[] = [];
  for (let from = 0; from < matrix.size; from++) {
    for (let to = 0; to < matrix.size; to++) {
      const i = from * matrix.size + to;
      const mark = markOf(matrix, scale.metric, from, to);
      if (mark === "missing") missing.push(i);
      else if (mark !== null) pixels[i] = marks[mark];
      else {
        const shade = shadeOf(scale, valueOf(matrix, scale.metric, from, to));
        pixels[i] = shade < 0 ? nothing : ramp[shade];
      }
    }
  }
  return missing;
}

/** `#rrggbb` as a pixel of a little-endian machine, which every browser's is. */
function pixelOf(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return (0xff000000 | b << 16 | g << 8 | r) >>> 0;
}

/** Veils everything but the cells of a finding; null for no veil. */
export function drawVeil(
  canvas: HTMLCanvasElement,
  layout: Layout,
  finding: PageFinding | null,
): void {
  const { cell, left, top, at, side } = layout;
  const context = prepare(canvas, layout);
  if (finding === null || finding.regions.length === 0) return;
  context.globalAlpha = 0.72;
  context.fillStyle = styleOf("--card");
  context.fillRect(left, top, side, side);
  context.globalAlpha = 1;
  const everyNode = at.map((_, node) => node);
  for (const { from, to } of finding.regions) {
    for (const i of from ?? everyNode) {
      for (const j of to ?? everyNode) context.clearRect(left + at[j], top + at[i], cell, cell);
    }
  }
}

/** Frames of the pair, its row and its column: elements, so that nothing is drawn again. */
export function placeFrames({ cell, left, top, at, side }: Layout, from: number, to: number): void {
  const frames = ["row-frame", "column-frame", "cell-frame"].map(byId);
  for (const frame of frames) frame.hidden = from < 0;
  if (from < 0) return;
  const inner = cell > PIXELS_TO ? cell - 1 : cell;
  const [x, y] = [left + at[to], top + at[from]];
  place(frames[0], left - 1, y - 1, side + 2, inner + 2);
  place(frames[1], x - 1, top - 1, inner + 2, side + 2);
  place(frames[2], x - 2, y - 2, inner + 4, inner + 4);
}
