/** What changes in a healthy mesh from window to window: load, drift, restarts, clocks, a busy zone. */
import type { Random } from "../../random.ts";
import { between } from "./distributions.ts";

const WINDOWS_A_DAY = 288;
/** A zone pair's round trips drift so far from what they were, and by so much in a window. */
const DRIFT = { least: 0.75, most: 1.35, step: 0.03 };
const DAY_MS = 86_400_000;

export class Weather {
  #random: Random;
  #window: number;
  #size: number;
  #zones: number;
  /** By how much the load of the day makes everything slower at its peak. */
  #load: number;
  #drift: number[][];
  #busyZone = -1;
  #busyFactor = 1;
  #clocks: number[];
  /** The node that has restarted in this window; -1 for none. */
  restarted = -1;
  /** Whether the nodes have run long enough to know what is usual. */
  readonly hasDay: boolean;

  constructor(random: Random, size: number, zones: number) {
    this.#random = random;
    this.#size = size;
    this.#zones = zones;
    this.#window = random.int(0, WINDOWS_A_DAY - 1);
    this.#load = random.pick([0, 0.2, 0.5]);
    this.#drift = Array.from({ length: zones }, () => new Array<number>(zones).fill(1));
    this.#clocks = Array.from({ length: size }, () => 0);
    this.hasDay = random.int(0, 1) === 1;
  }

  /** The next window begins. */
  next(): void {
    const random = this.#random;
    this.#window++;
    for (let a = 0; a < this.#zones; a++) {
      for (let b = 0; b <= a; b++) {
        const next = this.#drift[a][b] + between(random, -DRIFT.step, DRIFT.step);
        this.#drift[a][b] = this.#drift[b][a] = Math.min(DRIFT.most, Math.max(DRIFT.least, next));
      }
    }
    this.restarted = random.int(0, 3) === 0 ? random.int(0, this.#size - 1) : -1;
    this.#busyZone = random.int(0, 3) === 0 ? random.int(0, this.#zones - 1) : -1;
    this.#busyFactor = between(random, 1.1, 1.4);
    const jumps = random.int(0, this.#size - 1);
    this.#clocks[jumps] = random.int(0, 3) === 0 ? random.int(-DAY_MS, DAY_MS) : 0;
  }

  /** What a round trip between two zones takes now, against what is usual. */
  factor(from: number, to: number): number {
    const hour = 2 * Math.PI * this.#window / WINDOWS_A_DAY;
    const load = 1 + this.#load * Math.max(0, Math.sin(hour));
    const busy = from === this.#busyZone || to === this.#busyZone ? this.#busyFactor : 1;
    return load * this.#drift[from][to] * busy;
  }

  /** How far a node's wall clock is from the right time, in ms. */
  clockOffMs(node: number): number {
    return this.#clocks[node];
  }
}
