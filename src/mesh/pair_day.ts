/** A pair's last day in windows of five minutes: what its history shows, and how often a target was met. Pure. */
import type { DayFigures } from "../domain/mesh_row.ts";
import { fateOf } from "../domain/outcome.ts";
import type { ProbeRecord } from "../domain/probe_record.ts";

export const DAY_WINDOW_MS = 300_000;
/** A day of them; at a thousand peers the rings of all take 2.3 MB. */
export const DAY_WINDOWS = 288;
const MAX_COUNT = 65_535;

/** One window; null for a mean of nothing. */
export interface DayWindow {
  /** The window's number since the node's start. */
  readonly window: number;
  readonly meanUs: number | null;
  readonly sent: number;
  readonly established: number;
}

export class PairDay {
  /** By the window's number modulo DAY_WINDOWS; a mean of 0 is none. */
  #sums = new Float32Array(DAY_WINDOWS);
  #timed = new Uint16Array(DAY_WINDOWS);
  #sent = new Uint16Array(DAY_WINDOWS);
  #established = new Uint16Array(DAY_WINDOWS);
  #window = 0;

  /** Counts a handshake whose fate is known in a window; what comes after a later one's counts there. */
  add(window: number, record: ProbeRecord): void {
    if (fateOf(record.outcome) === "unsent") return;
    this.#advance(window);
    const at = this.#window % DAY_WINDOWS;
    if (this.#sent[at] === MAX_COUNT) return;
    this.#sent[at]++;
    if (record.outcome !== "established") return;
    this.#established[at]++;
    if (record.rttSource !== "kernel" || record.rttUs < 0) return;
    this.#timed[at]++;
    this.#sums[at] += record.rttUs;
  }

  /** The windows in which the pair was probed, the oldest first. */
  windows(window: number): DayWindow[] {
    this.#advance(window);
    const found: DayWindow[] = [];
    for (let one = Math.max(0, this.#window - DAY_WINDOWS + 1); one <= this.#window; one++) {
      const at = one % DAY_WINDOWS;
      if (this.#sent[at] === 0) continue;
      const meanUs = this.#timed[at] === 0 ? null : this.#sums[at] / this.#timed[at];
      found.push({ window: one, meanUs, sent: this.#sent[at], established: this.#established[at] });
    }
    return found;
  }

  /** Sums over the day; `targetUs` null for no target. */
  figures(window: number, targetUs: number | null): DayFigures {
    let [windows, met, sent, established] = [0, 0, 0, 0];
    for (const one of this.windows(window)) {
      windows++;
      sent += one.sent;
      established += one.established;
      // A window without any handshake met nothing.
      if (one.meanUs !== null && targetUs !== null && one.meanUs <= targetUs) met++;
    }
    return { windows, met: targetUs === null ? null : met, sent, established };
  }

  #advance(window: number): void {
    const first = Math.max(this.#window + 1, window - DAY_WINDOWS + 1);
    for (let next = first; next <= window; next++) {
      const at = next % DAY_WINDOWS;
      this.#sums[at] =
        this.#timed[at] =
        this.#sent[at] =
        this.#established[at] =
          0;
    }
    this.#window = Math.max(this.#window, window);
  }
}
