import { assertEquals, assertLessOrEqual } from "@std/assert";
import { Samples } from "../../../../src/commands/compare/samples.ts";
import { CHANCE, findingsOf, type Measured } from "../../../../src/commands/compare/verdict.ts";
import type { Answer, Question } from "../../../../src/domain/comparison.ts";
import { FEWEST_PAIRS } from "../../../../src/domain/comparison.ts";
import { established, record } from "../../fixtures.ts";
import { Random } from "../../random.ts";

/** What became of a slot's probe: a round trip in µs, or lost. */
type Delay = (slot: number) => number | "lost";

const steadily = (us: number): Delay => () => us;

function samples(slots: number, delay: Delay, connectMoreUs = 20): Samples {
  const all = new Samples(slots);
  for (let slot = 0; slot < slots; slot++) {
    const us = delay(slot);
    const more = { slot, connectUs: typeof us === "number" ? us + connectMoreUs : 0 };
    all.add(us === "lost" ? record({ slot, outcome: "timeout" }) : established(1, us, more));
  }
  return all;
}

/** A link on which everything takes 10 ms, but for what is given. */
function measured(more: Partial<Record<keyof Measured, Delay>>, slots = 20): Measured {
  const of = (name: keyof Measured) => samples(slots, more[name] ?? steadily(10_000));
  return { cold: of("cold"), steady: of("steady"), ping: of("ping"), knock: of("knock") };
}

function answers(of: Measured): Partial<Record<Question, Answer>> {
  return Object.fromEntries(findingsOf(of).map(({ question, answer }) => [question, answer]));
}

const ALIKE = { ping: "same", set_up: "same", prober: "same", knock: "same" } as const;
const everyThird: Delay = (slot) => slot % 3 === 0 ? 30_000 : 10_000;

const CASES: readonly [what: string, of: Measured, answers: Partial<Record<Question, Answer>>][] = [
  ["nothing differs", measured({}), ALIKE],
  ["ping alone is slow", measured({ ping: steadily(25_000) }), { ...ALIKE, ping: "slower" }],
  ["ping alone is fast", measured({ ping: steadily(200) }), { ...ALIKE, ping: "faster" }],
  [
    "ping differs by less than the margin",
    measured({ ping: steadily(10_900) }),
    ALIKE,
  ],
  ["one slot in ten strays", measured({ ping: (i) => i % 10 === 0 ? 90_000 : 10_000 }), ALIKE],
  [
    "a third of the echoes is slow, and the median is not",
    measured({ ping: everyThird }, 60),
    { ...ALIKE, ping: "slower" },
  ],
  [
    "a third of the echoes is slow, in too few slots to be sure",
    measured({ ping: everyThird }),
    { ...ALIKE, ping: "unclear" },
  ],
  ["flows are set up slowly", measured({ cold: steadily(40_000) }), { ...ALIKE, set_up: "slower" }],
  ["echoes are dropped", measured({ ping: (i) => i % 2 === 0 ? "lost" : 10_000 }), {
    ...ALIKE,
    ping: "lossier",
  }],
  ["no echo is answered", measured({ ping: () => "lost" }), { ...ALIKE, ping: "silent" }],
  ["one echo is lost", measured({ ping: (i) => i === 0 ? "lost" : 10_000 }), ALIKE],
  ["no knock is answered", measured({ knock: () => "lost" }), { ...ALIKE, knock: "silent" }],
  ["no handshake is answered", measured({ cold: () => "lost", steady: () => "lost" }), {
    ping: "alone",
    set_up: "both_silent",
    prober: "both_silent",
    knock: "alone",
  }],
  ["nothing is answered", {
    ...measured({ cold: () => "lost", steady: () => "lost" }),
    ping: samples(20, () => "lost"),
    knock: null,
  }, { ping: "both_silent", set_up: "both_silent", prober: "both_silent" }],
  ["ping and knock were left out", { ...measured({}), ping: null, knock: null }, {
    set_up: "same",
    prober: "same",
  }],
  ["it was ended early", measured({ ping: steadily(25_000) }, FEWEST_PAIRS - 1), {
    ping: "too_few",
    set_up: "too_few",
    prober: "too_few",
    knock: "too_few",
  }],
  ["the fewest slots do", measured({ ping: steadily(25_000) }, FEWEST_PAIRS), {
    ...ALIKE,
    ping: "slower",
  }],
  ["nothing was sent", measured({}, 0), {
    ping: "too_few",
    set_up: "too_few",
    prober: "too_few",
    knock: "too_few",
  }],
];

