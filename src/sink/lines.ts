/** What encoded bytes hold: whole lines, each with its newline. */

const NEWLINE = 10;

/** How many lines end in `bytes[from, to)`. */
export function countLines(bytes: Uint8Array, from: number, to: number): number {
  let lines = 0;
  for (let i = from; i < to; i++) if (bytes[i] === NEWLINE) lines++;
  return lines;
}

/** The bytes of the longest line in `bytes[from, to)`, with its newline. */
export function longestLine(bytes: Uint8Array, from: number, to: number): number {
  let longest = 0;
  let start = from;
  for (let i = from; i < to; i++) {
    if (bytes[i] !== NEWLINE) continue;
    if (i + 1 - start > longest) longest = i + 1 - start;
    start = i + 1;
  }
  return longest;
}
