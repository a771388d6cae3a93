/** Probes on their way, by the 16-bit number that each bears and its answer quotes. */
import type { SendTime } from "./hop_answer.ts";
import type { HopAnswer } from "./hop_prober.ts";

/** Numbers come round after so many; a trace has far fewer on their way. */
const NUMBERS = 65_536;

export interface WaitingProbe {
  readonly flow: number;
  readonly sent: SendTime;
  readonly onAnswer: (answer: HopAnswer) => void;
}

export class WaitingProbes {
  #probes = new Map<number, WaitingProbe>();
  #next = Math.floor(Math.random() * NUMBERS);

  /** The number that the next probe is to bear. */
  nextNumber(): number {
    do this.#next = (this.#next + 1) % NUMBERS; while (this.#probes.has(this.#next));
    return this.#next;
  }

  /** Returns what takes the probe back. */
  add(number: number, probe: WaitingProbe): () => void {
    this.#probes.set(number, probe);
    return () => {
      if (this.#probes.get(number) === probe) this.#probes.delete(number);
    };
  }

  get(number: number): WaitingProbe | null {
    return this.#probes.get(number) ?? null;
  }

  /** The one probe of a flow that is on its way; null where there are none or several. */
  onlyOf(flow: number): WaitingProbe | null {
    const found = [...this.#probes.values()].filter((probe) => probe.flow === flow);
    return found.length === 1 ? found[0] : null;
  }
}
