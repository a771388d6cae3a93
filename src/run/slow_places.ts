/**
 * Shares the places in flight out: a target that answers holds one for a moment, a silent one until its
 * timeout. Without a share of their own, few silent targets would hold all places, and the others would
 * be late.
 */
import type { Fate } from "../domain/outcome.ts";
import type { ScheduledTarget, SentProbe } from "./scheduled_target.ts";

/** The share of all places that targets which answer may have for themselves, at most. */
const KEPT_SHARE = 1 / 2;

export class SlowPlaces {
  #places: number;
  /** Targets that answered last. One place each is kept for them. */
  #answering = 0;
  /** Probes in flight of targets that answer late or never, or were never asked. */
  #inFlight = 0;
  /**
   * Targets with a due probe that wait, in order of arrival: those never probed go first, then those that
   * answer and wait for one on its way, then the silent ones.
   */
  #tiers: readonly ScheduledTarget[][] = [[], [], []];

  /** `places` is how many probes may be in flight in all. */
  constructor(places: number) {
    this.#places = places;
  }

  get waiting(): number {
    return this.#tiers[0].length + this.#tiers[1].length + this.#tiers[2].length;
  }

  /** All that wait, in no order. */
  *[Symbol.iterator](): Generator<ScheduledTarget> {
    for (const tier of this.#tiers) yield* tier;
  }

  /** Has a slow target wait where its kind holds all the places that it may; false for any other. */
  defer(entry: ScheduledTarget): boolean {
    if (!entry.slow || this.#freeFor(entry) > 0) return false;
    this.#tiers[entry.sent === 0 ? 0 : entry.silent ? 2 : 1].push(entry);
    return entry.waits = true;
  }

  /** A probe of `entry` is sent. */
  take(probe: SentProbe, entry: ScheduledTarget): void {
    probe.slow = entry.slow;
    if (probe.slow) this.#inFlight++;
  }

  /**
   * A probe's fate is known, and it is in flight no more. One that could not be sent tells nothing of its
   * target. A target whose last answer has come waits no longer.
   */
  settled({ slow, entry }: SentProbe, fate: Fate): void {
    if (slow) this.#inFlight--;
    const { silent } = entry;
    if (fate === "lost") entry.losses++;
    else if (fate === "answered") entry.losses = 0;
    if (entry.removed) return;
    if (silent !== entry.silent) this.#answering += silent ? 1 : -1;
    if (!entry.waits || entry.slow) return;
    for (const tier of this.#tiers) {
      const at = tier.indexOf(entry);
      if (at < 0) continue;
      tier.splice(at, 1);
      tier.unshift(entry);
    }
  }

  /** Targets that have been removed wait no longer. */
  forget(left: readonly ScheduledTarget[]): void {
    for (const { silent } of left) if (!silent) this.#answering--;
    this.#tiers = this.#tiers.map((tier) => tier.filter(({ removed }) => !removed));
  }

  /** Takes those out that need not wait any more; all of them at the end of a run. */
  release(all: boolean): ScheduledTarget[] {
    const released: ScheduledTarget[] = [];
    for (const tier of this.#tiers) {
      let count = 0;
      const taken = released.length;
      const free = (entry: ScheduledTarget) =>
        all || !entry.slow || this.#freeFor(entry) > taken + count;
      while (count < tier.length && free(tier[count])) tier[count++].waits = false;
      released.push(...tier.splice(0, count));
    }
    return released;
  }

  /** Places that a slow probe of the entry may take, beside those kept for the others that answer. */
  #freeFor({ silent }: ScheduledTarget): number {
    const others = this.#answering - (silent ? 0 : 1);
    const kept = Math.min(Math.floor(this.#places * KEPT_SHARE), others);
    return Math.max(1, this.#places - kept) - this.#inFlight;
  }
}
