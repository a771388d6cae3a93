/** Targets, records, windows and distributions for tests, with only what matters spelled out. */
import { blankRecord, type ProbeRecord } from "../../src/domain/probe_record.ts";
import type {
  Distribution,
  Judged,
  RunSummary,
  Summary,
  Total,
  Window,
} from "../../src/domain/summary.ts";
import type { Endpoint, Target } from "../../src/domain/target.ts";
import { literalEndpoint } from "../../src/domain/address.ts";
import { Tally } from "../../src/stats/tally.ts";
import { TargetStats } from "../../src/stats/target_stats.ts";

export function target(name: string, more: Partial<Target> = {}): Target {
  return { name, host: "192.0.2.1", port: 5432, az: "default", labels: [], ...more };
}

export function record(more: Partial<ProbeRecord> = {}): ProbeRecord {
  return {
    ...blankRecord(),
    lagUs: 0,
    target: target("db"),
    address: "192.0.2.1",
    seq: 1,
    ...more,
  };
}

/** An established probe with the kernel's RTT. */
export function established(
  seq: number,
  rttUs: number,
  more: Partial<ProbeRecord> = {},
): ProbeRecord {
  return record({
    seq,
    outcome: "established",
    rttUs,
    rttSource: "kernel",
    connectUs: rttUs + 100,
    synRetransmits: 0,
    ...more,
  });
}

export function endpoint(address = "192.0.2.1", port = 5432): Endpoint {
  const found = literalEndpoint(address, port);
  if (found === null) throw new Error(`${address} is no literal`);
  return found;
}

/** A distribution whose figures are all one value. */
export function flat(us: number, count = 1): Distribution {
  return {
    count,
    minUs: us,
    avgUs: us,
    maxUs: us,
    stddevUs: 0,
    p50Us: us,
    p90Us: us,
    p99Us: us,
    p999Us: us,
  };
}

/** The summary of a target that nothing happened to, but for what is given. */
export function summary(more: Partial<Summary> = {}): Summary {
  return { ...new TargetStats(more.target ?? target("db")).summary(0), ...more };
}

/** The total of targets that nothing happened to, but for what is given. */
export function total(more: Partial<Judged<Total>> = {}): Judged<Total> {
  return { ...new Tally().figures(0), group: null, targets: 2, crossed: [], ...more };
}

/** A run of these targets, with no threshold crossed but those given. */
export function runOf(
  targets: readonly (Summary | Judged<Summary>)[],
  more: Partial<RunSummary> = {},
): RunSummary {
  const judged = targets.map((of) => ({ crossed: [], ...of }));
  return { targets: judged, totals: [], ungrouped: [], shape: null, ...more };
}

/** The window of a target that nothing happened to, but for what is given. */
export function windowOf(more: Partial<Window> = {}): Window {
  const { wallSeconds = 1_800_000_000, wallNanos = 0, windowMs = 10_000 } = more;
  const { handshakes = null, pressure = null } = more;
  return { ...summary(more), wallSeconds, wallNanos, windowMs, handshakes, pressure };
}