for (const [what, of, expected] of CASES) {
  Deno.test(`the answers where ${what}`, () => assertEquals(answers(of), expected));
}

Deno.test("a busy prober shows in the clock, and in nothing else", () => {
  const busy = { ...measured({}), steady: samples(20, steadily(10_000), 6000) };
  assertEquals(answers(busy), { ...ALIKE, prober: "slower" });
});

Deno.test("a handshake whose SYN was repeated counts as a drop, and not as a delay", () => {
  const all = new Samples(3);
  all.add(established(1, 1_031_000, { slot: 0, synRetransmits: 1 }));
  all.add(established(2, 10_000, { slot: 1 }));
  assertEquals([all.sent, all.answered, all.dropped], [2, 2, 1]);
  assertEquals([...all.kernelUs], [-1, 10_000, -1]);
});

Deno.test("of a slot's handshakes the first is taken, and of a refusal the clock's time", () => {
  const all = new Samples(2);
  all.add(established(1, 700, { slot: 0 }));
  all.add(established(2, 900, { slot: 0 }));
  all.add(record({ slot: 1, outcome: "refused", rttUs: 400, rttSource: "clock", connectUs: 400 }));
  all.add(record({ slot: 1, outcome: "error" }));
  assertEquals([[...all.kernelUs], [...all.clockUs], all.sent], [[700, -1], [800, 400], 3]);
});

Deno.test("a port that refuses is compared by the clock, within a margin of its own", () => {
  const refusals = new Samples(20);
  for (let slot = 0; slot < 20; slot++) {
    refusals.add(record({ slot, outcome: "refused", connectUs: 1400 }));
  }
  const of = { cold: refusals, steady: refusals, ping: samples(20, steadily(1000)), knock: null };
  const [ping, , prober] = findingsOf(of);
  assertEquals([ping.by, ping.answer, ping.marginUs], ["clock", "same", 500]);
  assertEquals(prober.answer, "too_few");
});

/** Delays as networks have them: a floor, queues, now and then a spike of 20 ms. */
function noisy(random: Random, queueUs: number): Delay {
  return () => {
    const queue = -Math.log(1 - random.unit()) * queueUs;
    const spike = random.unit() < 0.05 ? 20_000 : 0;
    return Math.round(1000 + queue + spike);
  };
}

Deno.test("noise alone is hardly ever taken for a difference, however much of it there is", () => {
  const runs = 1500;
  for (const queueUs of [10, 100, 1000, 10_000]) {
    const random = new Random(queueUs);
    let wrong = 0;
    for (let run = 0; run < runs; run++) {
      const noise = noisy(random, queueUs);
      const of = { cold: noise, steady: noise, ping: noise, knock: noise };
      const { ping, set_up, knock } = answers(measured(of, 40));
      wrong += [ping, set_up, knock].filter((answer) => answer === "slower" || answer === "faster")
        .length;
    }
    assertLessOrEqual(wrong / (3 * runs), CHANCE, `queues of ${queueUs} µs`);
  }
});

Deno.test("losses that are the same for all are hardly ever taken for ping's", () => {
  const random = new Random(7);
  const runs = 2000;
  const lossy: Delay = () => random.unit() < 0.1 ? "lost" : 10_000;
  let wrong = 0;
  for (let run = 0; run < runs; run++) {
    const { ping } = answers(measured({ cold: lossy, steady: lossy, ping: lossy }, 40));
    if (ping !== "same" && ping !== "too_few") wrong++;
  }
  assertLessOrEqual(wrong / runs, CHANCE);
});

Deno.test("a delay of ping's own is found through noise of its size", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new Random(seed);
    const noise = noisy(random, 500);
    const slow: Delay = (slot) => Number(noise(slot)) + 2000;
    const of = measured({ cold: noise, steady: noise, knock: noise, ping: slow }, 60);
    assertEquals(answers(of).ping, "slower", `with seed ${seed}`);
  }
});
