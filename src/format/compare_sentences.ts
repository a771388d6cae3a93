/** The findings of a comparison: one sentence each, with its figures. */
import { counted } from "../text/words.ts";
import { percent, threeFigures } from "../text/number.ts";
import { shareOf } from "../domain/summary.ts";
import {
  type Answer,
  type Comparison,
  type Drops,
  FEWEST_PAIRS,
  type Finding,
  type Question,
} from "../domain/comparison.ts";

/** The words of a question: what its two sides are called, and how each answer begins. */
interface Words {
  /** Come before the two delays: `it says 5 ms, a TCP handshake takes 3 ms`. */
  readonly delays: readonly [string, string];
  /** The names of the two kinds of probe, in the plural. */
  readonly probes: readonly [string, string];
  readonly same: string;
  readonly slower: string;
  readonly faster: string;
  readonly drops: string;
  readonly silence: string;
  /** Completes `too few samples to tell` and its like. */
  readonly asked: string;
}

const WORDS: Readonly<Record<Question, Words>> = {
  ping: {
    delays: ["it says", "a TCP handshake takes"],
    probes: ["echoes", "handshakes"],
    same: "Ping tells the truth here",
    slower: "Ping misleads here",
    faster: "Ping misleads here",
    drops: "Ping misleads here",
    silence: "Neither ping nor TCP was answered here",
    asked: "whether ping tells the truth here",
  },
  set_up: {
    delays: ["a cold handshake takes", "a steady one"],
    probes: ["cold handshakes", "steady ones"],
    same: "Flow set-up is not to be seen",
    slower: "Flow set-up makes cold handshakes slow",
    faster: "Handshakes in a row are slowed down",
    drops: "Cold handshakes and steady ones are not lost alike",
    silence: "No handshake was answered",
    asked: "what flow set-up costs",
  },
  prober: {
    delays: ["connect() takes", "of which the kernel measured"],
    probes: ["handshakes", "handshakes"],
    same: "This machine adds little of its own",
    slower: "A stopwatch would mislead on this machine",
    faster: "This machine's clock runs behind its kernel's",
    drops: "Handshakes got lost",
    silence: "No handshake was answered",
    asked: "what this machine adds of its own",
  },
  knock: {
    delays: ["a knock takes", "a handshake"],
    probes: ["knocks", "handshakes"],
    same: "A knock is answered as a handshake is",
    slower: "A knock is not treated as a handshake is",
    faster: "A knock is not treated as a handshake is",
    drops: "A knock is not treated as a handshake is",
    silence: "Neither knocks nor handshakes were answered",
    asked: "whether a knock is treated as a handshake is",
  },
};

/** The verdict is the first finding. */
export function verdictSentence({ findings: [first], address, target }: Comparison): string {
  if (address === "") return `The name ${target.host} did not resolve.`;
  return first === undefined ? "Nothing was measured." : sentenceOf(first);
}

/** One finding in one sentence. */
export function sentenceOf(finding: Finding): string {
  return `${opening(finding)}: ${figures(finding)}.`;
}

function opening({ question, answer }: Finding): string {
  const words = WORDS[question];
  switch (answer) {
    case "same":
    case "slower":
    case "faster":
      return words[answer];
    case "lossier":
    case "less_lossy":
    case "silent":
    case "alone":
      return words.drops;
    case "both_silent":
      return words.silence;
    case "too_few":
      return `Too few samples to tell ${words.asked}`;
    case "unclear":
      return `The samples vary too much to tell ${words.asked}`;
    default:
      return answer satisfies never;
  }
}

/** Answers whose figures are losses. */
const OF_DROPS: readonly Answer[] = ["lossier", "less_lossy", "silent", "alone", "both_silent"];

function figures(finding: Finding): string {
  const { question, answer, firstDrops, secondDrops } = finding;
  const { probes } = WORDS[question];
  const drops = `${lost(probes[0], firstDrops)}, ${lost(probes[1], secondDrops)}`;
  if (OF_DROPS.includes(answer)) return question === "prober" ? lost(probes[0], firstDrops) : drops;
  return answer === "too_few" ? slots(finding) : `${delays(finding)}; ${slots(finding)}`;
}

function delays({ question, answer, firstUs, secondUs, by }: Finding): string {
  const [first, second] = WORDS[question].delays;
  const apart = answer === "same" ? "" : `, ${apartBy(firstUs, secondUs)}`;
  const clock = by === "clock" ? " by the clock, as the kernel measured nothing" : "";
  return `${first} ${millis(firstUs)}, ${second} ${millis(secondUs)} (p50${apart})${clock}`;
}

function slots({ answer, pairs, slower, faster, marginUs }: Finding): string {
  const of = `of ${pairs} slots`;
  const apart = `by more than ${millis(marginUs)}`;
  switch (answer) {
    case "same":
      return `within ${millis(marginUs)} in ${pairs - slower - faster} ${of}`;
    case "slower":
      return `slower ${apart} in ${slower} ${of}`;
    case "faster":
      return `faster ${apart} in ${faster} ${of}`;
    case "unclear":
      return `slower ${apart} in ${slower} and faster in ${faster} ${of}; a larger --count may tell`;
    default:
      return `${counted(pairs, "slot")} ${
        pairs === 1 ? "has" : "have"
      } both, ${FEWEST_PAIRS} are the least`;
  }
}

function lost(probes: string, { sent, lost }: Drops): string {
  return `${lost} of ${sent} ${probes} lost (${percent(shareOf(lost, sent))})`;
}

function apartBy(firstUs: number | null, secondUs: number | null): string {
  if (firstUs === null || secondUs === null) return "-";
  return `${firstUs < secondUs ? "-" : "+"}${millis(Math.abs(firstUs - secondUs))}`;
}

/** µs as ms to three digits. */
function millis(us: number | null): string {
  return us === null ? "-" : `${threeFigures(us)} ms`;
}
