/** The looks of a screen that redraws: colours by meaning, and what is to be seen first or last. */
import { bold, dim, inverse } from "@std/fmt/colors";
import { coloured, type Paint, plain } from "./paint.ts";

export interface LivePaint extends Paint {
  /** The titles above columns. */
  heading(text: string): string;
  /** What the screen is about. */
  strong(text: string): string;
  /** Hints, which need not be read twice. */
  faint(text: string): string;
}

const same = (text: string) => text;

export const livePlain: LivePaint = { ...plain, heading: same, strong: same, faint: same };

export const liveColoured: LivePaint = { ...coloured, heading: inverse, strong: bold, faint: dim };
