/** What `--fail-rtt` and `--fail-retransmits` make of the reports: which groups crossed, and the exit code. */
import {
  type ConnectionReport,
  networkRttUs,
  OTHERS,
  retransmittedRatio,
} from "../domain/connection.ts";
import { EXIT, type ExitCode } from "../domain/exit.ts";
import { givenPercent, millisWithUnit } from "../text/number.ts";

export interface FailThresholds {
  /** Null for none. */
  readonly rttUs: number | null;
  readonly retransmittedRatio: number | null;
}

/** Groups that are named. */
const MAX_NAMED = 20;

export class FailWatch {
  #thresholds: FailThresholds;
  /** The worst of each group that crossed: by what it crossed and its name. */
  #rtts = new Map<string, number>();
  #ratios = new Map<string, number>();
  #rttSeen = false;
  #ratioSeen = false;

  constructor(thresholds: FailThresholds) {
    this.#thresholds = thresholds;
  }

  add({ groups }: ConnectionReport): void {
    const { rttUs, retransmittedRatio: most } = this.#thresholds;
    for (const group of groups) {
      // The others are many groups on many networks, so their round trip is not judged.
      const us = group.group === OTHERS ? null : networkRttUs(group);
      const ratio = retransmittedRatio(group);
      this.#rttSeen ||= us !== null;
      this.#ratioSeen ||= ratio !== null;
      if (rttUs !== null && us !== null && us > rttUs) worst(this.#rtts, group.group, us);
      if (most !== null && ratio !== null && ratio > most) worst(this.#ratios, group.group, ratio);
    }
  }

  /**
   * A threshold without a measurement counts as crossed: a check must not pass because nothing was
   * measured.
   */
  verdict(): { readonly code: ExitCode; readonly reasons: readonly string[] } {
    const { rttUs, retransmittedRatio: most } = this.#thresholds;
    const reasons: string[] = [];
    if (rttUs !== null) {
      const limit = millisWithUnit(rttUs);
      for (const [group, us] of this.#rtts) {
        reasons.push(`FAIL ${group}: rtt ${millisWithUnit(us)}, above ${limit}`);
      }
      if (!this.#rttSeen) reasons.push("FAIL --fail-rtt: no connection has a round trip");
    }
    if (most !== null) {
      for (const [group, ratio] of this.#ratios) {
        reasons.push(
          `FAIL ${group}: ${givenPercent(ratio)} of its segments were sent again, ` +
            `above ${givenPercent(most)}`,
        );
      }
      if (!this.#ratioSeen) reasons.push("FAIL --fail-retransmits: no connection sent a segment");
    }
    const more = reasons.length - MAX_NAMED;
    const named = more > 0 ? [...reasons.slice(0, MAX_NAMED), `FAIL: ${more} more`] : reasons;
    return { code: reasons.length === 0 ? EXIT.ok : EXIT.failed, reasons: named };
  }
}

/** A bound, since groups come and go; beyond it only the count grows. */
const MAX_KEPT = 1000;

function worst(kept: Map<string, number>, group: string, value: number): void {
  const before = kept.get(group);
  if (before === undefined && kept.size >= MAX_KEPT) return;
  if (before === undefined || value > before) kept.set(group, value);
}
