/** The findings of a comparison: one sentence each, with its figures and how sure it is. */
import {
  type Comparison,
  FEWEST_PAIRS,
  type Finding,
  type Question,
  type Side,
} from "../domain/comparison.ts";
import { type Distribution, type Share, shareOf } from "../domain/summary.ts";
import { shareBounds } from "../stats/significance.ts";
import { percent, thousands, threeFigures } from "../text/number.ts";
import { counted } from "../text/words.ts";

/** The words of a question: what its two sides are called, and how each answer begins. */
interface Words {
  /** Come before the two delays: `it says 5 ms, a TCP handshake takes 3 ms`. */
  readonly delays: readonly [string, string];
  /** The names of the two kinds of probe, in the plural. */
  readonly probes: readonly [string, string];
  /** The owner of the spikes that only the first meets, and of those that only the second meets. */
  readonly whose: readonly [string, string];
  readonly same: string;
  readonly more: string;
  readonly less: string;
  readonly drops: string;
  readonly silence: string;
  /** Completes `too few samples to tell` and its like. */
  readonly asked: string;
}

const WORDS: Readonly<Record<Exclude<Question, "tcp" | "connections">, Words>> = {
  ping: {
    delays: ["it says", "a TCP handshake takes"],
    probes: ["echoes", "handshakes"],
    whose: ["ICMP's", "TCP's"],
    same: "Ping tells the truth here",
    more: "Ping misleads here",
    less: "Ping misleads here",
    drops: "Ping misleads here",
    silence: "Neither ping nor TCP was answered here",
    asked: "whether ping tells the truth here",
  },
  set_up: {
    delays: ["a cold handshake takes", "a steady one"],
    probes: ["cold handshakes", "steady ones"],
    whose: ["cold handshakes'", "steady handshakes'"],
    same: "Flow set-up is not to be seen",
    more: "Flow set-up makes cold handshakes slow",
    less: "Handshakes in a row are slowed down",
    drops: "Cold handshakes and steady ones are not lost alike",
    silence: "No handshake was answered",
    asked: "what flow set-up costs",
  },
  prober: {
    delays: ["connect() takes", "of which the kernel measured"],
    probes: ["handshakes", "handshakes"],
    whose: ["this machine's", "the network's"],
    same: "This machine adds little of its own",
    more: "A stopwatch would mislead on this machine",
    less: "This machine's clock runs behind its kernel's",
    drops: "Handshakes got lost",
    silence: "No handshake was answered",
    asked: "what this machine adds of its own",
  },
  knock: {
    delays: ["a knock takes", "a handshake"],
    probes: ["knocks", "handshakes"],
    whose: ["knocks'", "handshakes'"],
    same: "A knock is answered as a handshake is",
    more: "A knock is not treated as a handshake is",
    less: "A knock is not treated as a handshake is",
    drops: "A knock is not treated as a handshake is",
    silence: "Neither knocks nor handshakes were answered",
    asked: "whether a knock is treated as a handshake is",
  },
};

/** Bounds of a share are given at 19 times of 20: each of the two may be wrong once in 40. */
const BOUND_CHANCE = 1 / 40;

/** One finding in one sentence. */
export function sentenceOf(finding: Finding, comparison: Comparison): string {
  const { question, aspect } = finding;
  if (question === "tcp") {
    return aspect === "loss" ? ownLoss(finding, comparison) : ownTail(finding, comparison);
  }
  if (question === "connections") return ofConnections(finding, comparison);
  const words = WORDS[question];
  switch (aspect) {
    case "loss":
      return lossSentence(finding, words);
    case "tail":
      return question === "prober"
        ? lateSentence(finding)
        : tailSentence(finding, words, comparison);
    case "median":
      return medianSentence(finding, words);
    default:
      return aspect satisfies never;
  }
}

function ownLoss({ answer, first, chance, enoughSlots }: Finding, of: Comparison): string {
  const handshakes = `${first.count} of ${first.of} handshakes`;
  if (answer === "silent") {
    return `Loss: no handshake was answered: ${handshakes} lost${others(of)}.`;
  }
  if (first.count === 0) {
    const unseen = percent(of.conclusion?.unseenShare ?? null);
    return `Loss: none of ${first.of} handshakes${
      others(of)
    }; more than ${unseen} would have shown.`;
  }
  const seen = `${droppedText(first)} (${shareText(first)})${others(of)}`;
  const { again } = of.sides.handshake;
  const repeated = again === 0 ? "" : `; of these ${again} answered a later SYN`;
  return `Loss: ${seen}${repeated}${
    answer === "more" ? sure(chance, "a usual loss of 0.1%") : ""
  }` +
    `${more(enoughSlots)}.`;
}

