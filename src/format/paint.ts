/** Colours by meaning, so that they can be left out in one place. */
import { red, yellow } from "@std/fmt/colors";

export interface Paint {
  /** Something went wrong. */
  bad(text: string): string;
  /** Something deserves a look. */
  warn(text: string): string;
}

const same = (text: string) => text;

export const plain: Paint = { bad: same, warn: same };

export const coloured: Paint = { bad: red, warn: yellow };

/** Colours only on a terminal, never against the user's wish. */
export function choosePaint(terminal: boolean, noColor: boolean): Paint {
  return terminal && !noColor ? coloured : plain;
}
