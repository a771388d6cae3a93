/** A histogram for people: a line a bar, within the 80 columns of a terminal. */
import type { Bar, DelayKind, Shape } from "../domain/summary.ts";

/** Columns of the longest bar; with the figures before it a line has 79. */
const BAR_COLUMNS = 36;
/** Blocks by eighths of a column (Unicode, Block Elements). */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const FULL = "█";

/**
 * A head, then each bar's bounds in ms (both inclusive), its count and its share of all. `clock` is
 * the word for connect times.
 */
export function* shapeLines({ kind, bars }: Shape, clock: string): Iterable<string> {
  const titles: Readonly<Record<DelayKind, string>> = {
    rtt: "rtt",
    cold: "cold rtt",
    connect: clock,
  };
  const all = bars.reduce((sum, { count }) => sum + count, 0);
  const most = bars.reduce((longest, { count }) => Math.max(longest, count), 0);
  yield* ["", `${titles[kind]} in ms`.padEnd(23) + "count".padStart(10) + "share".padStart(8)];
  for (const [i, bar] of bars.entries()) {
    if (i > 0 && bars[i - 1].toUs + 1 < bar.fromUs) yield "...".padStart(10);
    const share = `${(bar.count / all * 100).toFixed(1)}%`;
    const figures = String(bar.count).padStart(10) + share.padStart(8);
    yield `${boundsOf(bar)}${figures}  ${block(bar.count / most)}`;
  }
}

function boundsOf({ fromUs, toUs }: Bar): string {
  const [from, to] = [fromUs, toUs].map((us) => (us / 1000).toFixed(3).padStart(10));
  return `${from} - ${to}`;
}

/** A bar of a share (0..1) of the longest; never nothing for something. */
function block(share: number): string {
  const eighths = Math.max(1, Math.round(share * BAR_COLUMNS * 8));
  return FULL.repeat(eighths >> 3) + EIGHTHS[eighths & 7];
}
