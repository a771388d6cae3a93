/** Colours by meaning, so that they can be left out in one place. */
import { bold, dim, inverse, red, yellow } from "@std/fmt/colors";

export interface Paint {
  /** Something went wrong. */
  bad(text: string): string;
  /** Something deserves a look. */
  warn(text: string): string;
}

const same = (text: string) => text;

export const plain: Paint = { bad: same, warn: same };

export const coloured: Paint = { bad: red, warn: yellow };

/** Colours only on a terminal, and only if the user wants them. */
export function choosePaint(terminal: boolean, noColor: boolean): Paint {
  return terminal && !noColor ? coloured : plain;
}

export interface LivePaint extends Paint {
  /** The titles above columns. */
  heading(text: string): string;
  /** What the screen is about. */
  strong(text: string): string;
  /** Hints, which need not be read twice. */
  faint(text: string): string;
}

export const livePlain: LivePaint = { ...plain, heading: same, strong: same, faint: same };

export const liveColoured: LivePaint = { ...coloured, heading: inverse, strong: bold, faint: dim };
