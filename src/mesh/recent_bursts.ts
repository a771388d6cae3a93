/** A pair's last two bursts, and when it was last answered: whether it works now. Pure. */
import type { PeerFigures, RecentFigures } from "../domain/mesh_row.ts";
import { fateOf } from "../domain/outcome.ts";
import { kernelRttOf, NONE, type ProbeRecord } from "../domain/probe_record.ts";
import { median } from "../stats/quantile.ts";

/** Round trips kept of each burst: enough for a median. */
const MAX_TIMES = 16;
/** How long a node that leaves may go on answering. */
const LEAVING_MS = 2000;

/** The figures of a pair that tell how it is now. */
export type NowFigures = Pick<
  PeerFigures,
  "recent" | "answeredAgeMs" | "establishedAgeMs" | "left"
>;

interface Burst {
  readonly slot: number;
  sent: number;
  answered: number;
  refused: number;
  /** Of its cold handshake; NaN without. */
  coldUs: number;
  readonly timesUs: number[];
}

/** Bursts before the last two whose medians say what is usual: ten minutes of them, by default. */
const MAX_BEFORE = 64;
/** Fewer bursts do not say what is usual. */
const MIN_BEFORE = 4;

export class RecentBursts {
  /** Median round trips of the bursts before, the oldest overwritten. */
  #before: number[] = [];
  #past = 0;
  /** The older one first. */
  #bursts: Burst[] = [];
  #answeredMs = NaN;
  #establishedMs = NaN;
  #leftMs = NaN;

  /** Counts a handshake whose fate is known at `nowMs`, monotonic. */
  add(nowMs: number, record: ProbeRecord): void {
    const fate = fateOf(record.outcome);
    if (fate === "unsent") return;
    const burst = this.#burst(record.slot);
    burst.sent++;
    if (fate !== "answered") return;
    burst.answered++;
    this.#answeredMs = nowMs;
    if (record.outcome === "refused") burst.refused++;
    if (record.outcome !== "established") return;
    this.#establishedMs = nowMs;
    const rttUs = kernelRttOf(record);
    if (rttUs === NONE) return;
    if (record.cold) burst.coldUs = rttUs;
    else if (burst.timesUs.length < MAX_TIMES) burst.timesUs.push(rttUs);
  }

  /** The peer has said at `nowMs` that it leaves. */
  leave(nowMs: number): void {
    this.#leftMs = nowMs;
  }

  /** Whether it left and has not come back: a handshake under way may still be answered by it. */
  get left(): boolean {
    return !Number.isNaN(this.#leftMs) && !(this.#establishedMs > this.#leftMs + LEAVING_MS);
  }

  figures(nowMs: number): NowFigures {
    const age = (ms: number) => Number.isNaN(ms) ? null : Math.max(0, Math.round(nowMs - ms));
    return {
      recent: this.#recent(),
      answeredAgeMs: age(this.#answeredMs),
      establishedAgeMs: age(this.#establishedMs),
      left: this.left,
    };
  }

  #recent(): RecentFigures {
    const sum = (of: (burst: Burst) => number) =>
      this.#bursts.reduce((total, burst) => total + of(burst), 0);
    const timesUs = this.#bursts.flatMap((burst) => burst.timesUs);
    const coldUs = this.#bursts.map((burst) => burst.coldUs);
    const leastColdUs = coldUs.length < 2 ? NaN : Math.min(...coldUs);
    return {
      bursts: this.#bursts.length,
      sent: sum(({ sent }) => sent),
      answered: sum(({ answered }) => answered),
      refused: sum(({ refused }) => refused),
      p50Us: timesUs.length === 0 ? null : median(timesUs),
      ...(Number.isNaN(leastColdUs) ? {} : { leastColdUs }),
    };
  }

  /** Median round trip of the bursts before the last two; null for too few. */
  get usualUs(): number | null {
    return this.#before.length < MIN_BEFORE ? null : median(this.#before);
  }

  #remember(timesUs: readonly number[]): void {
    if (timesUs.length > 0) this.#before[this.#past++ % MAX_BEFORE] = median(timesUs);
  }

  /** The burst of a slot; one that is older than both, which a slow answer may be of, is the older one. */
  #burst(slot: number): Burst {
    const known = this.#bursts.find((burst) => burst.slot === slot);
    if (known !== undefined) return known;
    const [oldest] = this.#bursts;
    if (this.#bursts.length === 2 && slot < oldest.slot) return oldest;
    const burst: Burst = { slot, sent: 0, answered: 0, refused: 0, coldUs: NaN, timesUs: [] };
    this.#bursts.push(burst);
    this.#bursts.sort((a, b) => a.slot - b.slot);
    if (this.#bursts.length > 2) this.#remember(this.#bursts.shift()?.timesUs ?? []);
    return burst;
  }
}
