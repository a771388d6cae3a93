import { assert } from "@std/assert";
import { decide } from "../../../../src/commands/compare/decision/conclusion.ts";
import type { Cause, Conclusion } from "../../../../src/domain/comparison.ts";
import { Random } from "../../random.ts";
import {
  type Draw,
  HEALTHY,
  losingAnswers,
  losingSyns,
  measured,
  quiet,
  type Scene,
  spiking,
  thinking,
} from "./scenes.ts";

const RUNS = 50;
/** Causes that name no culprit, and ask for more. */
const UNSURE: readonly Cause[] = ["perhaps_loss", "perhaps_spikes", "perhaps_ping", "too_few"];
const SPIKES = spiking(0.3);
const COLD = quiet(42_000);

interface Expected {
  /** Right, at any number of slots. */
  readonly right: readonly Cause[];
  /** How many of 50 runs of 200 slots have to say so; the others ask for more. */
  readonly sureOf200: number;
  /** Of 20 slots. */
  readonly sureOf20: number;
}

const SCENES: readonly [what: string, scene: Scene, expected: Expected][] = [
  ["there is no trouble", HEALTHY, { right: ["none"], sureOf200: 50, sureOf20: 40 }],
  ["ICMP alone spikes", { ...HEALTHY, echo: SPIKES }, {
    right: ["ping"],
    sureOf200: 50,
    sureOf20: 40,
  }],
  ["TCP alone spikes", { ...HEALTHY, cold: SPIKES, steady: SPIKES, knock: SPIKES }, {
    right: ["spikes"],
    sureOf200: 50,
    sureOf20: 40,
  }],
  ["everything spikes", { ...HEALTHY, echo: SPIKES, cold: SPIKES, steady: SPIKES, knock: SPIKES }, {
    right: ["spikes"],
    sureOf200: 50,
    sureOf20: 40,
  }],
  ["ICMP is slower by 10 ms throughout", { ...HEALTHY, echo: quiet(12_400) }, {
    right: ["ping"],
    sureOf200: 50,
    sureOf20: 50,
  }],
  ["a twentieth of the SYNs is lost", lossy(0.05), {
    right: ["loss"],
    sureOf200: 50,
    sureOf20: 20,
  }],
  ["a fifth of the SYNs is lost", lossy(0.2), { right: ["loss"], sureOf200: 50, sureOf20: 45 }],
  ["a fifth of the SYN-ACKs is lost, and the other side repeats them", {
    ...HEALTHY,
    cold: losingAnswers(0.2),
    steady: losingAnswers(0.2),
    knock: losingAnswers(0.2),
  }, { right: ["loss"], sureOf200: 50, sureOf20: 45 }],
  ["all takes more than a second, by satellite", {
    ...HEALTHY,
    cold: quiet(1_020_000),
    steady: quiet(1_020_000),
    echo: quiet(1_020_000),
    knock: quiet(1_020_000),
  }, { right: ["none"], sureOf200: 50, sureOf20: 40 }],
  ["one SYN in a hundred is lost", lossy(0.01), {
    right: ["loss"],
    sureOf200: 20,
    sureOf20: 1,
  }],
  ["flows are set up slowly", { ...HEALTHY, cold: COLD }, {
    right: ["set_up"],
    sureOf200: 50,
    sureOf20: 50,
  }],
  ["a third of the flows is set up slowly", { ...HEALTHY, cold: spiking(0.3, quiet(), 40_000) }, {
    right: ["set_up"],
    sureOf200: 50,
    sureOf20: 0,
  }],
  ["the prober is busy", {
    ...HEALTHY,
    prober: (random) => 500 + Math.round(12_000 * random.unit()),
  }, {
    right: ["prober"],
    sureOf200: 50,
    sureOf20: 25,
  }],
  ["a knock is treated otherwise", { ...HEALTHY, knock: quiet(9000) }, {
    right: ["knock"],
    sureOf200: 50,
    sureOf20: 50,
  }],
  ["knocks are dropped", { ...HEALTHY, knock: () => "lost" }, {
    right: ["knock"],
    sureOf200: 50,
    sureOf20: 50,
  }],
  ["a server thinks", { ...HEALTHY, live: thinking(30_000, 20) }, {
    right: ["server"],
    sureOf200: 50,
    sureOf20: 45,
  }],
];

function lossy(share: number): Scene {
  const syns = losingSyns(share);
  return { ...HEALTHY, cold: syns, steady: syns, knock: syns };
}

/** Whether a conclusion that names nothing says that it may have missed this. */
function asksForMore({ cause, enoughSlots }: Conclusion): boolean {
  return UNSURE.includes(cause) || cause === "none" && enoughSlots !== null;
}

for (const [what, scene, expected] of SCENES) {
  for (const slots of [20, 200]) {
    Deno.test(`where ${what}, ${slots} slots give the right answer or ask for more`, () => {
      let sure = 0;
      for (let seed = 1; seed <= RUNS; seed++) {
        const { conclusion } = decide(measured(scene, slots, new Random(seed)));
        const { cause } = conclusion;
        const right = expected.right.includes(cause);
        assert(right || asksForMore(conclusion), `seed ${seed}: ${JSON.stringify(conclusion)}`);
        if (right) sure++;
      }
      const least = slots === 20 ? expected.sureOf20 : expected.sureOf200;
      assert(sure >= least, `${sure} of ${RUNS} runs were sure`);
    });
  }
}

/** These fates, then a link's that has no stragglers. */
function first(...fates: readonly (number | "again")[]): Draw {
  const rest = [...fates];
  return (random) => rest.shift() ?? 2400 + random.int(0, 100);
}

Deno.test("one stall that holds two packets, and one lost SYN, are never sure", () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    for (let slots = 1; slots <= 9; slots++) {
      const events = [
        { steady: first(7400, 7100), cold: first() },
        { steady: first(7400), cold: first(7100) },
        { steady: first(), cold: first("again") },
      ];
      for (const event of events) {
        const { conclusion } = decide(measured({ ...HEALTHY, ...event }, slots, new Random(seed)));
        const told = `seed ${seed}, ${slots} slots: ${JSON.stringify(conclusion)}`;
        assert(conclusion.verdict !== "yes", told);
      }
    }
  }
});
