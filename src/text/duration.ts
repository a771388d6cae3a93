/** Durations as people read them. */

/** A duration in the largest unit that needs no fraction: `250ms`, `90s`, `2m`. */
export function durationText(ms: number): string {
  for (const [unit, factor] of [["h", 3_600_000], ["m", 60_000], ["s", 1000]] as const) {
    if (ms >= factor && ms % factor === 0) return `${ms / factor}${unit}`;
  }
  return `${ms}ms`;
}

/** A duration to the second, or to the minute or hour where it is long: `42s`, `17m`, `26h`. */
export function roughDuration(ms: number): string {
  const step = ms < 1000 ? 1 : ms < 120_000 ? 1000 : ms < 36_000_000 ? 60_000 : 3_600_000;
  return durationText(Math.round(ms / step) * step);
}

/** How long something has lasted: `42s`, `3m 05s`, `2h 07m`. */
export function elapsedText(elapsedMs: number): string {
  const { hours, minutes, seconds } = clockOf(Math.floor(elapsedMs / 1000));
  if (hours > 0) return `${hours}h ${twoDigits(minutes)}m`;
  return minutes > 0 ? `${minutes}m ${twoDigits(seconds)}s` : `${seconds}s`;
}

/** What is left, as `m:ss` or `h:mm:ss`; a part of a second counts as one. */
export function countdownText(leftMs: number): string {
  const { hours, minutes, seconds } = clockOf(Math.ceil(leftMs / 1000));
  const rest = `${twoDigits(minutes)}:${twoDigits(seconds)}`;
  return hours > 0 ? `${hours}:${rest}` : rest.replace(/^0/, "");
}

function clockOf(seconds: number): { hours: number; minutes: number; seconds: number } {
  const minutes = Math.floor(seconds / 60);
  return { hours: Math.floor(minutes / 60), minutes: minutes % 60, seconds: seconds % 60 };
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
