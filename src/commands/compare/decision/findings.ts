/**
 * Compares what was measured in the same slots, aspect by aspect: losses, then tails, then medians.
 * Of two delays that differ by noise alone, either is as likely the slower one; of two equal shares
 * either is as likely the larger. So a finding is wrong no more often than `CHANCE`, whatever the noise.
 */
import {
  type Answer,
  ASPECTS,
  FEWEST_PAIRS,
  type Finding,
  type LiveFigures,
  type Question,
  type Side,
  type Sides,
} from "../../../domain/comparison.ts";
import { NONE } from "../../../domain/probe_record.ts";
import type { Share } from "../../../domain/summary.ts";
import { median, quantile } from "../../../stats/quantile.ts";
import { sharesDifferChance, upperTail } from "../../../stats/significance.ts";
import type { Samples } from "../samples.ts";
import {
  CHANCE,
  CLEARING_CHANCE,
  enoughToBeSure,
  enoughToSplit,
  LOSS_FLOORS,
  type Presence,
  presenceOf,
  PROBER_FLOORS,
  SPIKE_FLOORS,
} from "./certainty.ts";
import { delaysOf, type Measured, sidesOf } from "./sides.ts";

/** The findings in the order in which they are told. */
export function findingsOf(measured: Measured): Finding[] {
  const sides = sidesOf(measured);
  const { steady, cold, ping, knock, live } = measured;
  const slots = steady.slots;
  const { handshake } = sides;
  const tcpSpikes = added(sides.cold.spikes, handshake.spikes);
  const all: Finding[] = [
    byItself("loss", dropsOf(handshake), handshake, slots),
    ...(handshake.delays === null ? [] : [spikesOf(sides, slots)]),
    ...proberTail(steady),
    ...losses(sides),
    ...tails(sides, tcpSpikes, slots),
  ];
  // The delay of a refusal is no handshake's: there is nothing to compare it with.
  if (handshake.refused === 0 || handshake.answered > handshake.refused) {
    all.push(medianOf("set_up", pairsOf(cold, steady), slots));
    all.push(medianOf("prober", { by: "kernel", pairs: clockPairs(steady) }, slots));
    if (ping !== null) all.push(medianOf("ping", pairsOf(ping, steady), slots));
    if (knock !== null) all.push(medianOf("knock", pairsOf(knock, steady), slots));
  }
  if (live !== null) all.push(...ofConnections(live, handshake));
  const questions: Question[] = ["tcp", "connections", "ping", "set_up", "prober", "knock"];
  const place = ({ aspect, question }: Finding) =>
    ASPECTS.indexOf(aspect) * questions.length + questions.indexOf(question);
  return all.sort((a, b) => place(a) - place(b));
}

/**
 * Probes never answered, or answered only after a repetition: in both cases at least one packet was
 * lost.
 */
export function dropsOf({ sent, lost, again }: Side): Share {
  return { count: lost + again, of: sent };
}

function added(one: Share, other: Share): Share {
  return { count: one.count + other.count, of: one.of + other.of };
}

const NOTHING: Omit<Finding, "question" | "aspect" | "answer"> = {
  first: { count: 0, of: 0 },
  second: null,
  firstUs: null,
  secondUs: null,
  by: "kernel",
  pairs: 0,
  marginUs: null,
  slower: 0,
  faster: 0,
  chance: null,
  enoughSlots: null,
};

const PRESENCE_ANSWERS: Readonly<Record<Presence, Answer>> = {
  sure: "more",
  perhaps: "perhaps",
  rare: "same",
  none: "same",
};

/**
 * Only the steady handshakes make spikes sure: the cold ones may be slow for the set-up of their
 * flows. While any handshake has one, spikes are perhaps there.
 */
function spikesOf({ handshake, cold }: Sides, slots: number): Finding {
  const steady = byItself("tail", handshake.spikes, handshake, slots);
  const apart = sharesDifferChance(handshake.spikes, cold.spikes) < CLEARING_CHANCE;
  if (steady.answer === "more" || apart) return steady;
  const all = byItself("tail", added(handshake.spikes, cold.spikes), handshake, slots);
  return all.answer === "more"
    ? { ...all, answer: "perhaps", chance: null, enoughSlots: 2 * slots }
    : all;
}

/** This machine looked at a handshake late if it was late by this much. */
const LATE_US = 10_000;

