/** Where the cells of the matrix lie on the page, in CSS pixels. */
import type { PageData } from "../page_data.ts";

export const FONT = '11px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
export const BOLD = `600 ${FONT}`;

/** From this size of a cell on, nodes have their names. */
const NAMES_FROM = 11;
const MAX_CELL = 54;
const MIN_CELL = 3;
/** Pixels of the names: of a node's and of a group's at most, and at least. */
const [MAX_NODE_NAME, MAX_GROUP_NAME, MIN_NAME] = [150, 120, 20];
/** Pixels between a name and the cells, of the line of groups' names, and of those above small cells. */
const [NAME_GAP, GROUP_LINE, HEAD] = [12, 18, 22];
/** Pixels between groups; with more groups than MANY_GROUPS it is one. */
const [GROUP_GAP, MANY_GROUPS] = [4, 40];

export interface Layout {
  readonly cell: number;
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

/** The largest cells that fit a width of so many pixels. */
export function layoutFor(data: PageData, room: number, context: CanvasRenderingContext2D): Layout {
  const widest = (font: string, names: readonly { readonly name: string }[], most: number) => {
    context.font = font;
    const widths = names.map(({ name }) => context.measureText(name).width);
    return Math.ceil(Math.min(most, Math.max(MIN_NAME, ...widths))) + NAME_GAP;
  };
  const { nodes, groups } = data;
  const gap = groups.length > MANY_GROUPS ? 1 : GROUP_GAP;
  const gaps = (groups.length - 1) * gap;
  const nodeNames = widest(FONT, nodes, MAX_NODE_NAME);
  const groupNames = widest(BOLD, groups, MAX_GROUP_NAME);
  const withNames = Math.floor((room - nodeNames - GROUP_LINE - gaps) / nodes.length);
  const named = withNames >= NAMES_FROM;
  const cell = named
    ? Math.min(MAX_CELL, withNames)
    : Math.max(MIN_CELL, Math.floor((room - groupNames - gaps) / nodes.length));
  const left = named ? nodeNames + GROUP_LINE : groupNames;
  const top = named ? left : HEAD;
  const at: number[] = [];
  let x = 0;
  for (const { from, to } of groups) {
    for (let node = from; node < to; node++, x += cell) at.push(x);
    x += gap;
  }
  const side = x - gap;
  return { cell, left, top, at, named, side, width: left + side + 2, height: top + side + 2 };
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
