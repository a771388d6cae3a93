/**
 * A round trip by the kernel's two stamps, which are wall time, checked against this process's
 * clock.
 */
import { NONE } from "../domain/probe_record.ts";
import type { Clock } from "../time/clock.ts";

/** When a packet was sent, by every clock there is. */
export interface Departure {
  /** This process's clock, before the send. */
  readonly sentMs: number;
  /** Wall minus monotonic clock at that moment. */
  readonly wallOffsetMs: number;
  /** The kernel's stamp; NaN until it has told. */
  leftUs: number;
}

/** The wall clock reads whole milliseconds: beyond this it was stepped. */
const STEP_MS = 2;
/** How often the two clocks are read again when something came between. */
const MAX_READINGS = 3;

/** Wall minus monotonic clock, both read at one moment if this process is let. */
export function wallOffset(clock: Clock): number {
  for (let readings = 1;; readings++) {
    const before = clock.now();
    const wall = clock.wall();
    const after = clock.now();
    if (after - before < STEP_MS / 2 || readings === MAX_READINGS) return wall - after;
  }
}

/** From the send to now by this process's clock, in whole µs. */
export function clockUs({ sentMs }: Departure, clock: Clock): number {
  return Math.max(0, Math.round((clock.now() - sentMs) * 1000));
}

/**
 * How much longer the kernel's span may be than the clock's around it, since clocks are adjusted.
 */
const SLACK_US = 100;

/**
 * From the kernel's one stamp to the other in whole µs; NONE where one is missing, or where the wall
 * clock was set in between. `atMostUs`: what this process's clock says.
 */
export function kernelUs(
  departure: Departure,
  stampUs: number,
  atMostUs: number,
  clock: Clock,
): number {
  const us = Math.round(stampUs - departure.leftUs);
  if (!(us >= 0 && us <= atMostUs + SLACK_US)) return NONE;
  const isStepped = Math.abs(wallOffset(clock) - departure.wallOffsetMs) > STEP_MS;
  return isStepped ? NONE : us;
}
