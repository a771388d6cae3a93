/** Sentences: counted things, lists of names, and lines that fit. */
import { columnsOf } from "./columns.ts";

/** So many names are listed where nothing else is said. */
const MAX_NAMED = 4;

/** `1 hop`, `2 hops`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

/**
 * Names in a sentence: `a`, `a and b`, `a, b, c, d and 2 more`. One name more than `most` is listed
 * too. `joint` comes before the last one.
 */
export function listText(names: readonly string[], most = MAX_NAMED, joint = " and "): string {
  const more = names.length - most;
  if (more > 1) return `${names.slice(0, most).join(", ")} and ${more} more`;
  const last = names[names.length - 1] ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")}${joint}${last}`;
}

/**
 * Pieces with a gap between them, in lines of at most `columns`. A piece that is wider has a line of
 * its own. At least one line, which may be empty.
 */
export function wrap(pieces: readonly string[], columns: number, gap = " "): string[] {
  const lines = [""];
  for (const piece of pieces) {
    const last = lines[lines.length - 1];
    const longer = last === "" ? piece : `${last}${gap}${piece}`;
    if (last === "" || columnsOf(longer) <= columns) lines[lines.length - 1] = longer;
    else lines.push(piece);
  }
  return lines;
}
