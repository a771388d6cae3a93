/** Where the cells of the matrix lie on the page, in CSS pixels. */
import type { PageData } from "../page_data.ts";

/** Of text on the canvas, in pixels of a size. */
export function fontOf(pixels: number): string {
  return `${pixels}px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif`;
}

export function boldOf(pixels: number): string {
  return `600 ${fontOf(pixels)}`;
}

/** From this size of a cell on, nodes have their names; text is never smaller. */
const NAMES_FROM = 11;
const MIN_FONT = 11;
/** A figure's font by the size of its cell: five digits fit. */
const FONT_SHARE = 0.29;
/** Names by the page's text: at small cells, and at large ones. */
const [NAME_SHARE, LARGE_NAME_SHARE] = [0.79, 1.6];
const MIN_CELL = 3;
/** Where only the width limits cells, and where the height does too. */
const [MAX_CELL, LEAST_HIGH_CELL] = [54, 5];
/** In letters' heights: the names of a node and of a group at most, and at least. */
const [MAX_NODE_NAME, MAX_GROUP_NAME, MIN_NAME] = [13.6, 10.9, 1.8];
/** Also in letters' heights: between a name and the cells, the line of groups' names, and those above small cells. */
const [NAME_GAP, GROUP_LINE, HEAD] = [1.1, 1.64, 2];
/** Pixels between groups; with more groups than MANY_GROUPS it is one. */
const [GROUP_GAP, MANY_GROUPS] = [4, 40];

/** What there is for the matrix. */
export interface Room {
  readonly width: number;
  /** Null where the page is scrolled to what is below. */
  readonly height: number | null;
  /** Of the page's text. */
  readonly font: number;
}

export interface Layout {
  readonly cell: number;
  /** Pixels of the names' font, and of the figures' in the cells. */
  readonly nameFont: number;
  readonly figureFont: number;
  /** The matrix's corner. */
  readonly left: number;
  readonly top: number;
  /** Where each node's cells start, from the corner. */
  readonly at: readonly number[];
  /** Whether nodes have their names. */
  readonly named: boolean;
  readonly side: number;
  readonly width: number;
  readonly height: number;
}

/** The largest cells that fit. */
export function layoutFor(data: PageData, room: Room, context: CanvasRenderingContext2D): Layout {
  const least = Math.max(MIN_FONT, Math.round(NAME_SHARE * room.font));
  const first = layoutWith(data, room, context, least);
  // Large cells leave room for larger names, and small ones have room only for small names.
  const { cell, named } = first;
  if (!named) return first;
  const most = Math.min(figureFontOf(cell), Math.round(LARGE_NAME_SHARE * room.font));
  const fitting = Math.max(MIN_FONT, Math.min(cell, Math.max(least, most)));
  return fitting === least ? first : layoutWith(data, room, context, fitting);
}

function figureFontOf(cell: number): number {
  return Math.max(MIN_FONT, Math.round(FONT_SHARE * cell));
}

function layoutWith(
  { nodes, groups }: PageData,
  room: Room,
  context: CanvasRenderingContext2D,
  nameFont: number,
): Layout {
  const widest = (font: string, names: readonly { readonly name: string }[], most: number) => {
    context.font = font;
    const widths = names.map(({ name }) => context.measureText(name).width);
    return Math.ceil(
      Math.min(most * nameFont, Math.max(MIN_NAME * nameFont, ...widths)) + NAME_GAP * nameFont,
    );
  };
  const gap = groups.length > MANY_GROUPS ? 1 : GROUP_GAP;
  const gaps = (groups.length - 1) * gap;
  const nodeNames = widest(fontOf(nameFont), nodes, MAX_NODE_NAME);
  const groupNames = widest(boldOf(nameFont), groups, MAX_GROUP_NAME);
  const besideNames = Math.ceil(nodeNames + GROUP_LINE * nameFont);
  const head = Math.ceil(HEAD * nameFont);
  /** The largest cell where names take so much of the width and of the height. */
  const largest = (across: number, down: number) => {
    const fitting = (pixels: number) => Math.floor((pixels - gaps) / nodes.length);
    const byWidth = fitting(room.width - across);
    return room.height === null
      ? Math.min(MAX_CELL, byWidth)
      : Math.min(byWidth, Math.max(LEAST_HIGH_CELL, fitting(room.height - down)));
  };
  const withNames = largest(besideNames, besideNames);
  const named = withNames >= NAMES_FROM;
  const cell = named ? withNames : Math.max(MIN_CELL, largest(groupNames, head));
  const left = named ? besideNames : groupNames;
  const top = named ? left : head;
  const at: number[] = [];
  let x = 0;
  for (const { from, to } of groups) {
    for (let node = from; node < to; node++, x += cell) at.push(x);
    x += gap;
  }
  const side = x - gap;
  const [width, height] = [left + side + 2, top + side + 2];
  const figureFont = figureFontOf(cell);
  return { cell, nameFont, figureFont, left, top, at, named, side, width, height };
}

/** The node whose cells an offset from the corner lies in, or -1 between them. */
export function nodeAt({ at, cell }: Layout, offset: number): number {
  let [low, high] = [0, at.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (at[middle] <= offset) low = middle;
    else high = middle - 1;
  }
  const within = offset - at[low];
  return within >= 0 && within < cell ? low : -1;
}