/** Where handshakes' connect surely takes much longer than the kernel's round trip too often. */
function proberTail(steady: Samples): Finding[] {
  const pairs = clockPairs(steady);
  const late = {
    count: pairs.filter(([clock, us]) => clock - us > LATE_US).length,
    of: pairs.length,
  };
  if (presenceOf(late, PROBER_FLOORS) !== "sure") return [];
  return [{
    ...NOTHING,
    question: "prober",
    aspect: "tail",
    answer: "more",
    first: late,
    firstUs: quantileOf(pairs.map(([clock]) => clock)),
    secondUs: quantileOf(pairs.map(([, us]) => us)),
    chance: upperTail(late.count, late.of, PROBER_FLOORS.usual),
  }];
}

function quantileOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : quantile(values, 0.9);
}

/** Handshakes alone: is there more of it than is usual? */
function byItself(aspect: "loss" | "tail", share: Share, side: Side, slots: number): Finding {
  const floors = aspect === "loss" ? LOSS_FLOORS : SPIKE_FLOORS;
  // The clock's spikes may be this machine's own, so they are never sure.
  const found = presenceOf(share, floors);
  const presence = found === "sure" && aspect === "tail" && side.by === "clock" ? "perhaps" : found;
  const silent = aspect === "loss" && side.answered === 0 && side.sent > 0;
  return {
    ...NOTHING,
    question: "tcp",
    aspect,
    answer: silent ? "silent" : PRESENCE_ANSWERS[presence],
    first: share,
    firstUs: aspect === "tail" ? side.delays?.p90Us ?? null : null,
    secondUs: aspect === "tail" ? side.delays?.p50Us ?? null : null,
    by: side.by,
    chance: presence === "sure" ? upperTail(share.count, share.of, floors.usual) : null,
    enoughSlots: presence === "perhaps" ? enoughToBeSure(share, slots, floors) : null,
  };
}

/** Where one of two kinds loses more than chance explains. */
function losses({ ping, knock, handshake, cold }: Sides): Finding[] {
  const all: [Question, Side | null, Side][] = [
    ["ping", ping, handshake],
    ["knock", knock, handshake],
    ["set_up", cold, minus(handshake, cold)],
  ];
  return all.flatMap(([question, side, against]) => {
    if (side === null || side.sent === 0 || against.sent === 0) return [];
    const [first, second] = [dropsOf(side), dropsOf(against)];
    const chance = sharesDifferChance(first, second);
    const both = side.answered + against.answered === 0;
    if (!both && chance >= CHANCE) return [];
    const answer = both ? "both_silent" : lossAnswer(side, against);
    return [{ ...NOTHING, question, aspect: "loss", answer, first, second, chance }];
  });
}

function minus(all: Side, part: Side): Side {
  const [sent, answered] = [all.sent - part.sent, all.answered - part.answered];
  return { ...all, sent, answered, lost: all.lost - part.lost, again: all.again - part.again };
}

function lossAnswer(side: Side, against: Side): Answer {
  if (side.answered === 0) return "silent";
  if (against.answered === 0) return "alone";
  const [first, second] = [dropsOf(side), dropsOf(against)];
  return first.count / first.of > second.count / second.of ? "more" : "less";
}

/** Where one kind surely has spikes: whether the other has them too. */
function tails({ ping, knock, handshake, cold }: Sides, tcp: Share, slots: number): Finding[] {
  const all: [Question, Side | null, Share][] = [
    ["ping", ping, tcp],
    ["knock", knock, tcp],
    ["set_up", cold, handshake.spikes],
  ];
  return all.flatMap(([question, side, against]) => {
    if (side === null || side.spikes.of === 0 || against.of === 0) return [];
    const sure = [side.spikes, against].some((of) => presenceOf(of, SPIKE_FLOORS) === "sure");
    if (!sure) return [];
    const [one, other] = [side.spikes.count / side.spikes.of, against.count / against.of];
    const chance = sharesDifferChance(side.spikes, against);
    const differs = chance < CLEARING_CHANCE;
    const alike = Math.min(one, other) > 0 && chance > 0.1;
    return [{
      ...NOTHING,
      question,
      aspect: "tail" as const,
      answer: differs ? one > other ? "more" : "less" : alike ? "same" : "perhaps",
      first: side.spikes,
      second: against,
      firstUs: side.delays?.p90Us ?? null,
      secondUs: handshake.delays?.p90Us ?? null,
      by: side.by,
      chance: differs ? chance : null,
      enoughSlots: differs || alike ? null : 2 * slots,
    }];
  });
}

type Pair = readonly [firstUs: number, secondUs: number];

interface Pairs {
  readonly by: "kernel" | "clock";
  readonly pairs: readonly Pair[];
}