/** `2 of 40 handshakes were lost or sent their SYN again`. */
export function droppedText({ count, of }: Share): string {
  const [were, their] = count === 1 ? ["was", "its"] : ["were", "their"];
  return `${count} of ${of} handshakes ${were} lost or sent ${their} SYN again`;
}

/** What was lost of echoes and knocks, where there were any. */
function others({ sides: { ping, knock } }: Comparison): string {
  const all: [Side | null, string][] = [[ping, "echoes"], [knock, "knocks"]];
  const texts = all.flatMap(([side, name]) =>
    side === null ? [] : [`${side.lost + side.again} of ${side.sent} ${name}`]
  );
  return texts.length === 0 ? "" : `, ${texts.join(", ")}`;
}

function ownTail(
  { answer, first, chance, enoughSlots, by }: Finding,
  { sides }: Comparison,
): string {
  const { delays, spikeUs } = sides.handshake;
  if (delays === null || spikeUs === null) return "Tails: no handshake has a round trip.";
  const limit = `above ${millis(spikeUs)}`;
  const figures = `p50 ${millis(delays.p50Us)}, ${tailOf(sides.handshake)}`;
  if (first.count === 0) {
    return `Tails: none of ${first.of} handshakes was a spike (${limit}): ${figures}.`;
  }
  const clock = by === "clock" ? ", by the clock, so this machine may have made them" : "";
  const usual = answer === "more" ? sure(chance, "a usual share of 1%") : "";
  return `Tails: ${first.count} of ${first.of} handshakes were spikes, ${limit} ` +
    `(${shareText(first)}): ${figures}${clock}${usual}${more(enoughSlots)}.`;
}

function lossSentence({ answer, first, second, chance }: Finding, words: Words): string {
  const lost = [first, second].map((share, i) =>
    share === null
      ? ""
      : `${share.count} of ${share.of} ${words.probes[i]} lost (${portion(share)})`
  );
  const opening = answer === "both_silent" ? words.silence : words.drops;
  return `${opening}: ${lost.join(", ")}${answer === "both_silent" ? "" : sure(chance)}.`;
}

function tailSentence(finding: Finding, words: Words, { sides }: Comparison): string {
  const { answer, first, second, chance, enoughSlots, question } = finding;
  const [one, other] = [sideOf(question, sides), sides.handshake];
  const counts = `${countText(first)} ${words.probes[0]}, ${countText(second)} ${words.probes[1]}`;
  const owner = ratio(first) < ratio(second) ? other : one;
  const size = `${excess(owner)} spikes`;
  const figures = againstText(one, other, owner);
  switch (answer) {
    case "same":
      return `The ${size} are met by ${words.probes[0]} too: ${counts} (${figures}).`;
    case "more":
    case "less": {
      const [whose, rest] = answer === "more" ? [words.whose[0], second] : [words.whose[1], first];
      const alone = rest?.count === 0 ? "alone" : "for the most part";
      return `The ${size} are ${whose} ${alone}: ${counts} (${figures})${sure(chance)}.`;
    }
    default:
      return `Too few samples to tell whose the ${size} are: ${counts}${more(enoughSlots)}.`;
  }
}

function lateSentence({ first, chance }: Finding): string {
  return `This machine was late: ${countText(first)} handshakes took connect() more than 10 ms ` +
    `beyond the kernel's round trip${sure(chance, "a usual share of 5%")}.`;
}

function medianSentence(finding: Finding, words: Words): string {
  const { answer, pairs, slower, faster, marginUs, chance, enoughSlots, question } = finding;
  const of = `of ${counted(pairs, "slot")}`;
  const apart = `by more than ${millis(marginUs)}`;
  const delays = delaysText(finding, words);
  switch (answer) {
    case "same":
      return `${words.same}: ${delays}; within ${millis(marginUs)} in ` +
        `${pairs - slower - faster} ${of}.`;
    case "more":
      return `${words.more}: ${delays}; slower ${apart} in ${slower} ${of}${sure(chance)}.`;
    case "less":
      return `${words.less}: ${delays}; faster ${apart} in ${faster} ${of}${sure(chance)}.`;
    case "too_few":
      return `Too few samples to tell ${words.asked}: ${counted(pairs, "slot")} ${
        pairs === 1 ? "has" : "have"
      } both, ${FEWEST_PAIRS} are the least${more(enoughSlots)}.`;
    default: {
      const ways = question === "prober"
        ? `slower ${apart} in ${slower}`
        : `slower ${apart} in ${slower} and faster in ${faster}`;
      return `The samples vary too much to tell ${words.asked}: ${delays}; ${ways} ${of}` +
        `${more(enoughSlots)}.`;
    }
  }
}

