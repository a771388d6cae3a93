/** A histogram of delays for people: a line a bar. */
import type { Bar, DelayKind, Shape } from "../domain/summary.ts";
import { millisText, percent } from "../text/number.ts";

/** Columns of the longest bar, and of the figures before it. */
const BAR_COLUMNS = 36;
const BOUNDS_COLUMNS = 43;
/** Blocks by eighths of a column (Unicode, Block Elements). */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const FULL = "█";

/** A head, then each bar's bounds in ms (both inclusive), its count and its share of all. */
export function* shapeLines(
  { kind, bars }: Shape,
  { clock, columns }: { readonly clock: string; readonly columns: number },
): Iterable<string> {
  const titles: Readonly<Record<DelayKind, string>> = {
    rtt: "rtt",
    cold: "cold rtt",
    connect: clock,
  };
  const all = bars.reduce((sum, { count }) => sum + count, 0);
  const most = bars.reduce((longest, { count }) => Math.max(longest, count), 0);
  yield* ["", `${titles[kind]} in ms`.padEnd(23) + "count".padStart(10) + "share".padStart(8)];
  const room = Math.max(1, Math.min(BAR_COLUMNS, columns - BOUNDS_COLUMNS));
  for (const [i, bar] of bars.entries()) {
    if (i > 0 && bars[i - 1].toUs + 1 < bar.fromUs) yield "...".padStart(10);
    const figures = String(bar.count).padStart(10) + percent(bar.count / all).padStart(8);
    yield `${boundsOf(bar)}${figures}  ${block(bar.count / most, room)}`;
  }
}

function boundsOf({ fromUs, toUs }: Bar): string {
  const [from, to] = [fromUs, toUs].map((us) => millisText(us).padStart(10));
  return `${from} - ${to}`;
}

/** A bar for a share (0..1) of the longest bar. A share above 0 has a visible bar. */
function block(share: number, columns: number): string {
  const eighths = Math.max(1, Math.round(share * columns * 8));
  return FULL.repeat(eighths >> 3) + EIGHTHS[eighths & 7];
}