/** The pairs of the slots that have both delays, by the clock that both sides use. */
function pairsOf(one: Samples, other: Samples): Pairs {
  const kernel = delaysOf(one).by === "kernel" && delaysOf(other).by === "kernel";
  const at = (of: Samples, slot: number) => kernel ? of.kernelAt(slot) : of.clockAt(slot);
  return {
    by: kernel ? "kernel" : "clock",
    pairs: both(one.slots, (slot) => at(one, slot), (slot) => at(other, slot)),
  };
}

function clockPairs(steady: Samples): Pair[] {
  return both(steady.slots, (slot) => steady.clockAt(slot), (slot) => steady.kernelAt(slot));
}

function both(
  slots: number,
  first: (slot: number) => number,
  second: (slot: number) => number,
): Pair[] {
  const pairs: Pair[] = [];
  for (let slot = 0; slot < slots; slot++) {
    if (first(slot) !== NONE && second(slot) !== NONE) pairs.push([first(slot), second(slot)]);
  }
  return pairs;
}

/**
 * A difference below this, and below the share of the delay, does not matter: it misleads nobody.
 */
const MARGIN_US = 300;
const MARGIN_SHARE = 0.05;
/** The same for the clock's figures, which hold this process's scheduling. */
const CLOCK_MARGIN_US = 2000;

function medianOf(question: Question, { by, pairs }: Pairs, slots: number): Finding {
  const none = pairs.length === 0;
  const firstUs = none ? null : median(pairs.map(([us]) => us));
  const secondUs = none ? null : median(pairs.map(([, us]) => us));
  const byClock = by === "clock" || question === "prober";
  const marginUs = Math.max(byClock ? CLOCK_MARGIN_US : MARGIN_US, MARGIN_SHARE * (secondUs ?? 0));
  const slower = pairs.filter(([one, other]) => one - other > marginUs).length;
  const faster = pairs.filter(([one, other]) => other - one > marginUs).length;
  const judged = judge(pairs.length, Math.max(slower, faster), slots);
  const answer = judged.answer === "more" && faster > slower ? "less" : judged.answer;
  const shown = { firstUs, secondUs, marginUs: none ? null : marginUs, slower, faster };
  return {
    ...NOTHING,
    question,
    aspect: "median",
    by,
    pairs: pairs.length,
    ...shown,
    ...judged,
    answer,
  };
}

/** The same where most pairs are within the margin; a difference where surely most are beyond it. */
function judge(
  pairs: number,
  beyond: number,
  slots: number,
): Pick<Finding, "answer" | "chance" | "enoughSlots"> {
  if (pairs < FEWEST_PAIRS) {
    const enoughSlots = pairs === 0 ? null : Math.ceil(slots * FEWEST_PAIRS / pairs);
    return { answer: "too_few", chance: null, enoughSlots };
  }
  const chance = upperTail(beyond, pairs, 0.5);
  if (chance < CHANCE / 2) return { answer: "more", chance: 2 * chance, enoughSlots: null };
  const within = upperTail(pairs - beyond, pairs, 0.5);
  if (within < CLEARING_CHANCE) return { answer: "same", chance: null, enoughSlots: null };
  const larger = Math.max(beyond, pairs - beyond) / pairs;
  return { answer: "unclear", chance: null, enoughSlots: enoughToSplit(larger, slots) };
}

/** Readings that an answer about connections needs at least. */
const FEWEST_READINGS = 3;

/** What live connections meet: lost segments, queues, and replies that take longer than the network. */
function ofConnections(live: LiveFigures, handshake: Side): Finding[] {
  const { segmentsOut, segmentsRetransmitted, loss, queueing, rtt, replyRtt } = live;
  const resent = { count: segmentsRetransmitted, of: segmentsOut };
  const found: Finding[] = [];
  const more = { ...NOTHING, question: "connections", answer: "more", first: resent } as const;
  if (loss !== null) found.push({ ...more, aspect: "loss" });
  if (queueing !== null) found.push({ ...more, aspect: "tail" });
  const spread = replyRtt ?? rtt;
  const usual = handshake.by === "kernel" ? handshake.delays?.p50Us ?? null : null;
  if (spread === null || usual === null) return found;
  const marginUs = Math.max(CLOCK_MARGIN_US, MARGIN_SHARE * usual);
  const readings = spread.medians.length;
  const slower = spread.medians.filter((us) => us > usual + marginUs).length;
  const answer: Answer = readings < FEWEST_READINGS
    ? "too_few"
    : 2 * slower > readings
    ? "more"
    : "same";
  return [...found, {
    ...NOTHING,
    question: "connections",
    aspect: "median",
    answer,
    pairs: readings,
    firstUs: spread.p50Us,
    secondUs: usual,
    marginUs,
    slower,
  }];
}
