/**
 * Compares delays that were measured in the same slots. Three rules, in this order: the losses
 * differ more than chance explains; nearly all delays are alike; one delay is slower more often
 * than chance explains. Of two delays that differ by noise alone, either is as likely the slower
 * one. So a finding is wrong no more often than `CHANCE`, whatever the noise.
 */
import {
  type Answer,
  type Drops,
  FEWEST_PAIRS,
  type Finding,
  type Question,
} from "../../domain/comparison.ts";
import { NONE } from "../../domain/probe_record.ts";
import { sharesDifferChance, unequalChance } from "../../stats/significance.ts";
import { median } from "../../stats/quantile.ts";
import type { Samples } from "./samples.ts";

/** A result less likely than this by chance is not put down to chance. Example: all of ten pairs. */
export const CHANCE = 0.002;

/** A target's samples; null where a diagnostic was left out. */
export interface Measured {
  readonly cold: Samples;
  readonly steady: Samples;
  readonly ping: Samples | null;
  readonly knock: Samples | null;
}

/** The findings, the most important first. */
export function findingsOf({ cold, steady, ping, knock }: Measured): Finding[] {
  const handshakes = combined(cold, steady);
  const against = (question: Question, of: Samples) =>
    judge({
      question,
      ...pairsOf(of, steady),
      first: of,
      second: handshakes,
    });
  return [
    ...(ping === null ? [] : [against("ping", ping)]),
    judge({ question: "set_up", ...pairsOf(cold, steady), first: cold, second: steady }),
    judge({
      question: "prober",
      by: "kernel",
      pairs: both(steady.clockUs, steady.kernelUs),
      first: steady,
      second: steady,
    }),
    ...(knock === null ? [] : [against("knock", knock)]),
  ];
}

type Counts = Pick<Samples, "sent" | "answered" | "dropped">;
type Pair = readonly [firstUs: number, secondUs: number];

function combined(one: Counts, other: Counts): Counts {
  return {
    sent: one.sent + other.sent,
    answered: one.answered + other.answered,
    dropped: one.dropped + other.dropped,
  };
}

/** Pairs by the kernel. By the clock where the kernel measured less than half of them, as of a port that refuses. */
function pairsOf(one: Samples, other: Samples): Pick<Case, "by" | "pairs"> {
  const kernel = both(one.kernelUs, other.kernelUs);
  const clock = both(one.clockUs, other.clockUs);
  return 2 * kernel.length >= clock.length
    ? { by: "kernel", pairs: kernel }
    : { by: "clock", pairs: clock };
}

/** Of each slot that has both. */
function both(firstUs: Int32Array, secondUs: Int32Array): Pair[] {
  const pairs: Pair[] = [];
  for (const [slot, us] of firstUs.entries()) {
    if (us !== NONE && secondUs[slot] !== NONE) pairs.push([us, secondUs[slot]]);
  }
  return pairs;
}

interface Case extends Pick<Finding, "question" | "by"> {
  readonly pairs: readonly Pair[];
  readonly first: Counts;
  readonly second: Counts;
}

/** Two delays are alike within this many µs, or within this share of the second. */
const MARGIN_US = 100;
const MARGIN_SHARE = 0.1;
/** The same for the clock's figures, which include the cost of each diagnostic in this process. */
const CLOCK_MARGIN_US = 500;

function judge({ question, by, pairs, first, second }: Case): Finding {
  const secondUs = median(pairs.map(([, us]) => us));
  const marginUs = Math.max(by === "kernel" ? MARGIN_US : CLOCK_MARGIN_US, MARGIN_SHARE * secondUs);
  const slower = pairs.filter(([one, other]) => one - other > marginUs).length;
  const faster = pairs.filter(([one, other]) => other - one > marginUs).length;
  const none = pairs.length === 0;
  return {
    question,
    answer: byDrops(first, second) ?? byDelays(pairs.length, slower, faster),
    by,
    pairs: pairs.length,
    firstUs: none ? null : median(pairs.map(([us]) => us)),
    secondUs: none ? null : secondUs,
    marginUs: none ? null : marginUs,
    slower,
    faster,
    firstDrops: dropsOf(first),
    secondDrops: dropsOf(second),
  };
}

function dropsOf({ sent, dropped }: Counts): Drops {
  return { sent, lost: dropped };
}

/** Null where the losses say nothing. */
function byDrops(first: Counts, second: Counts): Answer | null {
  if (first.sent === 0 || second.sent === 0) return null;
  if (first.answered === 0 && second.answered === 0) return "both_silent";
  const chance = sharesDifferChance(
    { count: first.dropped, of: first.sent },
    { count: second.dropped, of: second.sent },
  );
  if (chance >= CHANCE) return null;
  if (first.answered === 0) return "silent";
  if (second.answered === 0) return "alone";
  return first.dropped / first.sent > second.dropped / second.sent ? "lossier" : "less_lossy";
}

/** Delays are alike where at most this share of the pairs differ. */
const STRAY_SHARE = 0.2;

function byDelays(pairs: number, slower: number, faster: number): Answer {
  if (pairs < FEWEST_PAIRS) return "too_few";
  if (slower + faster <= STRAY_SHARE * pairs) return "same";
  if (unequalChance(slower, faster) >= CHANCE) return "unclear";
  return slower > faster ? "slower" : "faster";
}
