/** Colours by meaning, so that they can be left out in one place. */

export interface Paint {
  /** Something went wrong. */
  bad(text: string): string;
  /** Something deserves a look. */
  warn(text: string): string;
}

/** Select Graphic Rendition (ECMA-48, 8.3.117): sets an attribute before a text and resets it behind. */
function attribute(set: number, reset: number): (text: string) => string {
  const [before, behind] = [`\x1b[${set}m`, `\x1b[${reset}m`];
  // A reset within the text would end this attribute too.
  return (text) => `${before}${text.replaceAll(behind, before)}${behind}`;
}

const bold = attribute(1, 22);
const dim = attribute(2, 22);
const inverse = attribute(7, 27);
const red = attribute(31, 39);
const yellow = attribute(33, 39);

const same = (text: string) => text;

export const plain: Paint = { bad: same, warn: same };

export const coloured: Paint = { bad: red, warn: yellow };

/** Colours only on a terminal, never against the user's wish. */
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
