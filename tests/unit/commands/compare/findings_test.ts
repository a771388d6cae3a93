import { assertEquals, assertLessOrEqual } from "@std/assert";
import { Samples } from "../../../../src/commands/compare/samples.ts";
import { CHANCE } from "../../../../src/commands/compare/decision/certainty.ts";
import { decide } from "../../../../src/commands/compare/decision/conclusion.ts";
import { findingsOf } from "../../../../src/commands/compare/decision/findings.ts";
import type { Measured } from "../../../../src/commands/compare/decision/sides.ts";
import type { Answer, Cause } from "../../../../src/domain/comparison.ts";
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
function measured(more: Partial<Record<Kind, Delay>>, slots = 20): Measured {
  const of = (name: Kind) => samples(slots, more[name] ?? steadily(10_000));
  return {
    cold: of("cold"),
    steady: of("steady"),
    ping: of("ping"),
    knock: of("knock"),
    live: null,
  };
}

type Kind = Exclude<keyof Measured, "live">;

/** The answers that are no "same", by question and aspect; and the headline's cause. */
function answers(of: Measured): { cause: Cause; findings: Partial<Record<string, Answer>> } {
  const { findings, conclusion } = decide(of);
  const told = findings.filter(({ answer }) => answer !== "same");
  return {
    cause: conclusion.cause,
    findings: Object.fromEntries(
      told.map(({ question, aspect, answer }) => [`${question} ${aspect}`, answer]),
    ),
  };
}

const everyThird: Delay = (slot) => slot % 3 === 0 ? 30_000 : 10_000;
const TOO_FEW = {
  "set_up median": "too_few",
  "prober median": "too_few",
  "ping median": "too_few",
  "knock median": "too_few",
} as const;

const CASES: readonly [
  what: string,
  of: Measured,
  cause: Cause,
  findings: Partial<Record<string, Answer>>,
][] = [
  ["nothing differs", measured({}), "none", {}],
  ["ping alone is slow", measured({ ping: steadily(25_000) }), "ping", { "ping median": "more" }],
  ["ping alone is fast", measured({ ping: steadily(200) }), "ping", { "ping median": "less" }],
  ["ping differs by 0.27 ms", measured({ ping: steadily(10_270) }), "none", {}],
  ["ping differs by less than 5%", measured({ ping: steadily(10_450) }), "none", {}],
  ["one slot in twenty strays", measured({ ping: (i) => i === 7 ? 90_000 : 10_000 }), "none", {}],
  ["a third of the echoes are spikes", measured({ ping: everyThird }, 60), "ping", {
    "ping tail": "more",
  }],
  [
    "a third of the echoes are spikes, in few slots",
    measured({ ping: everyThird }),
    "ping",
    { "ping tail": "more", "ping median": "unclear" },
  ],
  ["flows are set up slowly", measured({ cold: steadily(40_000) }), "set_up", {
    "set_up median": "more",
  }],
  [
    "echoes are dropped",
    measured({ ping: (i) => i % 2 === 0 ? "lost" : 10_000 }),
    "ping",
    { "ping loss": "more" },
  ],
  ["no echo is answered", measured({ ping: () => "lost" }), "ping", {
    "ping loss": "silent",
    "ping median": "too_few",
  }],
  ["one echo is lost", measured({ ping: (i) => i === 0 ? "lost" : 10_000 }), "none", {}],
  ["no knock is answered", measured({ knock: () => "lost" }), "knock", {
    "knock loss": "silent",
    "knock median": "too_few",
  }],
  [
    "no handshake is answered",
    measured({ cold: () => "lost", steady: () => "lost" }),
    "port_silent",
    {
      ...TOO_FEW,
      "tcp loss": "silent",
      "ping loss": "alone",
      "set_up loss": "both_silent",
      "knock loss": "alone",
    },
  ],
  [
    "nothing is answered",
    {
      ...measured({ cold: () => "lost", steady: () => "lost" }),
      ping: samples(20, () => "lost"),
      knock: null,
    },
    "all_silent",
    {
      "tcp loss": "silent",
      "ping loss": "both_silent",
      "set_up loss": "both_silent",
      "set_up median": "too_few",
      "prober median": "too_few",
      "ping median": "too_few",
    },
  ],
  ["ping and knock were left out", { ...measured({}), ping: null, knock: null }, "none", {}],
  [
    "it was ended early",
    measured({ ping: steadily(25_000) }, FEWEST_PAIRS - 1),
    "too_few",
    TOO_FEW,
  ],
  ["the fewest slots do", measured({ ping: steadily(25_000) }, FEWEST_PAIRS), "ping", {
    "ping median": "more",
  }],
  ["nothing was sent", measured({}, 0), "nothing_sent", TOO_FEW],
];

