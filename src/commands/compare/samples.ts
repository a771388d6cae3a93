/** A target's delays slot by slot, so that delays of the same moment can be compared. */
import { fateOf } from "../../domain/outcome.ts";
import { isRepeated, kernelRttOf, NONE, type ProbeRecord } from "../../domain/probe_record.ts";

/** Probes of one kind: counts, and of each slot the first delay without a repeated SYN. */
export class Samples {
  /** In µs by slot, NONE where there is no such figure. */
  readonly kernelUs: Int32Array;
  readonly clockUs: Int32Array;
  sent = 0;
  answered = 0;
  /** Of those sent: not answered, or only when the SYN was repeated. */
  dropped = 0;

  constructor(slots: number) {
    this.kernelUs = new Int32Array(slots).fill(NONE);
    this.clockUs = new Int32Array(slots).fill(NONE);
  }

  add(record: ProbeRecord): void {
    const { slot, connectUs } = record;
    const fate = fateOf(record.outcome);
    if (fate === "unsent") return;
    this.sent++;
    if (fate === "answered") this.answered++;
    // The clock of a handshake whose SYN was repeated holds the kernel's wait before the repetition.
    if (fate === "lost" || isRepeated(record)) this.dropped++;
    else if (slot < this.clockUs.length && this.clockUs[slot] === NONE) {
      this.clockUs[slot] = connectUs;
      this.kernelUs[slot] = kernelRttOf(record);
    }
  }
}
