/** Holds what a command says of round trips against the packets themselves. */
import { assertEquals, assertGreaterOrEqual, assertLess } from "@std/assert";
import { errorMs, type LinkRoundTrip, whileOnTime } from "./harness/truth.ts";
import { quantile } from "./lab.ts";
import type { PacketRun } from "./packet_lab.ts";

const P50_TOLERANCE_MS = 0.1;
export const TAIL_TOLERANCE_MS = 0.2;
/** This share of ping's and knock's round trips is the kernel's, however busy the machine. */
export const KERNEL_SHARE = 0.98;

/**
 * One by one, so that a moment in which the machine stood still and the link was late is not the
 * tool's fault; the tail where the link was on time, which is a quarter of them at least.
 */
export function assertOnTruth(
  rttsMs: readonly (number | null)[],
  seen: readonly LinkRoundTrip[],
  tail = 0.99,
): void {
  const errors = rttsMs.map((ms, i) => errorMs(ms, seen[i]));
  const undisturbed = whileOnTime(errors, seen);
  const figures = `ms off the packets' own: ${row(errors)}; ${undisturbed.length} of ` +
    `${errors.length} on time: ${row(undisturbed)}`;
  assertLess(quantile(errors, 0.5), P50_TOLERANCE_MS, figures);
  assertGreaterOrEqual(undisturbed.length, errors.length / 4, figures);
  assertLess(quantile(undisturbed, tail), TAIL_TOLERANCE_MS, figures);
}

/** The same of ping's or knock's round trips, `count` of them, those that the kernel timed. */
export function assertPacketsOnTruth(
  run: PacketRun,
  seen: readonly LinkRoundTrip[],
  count: number,
): void {
  assertEquals([run.code, run.probes.length, seen.length], [0, count, count], run.stderr);
  // Where this process was not scheduled between two clocks' readings, the label says so.
  const pairs = run.probes.map(({ rtt_ms, rtt_source }, i) => ({
    rtt_ms,
    rtt_source,
    truth: seen[i],
  }))
    .filter(({ rtt_source }) => rtt_source === "kernel");
  assertGreaterOrEqual(pairs.length, KERNEL_SHARE * count);
  assertOnTruth(pairs.map(({ rtt_ms }) => rtt_ms), pairs.map(({ truth }) => truth), 0.95);
}

function row(errorsMs: readonly number[]): string {
  return [0.5, 0.9, 0.95, 0.99, 1].map((q) => quantile(errorsMs, q)?.toFixed(3)).join(" ");
}
