/** What a monitoring system is told of a target: counts since its first probe. They only grow. */
import { noOutcomes, type Outcome } from "../domain/outcome.ts";
import type { ProbeRecord } from "../domain/probe_record.ts";
import { hasSynCount, isRepeated, kernelRttOf, lagOf, NONE } from "../domain/probe_record.ts";
import { Buckets } from "./buckets.ts";

export class TargetCounts {
  readonly outcomes: Record<Outcome, number> = noOutcomes();
  /** Slots of the schedule in which no probe was sent. */
  skipped = 0;
  /** Whether the last probe was established; null before the first one. */
  success: boolean | null = null;
  /** The address last probed; empty before the first one. */
  address = "";
  /** Kernel RTTs of steady handshakes. */
  readonly rtt: Buckets;
  /** Kernel RTTs of cold handshakes. */
  readonly cold: Buckets;
  readonly connect: Buckets;
  readonly lag: Buckets;
  #retransmits = 0;
  #repeated = 0;
  /** Whether handshakes came with a count of their SYNs, and without one. */
  #counted = false;
  #uncounted = false;

  /** `boundsUs`: the upper bounds of the histograms' buckets. */
  constructor(boundsUs?: readonly number[]) {
    [this.rtt, this.cold, this.connect, this.lag] = Buckets.several(4, boundsUs);
  }

  /** SYNs sent again; null where the kernel does not tell. */
  get synRetransmits(): number | null {
    return this.#uncounted && !this.#counted ? null : this.#retransmits;
  }

  /** Handshakes whose SYN was sent more than once; null where the kernel does not tell. */
  get repeatedHandshakes(): number | null {
    return this.#uncounted && !this.#counted ? null : this.#repeated;
  }

  /** Counts a probe whose fate is known, without allocating. */
  add(record: ProbeRecord): void {
    this.outcomes[record.outcome]++;
    this.success = record.outcome === "established";
    if (record.address !== "") this.address = record.address;
    const lagUs = lagOf(record);
    const rttUs = kernelRttOf(record);
    if (lagUs !== NONE) this.lag.add(lagUs);
    if (record.connectUs !== NONE) this.connect.add(record.connectUs);
    if (rttUs !== NONE) (record.cold ? this.cold : this.rtt).add(rttUs);
    if (hasSynCount(record)) {
      this.#retransmits += record.synRetransmits;
      if (isRepeated(record)) this.#repeated++;
      this.#counted = true;
    } else if (record.outcome === "established") this.#uncounted = true;
  }
}
