/** Outages: how long one lasts, and how little a probe may be affected by it. */
import { assertLess, assertLessOrEqual } from "@std/assert";
import { passing, untilTrue } from "./receiver.ts";
import type { Probe } from "./probe.ts";

/** `WIRE_PROBE_OUTAGE_S=30` for the span that the product promises to outlast. */
export const OUTAGE_MS = 1000 * Number(Deno.env.get("WIRE_PROBE_OUTAGE_S") ?? 3);
/** A span without trouble, to compare with. */
export const CALM_MS = 3000;
/** Attempts to reach a receiver come at most so far apart, and then some. */
export const RESUME_LIMIT_MS = 60_000;

/**
 * How much lag p99 may differ between spans on a machine that also does other work; a probe that
 * waited for a receiver would be seconds late.
 */
const NOISE_FACTOR = 2;
const NOISE_MS = 20;
/** What memory may grow by: bounded queues that are filled, and garbage that is not yet collected. */
const GROWTH_BYTES = 24 * 2 ** 20;
/** A span's 99th percentile wants so many probes: the shortest one has 150 slots, of which a busy machine skips some. */
const LEAST_PROBES = 110;
/** Nobody probes any more who has not probed so often by then. */
const PATIENCE_MS = 60_000;

/** When a probe was sent, and how long after it was due. */
export interface Sent {
  readonly time: string;
  readonly lag_ms: number;
}

export interface Span {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** Lets a span pass while nothing is done to the receiver, and until each of these probes has made enough in it. */
export async function span(
  name: string,
  lengthMs: number,
  ...probes: readonly Probe[]
): Promise<Span> {
  const fromMs = Date.now();
  await passing(lengthMs);
  const isEnough = ({ probes }: Probe) =>
    probes.length > LEAST_PROBES &&
    Date.parse(probes[probes.length - 1 - LEAST_PROBES].time) >= fromMs;
  await untilTrue(`enough probes, ${name}`, () => probes.every(isEnough), PATIENCE_MS);
  return { name, fromMs, toMs: Date.now() };
}

/** Those that were sent in a span. */
function sentIn(sent: readonly Sent[], { fromMs, toMs }: Span): Sent[] {
  return sent.filter(({ time }) => Date.parse(time) >= fromMs && Date.parse(time) < toMs);
}

/** The 99th percentile of lag in a span. */
export function lagP99(sent: readonly Sent[], within: Span): number {
  const { name } = within;
  const lags = sentIn(sent, within).map(({ lag_ms }) => lag_ms).sort((a, b) => a - b);
  // Those at the end of the span may not have been read by its end.
  assertLess(0.9 * LEAST_PROBES, lags.length, `${name}: too few probes`);
  return lags[Math.ceil(0.99 * lags.length) - 1];
}

/**
 * In an outage probes are as punctual as in a calm span, or as those of a control without exports
 * are in the same outage: what both suffer is the machine's.
 */
export function assertPunctual(
  sent: readonly Sent[],
  control: readonly Sent[],
  calm: Span,
  outages: readonly Span[],
): void {
  const before = lagP99(sent, calm);
  for (const outage of outages) {
    const during = lagP99(sent, outage);
    const controls = lagP99(control, outage);
    const most = NOISE_FACTOR * Math.max(before, controls) + NOISE_MS;
    const figures = `lag p99 ${during} ms, before ${before}, without exports ${controls}`;
    assertLessOrEqual(during, most, `${outage.name}: ${figures}`);
    // Nor are they fewer: who skips what is late has no lag.
    const [probes, others] = [sent, control].map((of) => sentIn(of, outage).length);
    assertLess(others / 2, probes, `${outage.name}: probes beside those without exports`);
    if (Deno.env.has("WIRE_PROBE_OUTAGE_S")) console.log(`${outage.name}: ${figures}`);
  }
}

/** Notes a probe's memory, for a bound on its growth. */
export class Memory {
  #probe: Probe;
  #before: number;
  #most: number;

  constructor(probe: Probe) {
    this.#probe = probe;
    this.#before = probe.residentBytes;
    this.#most = this.#before;
  }

  look(): void {
    this.#most = Math.max(this.#most, this.#probe.residentBytes);
  }

  assertBounded(): void {
    const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
    const figures = `RSS from ${mib(this.#before)} to ${mib(this.#most)} MiB`;
    assertLess(this.#most - this.#before, GROWTH_BYTES, figures);
    if (Deno.env.has("WIRE_PROBE_OUTAGE_S")) console.log(figures);
  }
}
