/**
 * Whether the machine below a link stood still while something was measured over it: then whoever looks
 * meets spikes, and to tell of them is true.
 */
import type { CapturedPacket } from "./capture.ts";
import { echoesIn } from "./echo_truth.ts";
import type { Link } from "./network.ts";
import { stolenMs } from "./stalls.ts";
import { handshakesIn, type LinkRoundTrip } from "./truth.ts";

/** A round trip that is longer than the least by this much, and by no rule, was held by the machine. */
const HELD_US = 500;
const MANY_HELD = 2;
/** Or so much time was taken from this machine meanwhile, also before the link had read a packet. */
const MANY_STOLEN_MS = 50;

/** What `compare` may then say: of handshakes, of connections, of echoes. */
export const CAUSES_OF_DISTURBANCE: readonly string[] = [
  "spikes",
  "perhaps_spikes",
  "queueing",
  "perhaps_ping",
];

/** What a link met while something was measured. */
export interface Met {
  readonly packets: CapturedPacket[];
  readonly isDisturbed: boolean;
}

export class Disturbance {
  #link: Link;
  #heldUs: number;
  #stolenMs = stolenMs();

  private constructor(link: Link, heldUs: number) {
    this.#link = link;
    this.#heldUs = heldUs;
  }

  /** Begins to record the link's packets. What is shorter than `heldUs` makes no difference to who asks. */
  static async watch(link: Link, heldUs = HELD_US): Promise<Disturbance> {
    await link.capture();
    return new Disturbance(link, heldUs);
  }

  /** Since it was begun; `byRuleUs`: by how much rules of the link hold a packet now and then. */
  async met(byRuleUs: readonly number[] = []): Promise<Met> {
    const stolen = stolenMs() - this.#stolenMs;
    const packets = await this.#link.captured();
    const isByRule = (us: number) => byRuleUs.some((rule) => Math.abs(us - rule) < HELD_US);
    const held = [handshakesIn(packets), echoesIn(packets)].flatMap(excessesOf)
      .filter((us) => us >= this.#heldUs && !isByRule(us)).length;
    return { packets, isDisturbed: held >= MANY_HELD || stolen >= MANY_STOLEN_MS };
  }
}

/** By how much each round trip is longer than the least of its kind. */
function excessesOf(seen: readonly LinkRoundTrip[]): number[] {
  const all = seen.flatMap(({ rttUs, handingUs }) => rttUs === null ? [] : rttUs + handingUs);
  const least = Math.min(...all);
  return all.map((us) => us - least);
}

/** A connection's round trips are longer by this much where a link was so late once. */
const MANY_LATE_US = 10_000;

/** Whether the machine held packets of any kind on links that were made since `stolenMs` was read. */
export async function haveBeenLate(
  links: readonly Link[],
  stolenBeforeMs: number,
): Promise<boolean> {
  const counters = await Promise.all(links.map((link) => link.counters()));
  const lateUs = counters.flatMap(({ ab, ba }) => [ab.maxLateUs, ba.maxLateUs]);
  return Math.max(...lateUs) >= MANY_LATE_US || stolenMs() - stolenBeforeMs >= MANY_STOLEN_MS;
}