for (const [what, of, cause, findings] of CASES) {
  Deno.test(`the answers where ${what}`, () => assertEquals(answers(of), { cause, findings }));
}

Deno.test("a busy prober shows in the clock, and in nothing else", () => {
  const busy = { ...measured({}), steady: samples(20, steadily(10_000), 6000) };
  assertEquals(answers(busy), { cause: "prober", findings: { "prober median": "more" } });
});

Deno.test("a handshake whose SYN was repeated counts as a drop, and not as a delay", () => {
  const all = new Samples(3);
  all.add(established(1, 1_031_000, { slot: 0, synRetransmits: 1 }));
  all.add(established(2, 10_000, { slot: 1 }));
  all.add(record({ slot: 2, outcome: "timeout" }));
  assertEquals([all.sent, all.answered, all.again, all.lost], [3, 2, 1, 1]);
  assertEquals([0, 1, 2].map((slot) => all.kernelAt(slot)), [-1, 10_000, -1]);
});

Deno.test("of a slot's handshakes the first is compared and all are told, of a refusal the clock's", () => {
  const all = new Samples(2, 2);
  all.add(established(1, 700, { slot: 0 }));
  all.add(established(2, 900, { slot: 0 }));
  all.add(record({ slot: 1, outcome: "refused", rttUs: 400, rttSource: "clock", connectUs: 400 }));
  all.add(record({ slot: 1, outcome: "error" }));
  assertEquals([all.kernelAt(0), all.clockAt(0), all.kernelAt(1), all.clockAt(1)], [
    700,
    800,
    -1,
    400,
  ]);
  assertEquals([[...all.kernelUs], all.sent, all.refused], [[700, 900, -1, -1], 3, 1]);
});

Deno.test("a refusal's delay is no handshake's, so a port that refuses has no comparison with handshakes", () => {
  const refusals = new Samples(20);
  for (let slot = 0; slot < 20; slot++) {
    refusals.add(record({ slot, outcome: "refused", connectUs: 1400 }));
  }
  const ping = samples(20, steadily(1000));
  const of = { cold: refusals, steady: refusals, ping, knock: refusals, live: null };
  const found = findingsOf(of).map(({ question, aspect }) => `${question} ${aspect}`);
  assertEquals(found, ["tcp loss"]);
  assertEquals(answers(of), { cause: "refused", findings: {} });
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
  const runs = 500;
  for (const queueUs of [10, 100, 1000, 10_000]) {
    const random = new Random(queueUs);
    let wrong = 0;
    for (let run = 0; run < runs; run++) {
      const noise = noisy(random, queueUs);
      const of = { cold: noise, steady: noise, ping: noise, knock: noise };
      const medians = findingsOf(measured(of, 40)).filter(({ aspect, question }) =>
        aspect === "median" && question !== "prober"
      );
      wrong += medians.filter(({ answer }) => answer === "more" || answer === "less").length;
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
    const { findings } = answers(measured({ cold: lossy, steady: lossy, ping: lossy }, 40));
    if (findings["ping loss"] !== undefined) wrong++;
  }
  assertLessOrEqual(wrong / runs, CHANCE);
});

Deno.test("a delay of ping's own is found through noise of its size", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new Random(seed);
    const noise = noisy(random, 500);
    const slow: Delay = (slot) => Number(noise(slot)) + 2000;
    const of = measured({ cold: noise, steady: noise, knock: noise, ping: slow }, 60);
    assertEquals(answers(of).findings["ping median"], "more", `with seed ${seed}`);
  }
});
