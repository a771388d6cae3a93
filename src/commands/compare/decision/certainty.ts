/** How sure a comparison has to be before it claims something, and how many samples that takes. */
import type { Share } from "../../../domain/summary.ts";
import { lowerTail, shareBounds, upperTail } from "../../../stats/significance.ts";

/** A result less likely than this by chance is not put down to chance. Example: all of ten pairs. */
export const CHANCE = 0.002;
/** The same for what clears the network: that only one kind of packet is treated so. */
export const CLEARING_CHANCE = 0.01;
/** The most slots that an answer asks for: `--count` takes no more. */
const MAX_SLOTS = 10_000;
/** Each tried number of slots is this many times the one before. */
const GROWTH = 1.1;

/** What shares of losses or spikes are usual, and what shares matter. */
export interface Floors {
  /** A network without trouble has up to this share. */
  readonly usual: number;
  /** More than this would matter; a run that could not show it says so. */
  readonly matters: number;
  /** Fewer than this are no reason to ask for more samples. */
  readonly fewest: number;
  /** Fewer than this may be one event, however rare chance makes them. */
  readonly fewestSure: number;
}

/** One SYN in a thousand is lost on the way across the Internet; two in a hundred hurt. */
export const LOSS_FLOORS: Floors = { usual: 0.001, matters: 0.02, fewest: 1, fewestSure: 2 };
/**
 * One spike in a hundred is a p99 as any host has; five in a hundred are a p95. One stall of this
 * machine holds the packets that are under way, which are two of a kind at most.
 */
export const SPIKE_FLOORS: Floors = { usual: 0.01, matters: 0.05, fewest: 2, fewestSure: 3 };

/** A busy machine looks at one handshake in twenty late; the network is not to blame for those. */
export const PROBER_FLOORS: Floors = { usual: 0.05, matters: 0.2, fewest: 2, fewestSure: 3 };

/** Whether it happens: surely, perhaps, or so rarely that it does not matter. */
export type Presence = "sure" | "perhaps" | "rare" | "none";

/** Whether a share is more than the usual one, beyond chance. */
export function presenceOf(share: Share, floors: Floors): Presence {
  const { matters, fewest } = floors;
  if (share.count === 0) return "none";
  if (isSure(share, floors)) return "sure";
  return share.count >= fewest && mostOf(share) > matters ? "perhaps" : "rare";
}

function isSure({ count, of }: Share, { usual, fewestSure }: Floors): boolean {
  return count >= fewestSure && upperTail(count, of, usual) < CHANCE;
}

/** The largest share that is possible by the counts. */
export function mostOf(share: Share): number {
  return shareBounds(share, CHANCE)[1];
}

/** Slots in which a share like this one would be sure. Null where no allowed number is enough. */
export function enoughToBeSure(share: Share, slots: number, floors: Floors): number | null {
  const rate = share.count / share.of;
  return enough(slots, (more) => {
    const of = Math.round(share.of * more / slots);
    // As many as such a share gives in nineteen runs of twenty.
    let count = Math.floor(rate * of);
    while (count > 0 && lowerTail(count - 1, of, rate) > 0.05) count--;
    return isSure({ count, of }, floors);
  });
}

/** Slots in which none seen would rule out what matters. */
export function enoughToRuleOut(share: number, perSlot: number): number {
  return rounded(Math.ceil(Math.log(CHANCE) / Math.log(1 - share) / perSlot));
}

/** Slots in which an uneven split like this one would be sure; `share` is the larger side's, 0.5..1. */
export function enoughToSplit(share: number, slots: number): number | null {
  return enough(slots, (more) => upperTail(Math.floor(share * more), more, 0.5) < CHANCE / 2);
}

function enough(slots: number, isEnough: (slots: number) => boolean): number | null {
  for (let more = slots; more <= MAX_SLOTS; more = Math.ceil(more * GROWTH)) {
    if (more > slots && isEnough(more)) return rounded(more);
  }
  return null;
}

/** Up to two figures: `160`, `4300`. */
function rounded(slots: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(slots)) - 1);
  return Math.ceil(slots / step) * step;
}
