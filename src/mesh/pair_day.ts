/** A pair's last day in windows of five minutes: what its history shows, and how often a target was met. Pure. */
import type { DayFigures } from "../domain/mesh_row.ts";
import { fateOf } from "../domain/outcome.ts";
import type { ProbeRecord } from "../domain/probe_record.ts";
import { median } from "../stats/quantile.ts";

export const DAY_WINDOW_MS = 300_000;
/** A day of them; at a thousand peers the rings of all take 2.3 MB. */
export const DAY_WINDOWS = 288;
const MAX_COUNT = 65_535;
/** Fewer windows do not say what is usual. */
const MIN_USUAL = 3;

/** One window; null for a mean of nothing. */
export interface DayWindow extends Pick<DayFigures, "sent" | "established"> {
  /** The window's number since the node's start. */
  readonly window: number;
  readonly meanUs: number | null;
}

/** Sums over the windows before `window`. */
interface Past extends DayFigures {
  readonly window: number;
  readonly targetUs: number | null;
  readonly met: number;
  readonly medianUs: number | null;
}

/** A window without any handshake met nothing. */
function isMet(one: DayWindow | null, targetUs: number | null): boolean {
  const meanUs = one?.meanUs ?? null;
  return meanUs !== null && targetUs !== null && meanUs <= targetUs;
}

export class PairDay {
  /** By the window's number modulo DAY_WINDOWS; a mean of 0 is none. */
  #sums = new Float32Array(DAY_WINDOWS);
  #timed = new Uint16Array(DAY_WINDOWS);
  #sent = new Uint16Array(DAY_WINDOWS);
  #established = new Uint16Array(DAY_WINDOWS);
  #window = 0;
  #past: Past = {
    window: -1,
    targetUs: null,
    windows: 0,
    met: 0,
    sent: 0,
    established: 0,
    medianUs: null,
  };

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
      const at = this.#windowAt(one);
      if (at !== null) found.push(at);
    }
    return found;
  }

  /** Sums over the day; `targetUs` null for no target. */
  figures(window: number, targetUs: number | null): DayFigures {
    this.#advance(window);
    // Windows that are over do not change, and a row is made more often than a window ends: so
    // their sums are kept.
    const known = this.#past.window === this.#window && this.#past.targetUs === targetUs;
    if (!known) this.#past = this.#sumsOfPast(targetUs);
    const { windows, met, sent, established } = this.#past;
    const now = this.#windowAt(this.#window);
    return {
      windows: windows + Number(now !== null),
      met: targetUs === null ? null : met + Number(isMet(now, targetUs)),
      sent: sent + (now?.sent ?? 0),
      established: established + (now?.established ?? 0),
    };
  }

  /** Median of the means of the windows before the last one that `figures` was asked for; null for too few. */
  get usualUs(): number | null {
    return this.#past.medianUs;
  }

  #sumsOfPast(targetUs: number | null): Past {
    let [windows, met, sent, established] = [0, 0, 0, 0];
    const means: number[] = [];
    for (const one of this.windows(this.#window)) {
      if (one.window === this.#window) continue;
      windows++;
      sent += one.sent;
      established += one.established;
      if (isMet(one, targetUs)) met++;
      if (one.meanUs !== null) means.push(one.meanUs);
    }
    const medianUs = means.length < MIN_USUAL ? null : Math.round(median(means));
    return { window: this.#window, targetUs, windows, met, sent, established, medianUs };
  }

  #windowAt(window: number): DayWindow | null {
    const at = window % DAY_WINDOWS;
    if (this.#sent[at] === 0) return null;
    const meanUs = this.#timed[at] === 0 ? null : this.#sums[at] / this.#timed[at];
    return { window, meanUs, sent: this.#sent[at], established: this.#established[at] };
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
