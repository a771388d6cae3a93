/**
 * Has the engine make machine code of the statistics before the first probe of many targets. Otherwise the
 * first thousand results are counted slowly; and the seventeenth of each target, all of them in one second,
 * takes branches that the code made by then lacks, so that the engine throws it away and begins anew.
 * Checked with Deno 2.7.11 and 2.9.6; an engine that does it otherwise loses some milliseconds.
 */
import { blankRecord, NONE } from "../domain/probe_record.ts";
import { MAX_EXACT, PASSING } from "./counts.ts";
import { TargetStats } from "./target_stats.ts";

/** So many results of so many targets that there are not: some 5 ms. */
const TARGETS = 100;
const RESULTS = MAX_EXACT + 8;
/** Every so many is lost, so that the first real loss is not the first that the code has met. */
const LOST_EVERY = 9;
/** The values are spread over so many µs in a fixed order, as those of a network are. */
const SPREAD_US = 997;
const STEP_US = 389;

export function warmUpStatistics(): void {
  const record = blankRecord();
  for (let target = 0; target < TARGETS; target++) {
    const stats = new TargetStats(record.target, null, PASSING);
    for (let seq = 1; seq <= RESULTS; seq++) {
      const value = (target * RESULTS + seq) * STEP_US % SPREAD_US;
      const lost = seq % LOST_EVERY === 0;
      record.seq = seq;
      record.cold = seq === 1;
      record.outcome = lost ? "timeout" : "established";
      record.rttUs = lost ? NONE : 1 + value % 50;
      record.rttSource = lost ? null : "kernel";
      record.synRetransmits = lost ? NONE : 0;
      record.connectUs = lost ? NONE : 100 + value;
      record.lagUs = value;
      stats.add(record);
    }
  }
}
