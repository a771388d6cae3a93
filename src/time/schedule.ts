/** The absolute schedule: which slot is next, and how many went by unsent. Pure. */

/** A slot is still worth sending when it is late by no more than this, or by one interval. */
export const CATCH_UP_MS = 20;

/** When slot k is due, in the unit of `startMs` and `intervalMs`. No drift: never a running sum. */
export function dueMs(startMs: number, intervalMs: number, slot: number): number {
  return startMs + slot * intervalMs;
}

/**
 * How many slots went by without a probe, given that `slot` is the first one not yet sent: the one to send
 * next is that many later. A stall is made good by sending late slots only as far back as `CATCH_UP_MS` or
 * one interval, whichever is longer; what lies before that is skipped, so the burst after a stall is bounded.
 */
export function skippedSlots(
  startMs: number,
  intervalMs: number,
  slot: number,
  nowMs: number,
): number {
  const lateMs = nowMs - dueMs(startMs, intervalMs, slot);
  const boundMs = Math.max(CATCH_UP_MS, intervalMs);
  return lateMs <= boundMs ? 0 : Math.ceil((lateMs - boundMs) / intervalMs);
}

/** Where in the interval the i-th of n targets starts, so that starts are spread over it. */
export function splayMs(index: number, count: number, intervalMs: number): number {
  return count <= 1 ? 0 : (index * intervalMs) / count;
}

/** Pauses between attempts that fail: the first, the longest, and how far each is spread. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
const PAUSE_JITTER = 0.25;

/**
 * How long to wait, in ms, after so many failures in a row (at least 1): twice as long after each, and
 * somewhat more or less, so that many that failed together are not tried together.
 */
export function retryPauseMs(failures: number, random: () => number): number {
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
  return pauseMs * (1 - PAUSE_JITTER + 2 * PAUSE_JITTER * random());
}
