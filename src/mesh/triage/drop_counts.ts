/**
 * The drops of each pair of a mesh, and how many drops are one event. Rows count events as bursts
 * with drops; rows of old nodes do not, so their events are estimated from the dispersion of drops.
 */
import type { Steps } from "../../time/slices.ts";
import type { MeshView } from "./mesh_view.ts";

/** Counts of each pair, row by row; 0 for a pair that was hardly probed. */
type Tables = Readonly<
  Record<"sent" | "lost" | "repeated" | "bursts" | "burstsWithDrops", Float64Array>
>;

/** The tables, and how drops come. */
export interface DropCounts extends Tables {
  /** How many drops are one event where bursts were not counted, as the better nodes have them. */
  readonly runs: UsualRuns;
}

export function* dropCounts(view: MeshView): Steps<DropCounts> {
  const table = () => new Float64Array(view.size ** 2);
  const [sent, lost, repeated] = [table(), table(), table()];
  const [bursts, burstsWithDrops] = [table(), table()];
  for (const from of view.all()) {
    yield;
    for (const to of view.all()) {
      if (!view.probed(from, to)) continue;
      const at = from * view.size + to;
      sent[at] = view.count("sent", from, to);
      lost[at] = view.count("lost", from, to);
      bursts[at] = view.count("bursts", from, to);
      burstsWithDrops[at] = view.count("burstsWithDrops", from, to);
      const again = view.count(bursts[at] === 0 ? "retransmits" : "repeated", from, to);
      // No more handshakes can have been repeated than were answered.
      repeated[at] = Math.min(again, sent[at] - lost[at]);
    }
  }
  const counts = { sent, lost, repeated, bursts, burstsWithDrops };
  const isOld = sent.some((probes, at) => probes > 0 && bursts[at] === 0);
  return { ...counts, runs: isOld ? yield* usualRuns(view, counts) : SINGLE };
}

/** Fewer pairs do not tell whether drops come in runs. */
const MIN_RUN_PAIRS = 4;
/**
 * Drops of a pair count as one event: as many as the handshakes of a burst, or as this many times
 * the mean of such pairs.
 */
const BURST = 5;
const LONG_RUNS = 2;
/** Five handshakes of a burst, each SYN sent again three times. */
const MAX_RUN = 15;
/** How often the SYN of one handshake is repeated within its timeout, if more than once. */
const USUAL_REPEATS = [3, 2];
/** The share of nodes that show how drops usually come. */
const BETTER_SHARE = 0.75;

/** How many drops are one event in rows that do not count bursts. */
export interface UsualRuns {
  /** Of few pairs. */
  readonly ofPair: number;
  /** Of all pairs of a node or a block. */
  readonly ofMany: number;
}

/** Where no row is an old one. */
const SINGLE: UsualRuns = { ofPair: 1, ofMany: 1 };

/** Drops of pairs whose bursts were not counted, as rows of old nodes have them. */
export class OldDrops {
  #pairs = 0;
  #some = 0;
  #squares = 0;
  /** The greatest common divisor of the pairs' drops. */
  #common = 0;
  sent = 0;
  drops = 0;

  add(sent: number, drops: number): void {
    this.#pairs++;
    if (drops > 0) this.#some++;
    this.#squares += drops ** 2;
    this.#common = commonDivisor(this.#common, drops);
    this.sent += sent;
    this.drops += drops;
  }

  /** How many drops are one event; `usual`: in the mesh. */
  run({ ofPair, ofMany }: UsualRuns): number {
    return this.#pairs < MIN_RUN_PAIRS
      ? ofPair
      : Math.max(ofMany, this.dispersion(), this.#repeatsOfOne());
  }

  /**
   * How often the SYN of one handshake was repeated, where each pair's count is a multiple of that: of
   * drops that are drawn each for itself a third are multiples of 3 by chance, and hardly all pairs'.
   */
  #repeatsOfOne(): number {
    if (this.#some < MIN_RUN_PAIRS) return 1;
    return USUAL_REPEATS.find((repeats) => this.#common % repeats === 0) ?? 1;
  }

  /** The mean drops of pairs with drops; 0 where there are few of them. */
  get meanOfSome(): number {
    return this.#some < MIN_RUN_PAIRS ? 0 : this.drops / this.#some;
  }

  /** Variance over mean: 1 where each drop is drawn for itself, a run's length where they come in runs. */
  dispersion(): number {
    if (this.#pairs < MIN_RUN_PAIRS || this.drops === 0) return 1;
    const mean = this.drops / this.#pairs;
    const variance = (this.#squares - this.drops * mean) / (this.#pairs - 1);
    return Math.min(MAX_RUN, Math.max(1, variance / mean));
  }
}

/** Of 0 and another number that one. */
function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

function* usualRuns(
  view: MeshView,
  { sent, lost, repeated, bursts }: Tables,
): Steps<UsualRuns> {
  const totals = new Float64Array(view.size);
  const among = function* (nodes: readonly number[]): Steps<OldDrops> {
    const seen = new OldDrops();
    for (const from of nodes) {
      yield;
      for (const to of nodes) {
        const at = from * view.size + to;
        if (sent[at] === 0 || bursts[at] > 0) continue;
        const drops = lost[at] + repeated[at];
        seen.add(sent[at], drops);
        totals[from] += drops;
        totals[to] += drops;
      }
    }
    return seen;
  };
  const longRun = LONG_RUNS * (yield* among(view.all())).meanOfSome;
  const better = view.all().toSorted((a, b) => totals[a] - totals[b])
    .slice(0, Math.ceil(view.size * BETTER_SHARE));
  const ofMany = (yield* among(better)).dispersion();
  return { ofMany, ofPair: Math.min(MAX_RUN, Math.max(BURST, ofMany, longRun)) };
}
