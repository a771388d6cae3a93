/**
 * Scenes with a known right answer, as samples that a network of that kind would give. The delays are
 * drawn here, and nothing is taken from the code that judges them.
 */
import type { LiveFigures } from "../../../../src/domain/comparison.ts";
import type { Measured } from "../../../../src/commands/compare/decision/sides.ts";
import { Samples } from "../../../../src/commands/compare/samples.ts";
import { established, record } from "../../fixtures.ts";
import type { Random } from "../../random.ts";

/** One packet's fate by the kernel: µs, lost, or its SYN sent again. */
type Fate = number | "lost" | "again" | "refused";
export type Draw = (random: Random) => Fate;

export interface Scene {
  readonly echo: Draw;
  readonly cold: Draw;
  readonly steady: Draw;
  readonly knock: Draw;
  /** What connect() takes beyond the kernel's round trip, in µs. */
  readonly prober: (random: Random) => number;
  readonly live: LiveFigures | null;
}

const BASE_US = 2400;
const SPIKE_US = 10_000;

function exponential(random: Random, meanUs: number): number {
  return -Math.log(1 - random.unit()) * meanUs;
}

/** A quiet link: a floor, small queues, and now and then a straggler, as on any host. */
export function quiet(baseUs = BASE_US): Draw {
  return (random) => {
    const straggler = random.unit() < 0.002 ? exponential(random, 4000) : 0;
    return Math.round(baseUs + exponential(random, 40) + straggler);
  };
}

/** A share of the packets takes so much longer. */
export function spiking(share: number, draw: Draw = quiet(), byUs = SPIKE_US): Draw {
  return (random) => {
    const fate = draw(random);
    return typeof fate === "number" && random.unit() < share ? fate + byUs : fate;
  };
}

/** A share of the SYNs is lost; what was sent again may be lost again. */
export function losingSyns(share: number, draw: Draw = quiet()): Draw {
  return (random) => {
    if (random.unit() >= share) return draw(random);
    return random.unit() < share ** 4 ? "lost" : "again";
  };
}

/** A share of the SYN-ACKs is lost, and the other side sends them again before a SYN is due again. */
export function losingAnswers(share: number, draw: Draw = quiet()): Draw {
  return spiking(share, draw, 1_000_000);
}

export const HEALTHY: Scene = {
  echo: quiet(),
  cold: quiet(),
  steady: quiet(),
  knock: quiet(),
  prober: (random) => Math.round(300 + exponential(random, 200)),
  live: null,
};

/** What a scene's run would have measured. */
export function measured(scene: Scene, slots: number, random: Random, burst = 2): Measured {
  const of = (draw: Draw, perSlot = 1, isEcho = false) => {
    const samples = new Samples(slots, perSlot);
    for (let slot = 0; slot < slots; slot++) {
      for (let i = 0; i < perSlot; i++) {
        const fate = draw(random);
        const more = { slot };
        if (fate === "lost") samples.add(record({ ...more, outcome: "timeout" }));
        else if (fate === "refused") {
          samples.add(record({ ...more, outcome: "refused", connectUs: 700 }));
        } else if (fate === "again") {
          samples.add(established(1, 1_031_000, { ...more, synRetransmits: 1 }));
        } else {
          const connectUs = fate + (isEcho ? 100 : scene.prober(random));
          samples.add(established(1, fate, { ...more, connectUs }));
        }
      }
    }
    return samples;
  };
  return {
    cold: of(scene.cold),
    steady: of(scene.steady, burst - 1),
    ping: of(scene.echo, 1, true),
    knock: of(scene.knock, 1, true),
    live: scene.live,
  };
}

/** Connections whose replies take this long, in µs; the handshake is not affected. */
export function thinking(us: number, readings: number): LiveFigures {
  const medians = Array.from({ length: readings }, (_, i) => us + 100 * (i % 7));
  const spread = { count: 4 * readings, minUs: us, p50Us: us + 300, maxUs: us + 600, medians };
  return {
    connections: 4,
    readings,
    segmentsOut: 400,
    segmentsRetransmitted: 0,
    minRttUs: BASE_US,
    rtt: null,
    replyRtt: spread,
    loss: null,
    queueing: null,
  };
}
