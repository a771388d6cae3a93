/** Durations as people read them. */

/** A duration in the largest unit that needs no fraction: `250ms`, `90s`, `2m`. */
export function durationText(ms: number): string {
  for (const [unit, factor] of [["h", 3_600_000], ["m", 60_000], ["s", 1000]] as const) {
    if (ms >= factor && ms % factor === 0) return `${ms / factor}${unit}`;
  }
  return `${ms}ms`;
}
