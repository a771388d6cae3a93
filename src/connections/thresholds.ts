/** What `--fail-rtt` and `--fail-retransmits` make of the reports: which groups crossed, and by what. */
import {
  type ConnectionReport,
  networkRttUs,
  OTHERS,
  retransmittedRatio,
} from "../domain/connection.ts";
import { givenPercent, millisWithUnit } from "../text/number.ts";

export interface FailThresholds {
  /** Null for none. */
  readonly rttUs: number | null;
  readonly retransmittedRatio: number | null;
}

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
   * What crossed a threshold: a name, and why. A threshold without a measurement counts as crossed: a check
   * must not pass because nothing was measured.
   */
  failures(): ReadonlyMap<string, readonly string[]> {
    const { rttUs, retransmittedRatio: most } = this.#thresholds;
    const found = new Map<string, readonly string[]>();
    for (const group of new Set([...this.#rtts.keys(), ...this.#ratios.keys()])) {
      const [us, ratio] = [this.#rtts.get(group), this.#ratios.get(group)];
      found.set(group, [
        ...us === undefined ? [] : [`rtt ${millisWithUnit(us)}, above ${millisWithUnit(rttUs!)}`],
        ...ratio === undefined ? [] : [
          `${givenPercent(ratio)} of its segments were sent again, above ${givenPercent(most!)}`,
        ],
      ]);
    }
    if (rttUs !== null && !this.#rttSeen) found.set("--fail-rtt", [NO_RTT]);
    if (most !== null && !this.#ratioSeen) found.set("--fail-retransmits", [NO_SEGMENT]);
    return found;
  }
}

const NO_RTT = "no connection has a round trip";
const NO_SEGMENT = "no connection sent a segment";

/** A bound, since groups come and go; beyond it only the count grows. */
const MAX_KEPT = 1000;

function worst(kept: Map<string, number>, group: string, value: number): void {
  const before = kept.get(group);
  if (before === undefined && kept.size >= MAX_KEPT) return;
  if (before === undefined || value > before) kept.set(group, value);
}
