/** A target's delays slot by slot, so that delays of the same moment can be compared. */
import { fateOf } from "../../domain/outcome.ts";
import { isRepeated, kernelRttOf, NONE, type ProbeRecord } from "../../domain/probe_record.ts";

/** Nobody sends a SYN or a SYN-ACK again before this (RFC 6298, 2.1 and 5.7). */
const FIRST_REPEAT_US = 1_000_000;
/** Where the quickest answer took less than this, one that takes a second more is a repeated one. */
const QUICK_US = FIRST_REPEAT_US / 2;

/** Probes of one kind: counts, and every delay without a repeated SYN by its slot. */
export class Samples {
  /** Of each slot the first, in µs; NONE where there is no such figure. */
  readonly kernelUs: Int32Array;
  readonly clockUs: Int32Array;
  sent = 0;
  answered = 0;
  refused = 0;
  /** Never answered. */
  lost = 0;
  /** Answered after the SYN, or its SYN-ACK, was repeated. */
  again = 0;
  #slots: number;
  #perSlot: number;

  /** `perSlot`: probes of this kind in a slot, at most. */
  constructor(slots: number, perSlot = 1) {
    this.#slots = slots;
    this.#perSlot = perSlot;
    this.kernelUs = new Int32Array(slots * perSlot).fill(NONE);
    this.clockUs = new Int32Array(slots * perSlot).fill(NONE);
  }

  add(record: ProbeRecord): void {
    const { slot, connectUs, outcome } = record;
    const fate = fateOf(outcome);
    if (fate === "unsent") return;
    this.sent++;
    if (fate === "lost") this.lost++;
    else this.answered++;
    if (outcome === "refused") this.refused++;
    if (fate === "lost") return;
    // The clock of a handshake whose SYN was repeated holds the kernel's wait before the repetition.
    if (isRepeated(record)) this.again++;
    else if (slot < this.#slots) this.#keep(slot, connectUs, kernelRttOf(record));
  }

  /**
   * The same, with the answers known that the other side had to repeat: its first SYN-ACK was lost, and
   * the second came before a SYN of ours was due again. The kernel counts no repetition of its own then.
   */
  settled(): Samples {
    const settled = new Samples(this.#slots, this.#perSlot);
    const { sent, answered, refused, lost, again } = this;
    Object.assign(settled, { sent, answered, refused, lost, again });
    const measured = this.kernelUs.filter((us) => us !== NONE);
    const leastUs = measured.reduce((least, us) => Math.min(least, us), FIRST_REPEAT_US);
    for (let at = 0; at < this.kernelUs.length; at++) {
      const us = this.kernelUs[at];
      if (leastUs < QUICK_US && us >= FIRST_REPEAT_US) {
        settled.again++;
        continue;
      }
      settled.kernelUs[at] = us;
      settled.clockUs[at] = this.clockUs[at];
    }
    return settled;
  }

  /** The first delay of a slot, or NONE. */
  kernelAt(slot: number): number {
    return this.kernelUs[slot * this.#perSlot];
  }

  /** The same by the clock. */
  clockAt(slot: number): number {
    return this.clockUs[slot * this.#perSlot];
  }

  get slots(): number {
    return this.#slots;
  }

  #keep(slot: number, clockUs: number, kernelUs: number): void {
    const from = slot * this.#perSlot;
    for (let at = from; at < from + this.#perSlot; at++) {
      if (this.clockUs[at] !== NONE) continue;
      this.clockUs[at] = clockUs;
      this.kernelUs[at] = kernelUs;
      return;
    }
  }
}
