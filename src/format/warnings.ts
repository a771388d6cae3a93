/** Warnings below a run's summary: what makes its figures suspicious, and why. */
import { MAX_GROUPING_KEYS, MAX_GROUPS_PER_KEY } from "../stats/groups.ts";
import { listText } from "../text/words.ts";
import type { RunSummary } from "../domain/summary.ts";
import { BUSY_US, LATE_US, type Suspicion, suspicionsOf } from "../domain/suspicion.ts";
import { millisWithUnit } from "../text/number.ts";

/** A line for each thing that makes the figures of all targets together suspicious. */
export function warnings({ targets, totals }: RunSummary): string[] {
  const [first] = targets;
  const all = totals.at(-1) ?? first;
  if (all === undefined) return [];
  const kernel = all.rtt === null ? "" : "; rtt is the kernel's and stays right";
  return suspicionsOf(all).map((of) => `warning: ${suspicionText(of)}${kernel}`);
}

function suspicionText({ kind, us }: Suspicion): string {
  const shown = millisWithUnit(us);
  switch (kind) {
    case "late prober":
      return `1 of 100 probes was sent ${shown} late (lag p99, more than ${LATE_US / 1000} ms): ` +
        "this machine delays its prober";
    case "busy machine":
      return `connect is ${shown} above rtt (medians, more than ${BUSY_US / 1000} ms): ` +
        "this machine is busy";
    default:
      return kind satisfies never;
  }
}

/** How many labels are named. */
const MAX_UNGROUPED = 3;

/** Of labels that have too many values to make groups of. */
export function ungroupedNotice(labels: readonly string[]): string {
  return `no groups by ${
    listText(labels, MAX_UNGROUPED)
  }: more than ${MAX_GROUPS_PER_KEY} values, ` +
    `or more than ${MAX_GROUPING_KEYS} labels`;
}
