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
  /** Targets with a due probe that wait, in order of arrival: those never probed go first. */
  #fresh: ScheduledTarget[] = [];
  #known: ScheduledTarget[] = [];

  /** `places` is how many probes may be in flight in all. */
  constructor(places: number) {
    this.#places = places;
  }

  get waiting(): number {
    return this.#fresh.length + this.#known.length;
  }

  /** All that wait, in no order. */
  *[Symbol.iterator](): Generator<ScheduledTarget> {
    yield* this.#fresh;
    yield* this.#known;
  }

  /** Has a slow target wait where its kind holds all the places that it may; false for any other. */
  defer(entry: ScheduledTarget): boolean {
    if (!entry.slow || this.#freeFor(entry) > 0) return false;
    (entry.sent === 0 ? this.#fresh : this.#known).push(entry);
    return true;
  }

  /** A probe of `entry` is sent. */
  take(probe: SentProbe, entry: ScheduledTarget): void {
    probe.slow = entry.slow;
    if (probe.slow) this.#inFlight++;
  }

  /** A probe's fate is known. One that could not be sent tells nothing of its target. */
  settled({ slow, entry }: SentProbe, fate: Fate): void {
    if (slow) this.#inFlight--;
    const silent = fate === "unsent" ? entry.silent : fate === "lost";
    if (silent === entry.silent) return;
    entry.silent = silent;
    if (!entry.removed) this.#answering += silent ? -1 : 1;
  }

  /** Targets that have been removed wait no longer. */
  forget(left: readonly ScheduledTarget[]): void {
    for (const { silent } of left) if (!silent) this.#answering--;
    this.#fresh = this.#fresh.filter(({ removed }) => !removed);
    this.#known = this.#known.filter(({ removed }) => !removed);
  }

  /** Takes those out that need not wait any more; all of them at the end of a run. */
  release(all: boolean): ScheduledTarget[] {
    const fresh = this.#releaseOf(this.#fresh, all, 0);
    return fresh.concat(this.#releaseOf(this.#known, all, fresh.length));
  }

  #releaseOf(waiting: ScheduledTarget[], all: boolean, before: number): ScheduledTarget[] {
    let count = 0;
    const free = (entry: ScheduledTarget) => all || this.#freeFor(entry) > before + count;
    while (count < waiting.length && free(waiting[count])) count++;
    return waiting.splice(0, count);
  }

  /** Places that a slow probe of the entry may take, beside those kept for the others that answer. */
  #freeFor({ silent }: ScheduledTarget): number {
    const others = this.#answering - (silent ? 0 : 1);
    const kept = Math.min(Math.floor(this.#places * KEPT_SHARE), others);
    return Math.max(1, this.#places - kept) - this.#inFlight;
  }
}