function delaysText({ answer, firstUs, secondUs, by }: Finding, words: Words): string {
  const [first, second] = words.delays;
  const difference = firstUs === null || secondUs === null ? 0 : firstUs - secondUs;
  const sign = difference < 0 ? "-" : "+";
  const apart = answer === "same" ? "" : `, ${sign}${millis(Math.abs(difference))}`;
  const clock = by === "clock" ? " by the clock, as the kernel measured nothing" : "";
  return `${first} ${millis(firstUs)}, ${second} ${millis(secondUs)} (p50${apart})${clock}`;
}

function ofConnections(finding: Finding, { live }: Comparison): string {
  const { aspect, answer, pairs, slower, firstUs, secondUs, marginUs } = finding;
  if (aspect !== "median") {
    return `Live connections: ${(aspect === "loss" ? live?.loss : live?.queueing) ?? "-"}.`;
  }
  const delays = live?.replyRtt === null || live?.replyRtt === undefined
    ? `their segments take ${millis(firstUs)}`
    : `data is acknowledged after ${millis(firstUs)}`;
  const against = `${delays}, a handshake takes ${millis(secondUs)} (p50)`;
  const beyond = `more than ${millis(marginUs)} longer in ${slower} of ${
    counted(pairs, "reading")
  }`;
  switch (answer) {
    case "more":
      return `Live connections wait for the service: ${against}; ${beyond}.`;
    case "too_few":
      return `Live connections: ${against}; ${counted(pairs, "reading")}, 3 are the least.`;
    default:
      return `Live connections meet what a handshake meets: ${against}; ${beyond}.`;
  }
}

function sideOf(question: Question, sides: Comparison["sides"]): Side {
  const side = question === "ping" ? sides.ping : question === "knock" ? sides.knock : sides.cold;
  return side ?? sides.handshake;
}

/**
 * Whether a finding says something that the headline does not. Live connections that were read too few
 * times say so, since their row stands in the table.
 */
export function hasSentence({ answer, question }: Finding): boolean {
  return answer !== "both_silent" && (answer !== "too_few" || question === "connections");
}

/** The quantile that the spikes of a side, or of another one, move: `p90 12.4 ms`. */
export function tailOf(side: Side, owner = side): string {
  const { delays } = side;
  if (delays === null) return "-";
  const [name, of] = tailQuantile(owner);
  return `${name} ${millis(of(delays))}`;
}

/** `p90 12.4 against 2.46 ms`. */
function againstText(one: Side, other: Side, owner: Side): string {
  if (one.delays === null || other.delays === null) return "-";
  const [name, of] = tailQuantile(owner);
  return `${name} ${threeFigures(of(one.delays))} against ${millis(of(other.delays))}`;
}

/** How much the spikes lie above the fastest: up to three in four may be spikes. */
export function excess(side: Side): string {
  if (side.delays === null) return "-";
  return millis(tailQuantile(side)[1](side.delays) - side.delays.minUs);
}

type QuantileOf = readonly [name: string, of: (delays: Distribution) => number];

function tailQuantile({ delays, spikes }: Side): QuantileOf {
  const count = delays?.count ?? 0;
  if (spikes.count >= 0.1 * spikes.of && spikes.count > 0) return ["p90", ({ p90Us }) => p90Us];
  return count < 100 ? ["max", ({ maxUs }) => maxUs] : ["p99", ({ p99Us }) => p99Us];
}

function countText(share: Share | null): string {
  return share === null ? "-" : `${share.count} of ${share.of}`;
}

function ratio(share: Share | null): number {
  return share === null ? 0 : shareOf(share.count, share.of) ?? 0;
}

function portion({ count, of }: Share): string {
  return percent(shareOf(count, of));
}

/** `20.0%, at 95% within 9.1% to 35.6%`. */
function shareText(share: Share): string {
  const [least, most] = shareBounds(share, BOUND_CHANCE);
  return `${portion(share)}, at 95% within ${percent(least)} to ${percent(most)}`;
}

/** `; chance makes that once in 1,300 runs`. */
function sure(chance: number | null, what = "chance"): string {
  if (chance === null) return "";
  const runs = 1 / chance;
  const often = runs > 1e6
    ? "less than once in a million"
    : `once in ${thousands(twoFigures(runs))}`;
  return `; ${what} makes that ${often} runs`;
}

function twoFigures(value: number): number {
  return Number(value.toPrecision(2));
}

function more(enoughSlots: number | null): string {
  return enoughSlots === null ? "" : `; -c ${enoughSlots} would tell`;
}

/** µs as ms to three digits. */
export function millis(us: number | null): string {
  return us === null ? "-" : `${threeFigures(us)} ms`;
}
