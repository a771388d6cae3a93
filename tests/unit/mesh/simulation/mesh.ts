/** A simulated mesh: zones, racks and nodes with their own figures, window by window. */
import type { Label } from "../../../../src/domain/target.ts";
import { Matrix } from "../../../../src/domain/matrix.ts";
import { arrange, type MeshNode } from "../../../../src/domain/mesh_node.ts";
import type { MeshRow, PeerFigures, RecentFigures } from "../../../../src/domain/mesh_row.ts";
import type { Random } from "../../random.ts";
import {
  between,
  binomial,
  draws,
  jittered,
  mixedQuantiles,
  normal,
  type Quantile,
  quantiles,
} from "./distributions.ts";
import { median } from "../../../../src/stats/quantile.ts";
import { Weather } from "./weather.ts";

export const WINDOW_MS = 300_000;

/** What goes wrong between two nodes, or in one: nothing where a member is left out. */
export interface Trouble {
  /** Added to every handshake of the pair, and to cold ones beyond that. */
  readonly addedUs?: (from: number, to: number) => number;
  readonly addedColdUs?: (from: number, to: number) => number;
  readonly addedTailUs?: (from: number, to: number) => number;
  /** The chance that a SYN or its answer is lost. */
  readonly drop?: (from: number, to: number) => number;
  /** No probe of the pair is answered. */
  readonly cut?: (from: number, to: number) => boolean;
  readonly refuses?: (to: number) => boolean;
  readonly icmpAddedUs?: (from: number, to: number) => number;
  /** Added to the connect times of a node's probes: p50 and p99. */
  readonly busyUs?: (node: number) => readonly [p50: number, p99: number];
  readonly withoutRow?: (node: number) => boolean;
}

export interface MeshShape {
  readonly size: number;
  readonly zones: number;
  /** The last zone lies in a region far from the others. */
  readonly far: boolean;
}

/** Bursts of the window that the trouble was there for: all of it. */
export const WHOLE = Infinity;

/** The chance that all handshakes of a burst are late together. */
const LATE_BURSTS = 0.002;

/** Round trips without the trouble, and with it. */
type Times = readonly [Quantile, Quantile];

/** What was not answered at once. */
type Dropped =
  & Pick<PeerFigures, "lost">
  & Readonly<Record<"synRetransmits" | "repeated" | "burstsWithDrops", number>>;

export class SimulatedMesh {
  readonly nodes: readonly MeshNode[];
  readonly zoneOf: readonly number[];
  readonly zones: number;
  #random: Random;
  /** Distances between zones in µs, symmetrical; within a zone on the diagonal. */
  #distances: number[][];
  #rackOf: number[];
  #nodeUs: number[];
  #pairUs: number[];
  #setUpUs: number;
  #background: number;
  /** The chance that a burst meets a full accept queue. */
  #runs: number;
  #bursts: number;
  #perBurst: number;
  #icmp: boolean;
  #excess: (readonly [p50: number, p99: number])[];
  #weather: Weather;
  #since = WHOLE;

  constructor(random: Random, { size, zones, far }: MeshShape) {
    this.#random = random;
    this.zones = zones;
    // Zones of unequal size, none of less than three nodes.
    this.zoneOf = Array.from(
      { length: size },
      (_, i) => i < 3 * zones ? i % zones : random.int(0, zones - 1),
    ).sort((a, b) => a - b);
    this.#rackOf = this.zoneOf.map(() => random.int(0, 3));
    this.nodes = this.zoneOf.map((zone, i) => ({
      name: `n${i + 1}`,
      labels: new Map([["az", `z${zone + 1}`], ["rack", `z${zone + 1}-r${this.#rackOf[i]}`]]),
    }));
    this.#distances = distances(random, zones, far);
    this.#nodeUs = this.nodes.map(() => between(random, 0, 30));
    this.#pairUs = Array.from({ length: size * size }, () => 25 * Math.abs(normal(random)));
    this.#setUpUs = between(random, 30, 500);
    this.#background = random.pick([0, 0.00003, 0.0002]);
    // Of all handshakes 0.1 to 1 % are repeated so in some meshes.
    this.#runs = random.pick([0, 0.002, 0.006, 0.02]);
    this.#bursts = random.int(15, 30);
    this.#perBurst = random.int(7, 9);
    this.#icmp = random.int(0, 1) === 1;
    this.#excess = this.nodes.map(() =>
      [between(random, 200, 500), between(random, 900, 2500)] as const
    );
    this.#weather = new Weather(random, size, zones);
  }

  /** Whether the nodes know what was usual in the last day. */
  get hasDay(): boolean {
    return this.#weather.hasDay;
  }

  /** Bursts to a peer in a window. */
  get bursts(): number {
    return this.#bursts;
  }

  zone(zone: number): number[] {
    return this.zoneOf.flatMap((of, node) => of === zone ? [node] : []);
  }

  /** What a steady handshake between two zones takes, without jitter. */
  distanceUs(fromZone: number, toZone: number): number {
    return this.#distances[fromZone][toZone];
  }

  /** What triage is given at the end of a window, of which the last `since` bursts met the trouble. */
  window(trouble: Trouble, since = WHOLE): Matrix {
    this.#weather.next();
    this.#since = since;
    const matrix = new Matrix(arrange(this.nodes, "az"));
    for (const [node, { name }] of this.nodes.entries()) {
      if (trouble.withoutRow?.(node) === true) matrix.miss(matrix.indexOf(name), "timeout");
      else matrix.put(this.row(node, trouble), 0);
    }
    return matrix;
  }

  row(node: number, trouble: Trouble): MeshRow {
    const random = this.#random;
    const [addedP50, addedP99] = trouble.busyUs?.(node) ?? [0, 0];
    const p50Us = Math.round(this.#excess[node][0] * between(random, 0.9, 1.1) + addedP50);
    const p99Us = Math.round(this.#excess[node][1] * between(random, 0.7, 1.5) + addedP99);
    const peers = this.nodes.map((_, to) => to).filter((to) => to !== node);
    const young = this.#weather.restarted === node;
    const labels: Label[] = [...this.nodes[node].labels].filter(([key]) => key !== "az");
    return {
      node: this.nodes[node].name,
      az: this.nodes[node].labels.get("az") ?? "",
      labels,
      wallMs: 1_795_000_000_000 + this.#weather.clockOffMs(node),
      ageMs: 0,
      windowMs: young ? WINDOW_MS / 3 : WINDOW_MS,
      lagP99Us: Math.round(between(random, 1000, 2500) + addedP99),
      connectExcess: { count: 100 * peers.length, p50Us, p99Us: Math.max(p50Us, p99Us) },
      pressure: null,
      peers: peers.map((to) => this.#peer(node, to, trouble, p50Us)),
    };
  }

  #peer(from: number, to: number, trouble: Trouble, excessUs: number): PeerFigures {
    const bursts = this.#weather.restarted === from ? Math.ceil(this.#bursts / 3) : this.#bursts;
    const troubled = Math.min(bursts, this.#since);
    const counts = this.#counts(bursts, troubled, [from, to], trouble);
    const { answered, refused } = counts;
    const cut = trouble.cut?.(from, to) === true;
    const first = Math.min(answered, bursts - (cut ? troubled : 0));
    const coldCount = refused > 0 ? Math.max(0, first - troubled) : first;
    const steady = Math.max(0, answered - refused - first - counts.repeated);
    const share = cut || refused > 0 ? 0 : troubled / bursts;
    const times = this.#times(from, to, trouble, excessUs);
    const { rtt, cold, connect } = times;
    const quantilesOf = (of: Times, count: number) =>
      this.#since === WHOLE
        ? quantiles(this.#random, of[1], count)
        : mixedQuantiles(this.#random, of, count, share);
    return {
      peer: this.nodes[to].name,
      ...counts,
      recent: this.#recent(from, to, trouble, times),
      answeredAgeMs: null,
      establishedAgeMs: null,
      left: false,
      day: null,
      usualUs: this.#dayUs(from, to),
      rtt: quantilesOf(rtt, steady),
      cold: quantilesOf(cold, coldCount),
      connect: quantilesOf(connect, answered),
      icmp: this.#icmp && !cut && refused === 0
        ? this.#icmpFigures(from, to, this.#baseUs(from, to), trouble)
        : null,
    };
  }

  /** What became of a window's probes; a burst ends at the first one that is lost. */
  #counts(
    bursts: number,
    troubled: number,
    [from, to]: readonly [number, number],
    trouble: Trouble,
  ):
    & Pick<
      PeerFigures,
      "sent" | "answered" | "lost" | "refused" | "synRetransmits" | "repeated" | "bursts"
    >
    & { readonly repeated: number; readonly burstsWithDrops: number } {
    const perBurst = 1 + this.#perBurst;
    const cut = trouble.cut?.(from, to) === true;
    const whole = (bursts - (cut ? troubled : 0)) * perBurst;
    const dropped = this.#drops(whole, bursts, troubled, trouble.drop?.(from, to) ?? 0);
    const lost = dropped.lost + (cut ? troubled : 0);
    const sent = whole + (cut ? troubled : 0);
    const answered = sent - lost;
    const refuses = trouble.refuses?.(to) === true ? troubled * perBurst : 0;
    // A node that restarts refuses a burst.
    const restarts = this.#weather.restarted === to ? perBurst : 0;
    return {
      ...dropped,
      sent,
      lost,
      answered,
      refused: Math.min(answered, refuses + restarts),
      repeated: Math.min(dropped.repeated, answered),
      burstsWithDrops: Math.min(bursts, dropped.burstsWithDrops + (cut ? troubled : 0)),
      bursts,
    };
  }

  /** Each without the trouble and with it. */
  #times(
    from: number,
    to: number,
    trouble: Trouble,
    excessUs: number,
  ): Record<"rtt" | "cold" | "connect", Times> {
    const wobbleUs = between(this.#random, 0, 20);
    const healthyUs = this.#baseUs(from, to);
    const both = (of: (baseUs: number, with_: boolean) => Quantile) =>
      [of(healthyUs, false), of(healthyUs + (trouble.addedUs?.(from, to) ?? 0), true)] as const;
    const tailUs = trouble.addedTailUs?.(from, to) ?? 0;
    return {
      rtt: both((baseUs, troubled) => {
        const of = jittered(baseUs + wobbleUs, 30 + 0.02 * baseUs, 0.5);
        return (u) => of(u) + (troubled && u > 0.95 ? tailUs : 0);
      }),
      cold: both((baseUs, troubled) => {
        const addedUs = troubled ? trouble.addedColdUs?.(from, to) ?? 0 : 0;
        return jittered(
          baseUs + wobbleUs + this.#setUpUs + addedUs,
          60 + 0.02 * baseUs,
          0.6,
        );
      }),
      connect: both((baseUs) => jittered(baseUs + excessUs, 100, 0.5)),
    };
  }

  #recent(
    from: number,
    to: number,
    trouble: Trouble,
    { rtt, cold }: Record<"rtt" | "cold", Times>,
  ): RecentFigures {
    const random = this.#random;
    const perBurst = 1 + this.#perBurst;
    const troubled = Math.min(2, this.#since);
    const cut = trouble.cut?.(from, to) === true;
    const refuses = trouble.refuses?.(to) === true;
    const sent = cut ? (2 - troubled) * perBurst + troubled : 2 * perBurst;
    const measured = [0, 1].filter((burst) => burst < 2 - troubled || !cut && !refuses);
    const bursts = measured.map((burst) => {
      const isTroubled = Number(burst >= 2 - troubled);
      const lateUs = random.unit() < LATE_BURSTS ? between(random, 1000, 20_000) : 0;
      const of = (times: Times, count: number) =>
        draws(random, times, count, isTroubled * count).map((us) => us + lateUs);
      return { steady: of(rtt, this.#perBurst), cold: of(cold, 1)[0] };
    });
    const known = (us: number) => Number.isNaN(us) ? null : us;
    return {
      bursts: 2,
      sent,
      answered: cut ? (2 - troubled) * perBurst : sent,
      refused: refuses ? troubled * perBurst : 0,
      p50Us: known(median(bursts.flatMap(({ steady }) => steady))),
      ...(bursts.length < 2 ? {} : { leastColdUs: Math.min(...bursts.map((burst) => burst.cold)) }),
    };
  }

  /** What was usual in the day before; null for a node that has just begun. */
  #dayUs(from: number, to: number): number | null {
    if (!this.#weather.hasDay || this.#weather.restarted === from) return null;
    return Math.round(1.05 * this.#usualUs(from, to) + between(this.#random, 30, 60));
  }

  #icmpFigures(
    from: number,
    to: number,
    baseUs: number,
    trouble: Trouble,
  ): NonNullable<PeerFigures["icmp"]> {
    const icmpUs = baseUs + (trouble.icmpAddedUs?.(from, to) ?? 0);
    const figures = quantiles(this.#random, jittered(icmpUs, 40, 0.5), 30);
    return { sent: 30, lost: 0, p50Us: figures?.p50Us ?? null };
  }

  /**
   * A SYN lost is mostly seen as a retransmit; few probes lose them all. What drops by itself falls into
   * any burst; what a full accept queue drops falls into one, and each SYN of it several times.
   */
  #drops(sent: number, bursts: number, troubled: number, chance: number): Dropped {
    const random = this.#random;
    const single = binomial(random, Math.round(sent * troubled / bursts), chance) +
      binomial(random, sent, this.#background);
    const dropping = new Set(Array.from({ length: single }, () => random.int(1, bursts)));
    const lost = binomial(random, single, 0.1 + chance);
    let repeated = single - lost;
    let synRetransmits = repeated;
    for (let burst = 1; burst <= bursts; burst++) {
      if (random.unit() >= this.#runs) continue;
      const run = random.int(1, this.#perBurst);
      dropping.add(burst);
      repeated += run;
      synRetransmits += run * random.int(1, 3);
    }
    return { lost, synRetransmits, repeated, burstsWithDrops: dropping.size };
  }

  /** As it is in this window. */
  #baseUs(from: number, to: number): number {
    const factor = this.#weather.factor(this.zoneOf[from], this.zoneOf[to]);
    return this.#usualUs(from, to) * factor;
  }

  #usualUs(from: number, to: number): number {
    const near = this.#rackOf[from] === this.#rackOf[to] && this.zoneOf[from] === this.zoneOf[to];
    const distance = this.#distances[this.zoneOf[from]][this.zoneOf[to]] * (near ? 0.7 : 1);
    const [low, high] = [Math.min(from, to), Math.max(from, to)];
    return distance + this.#nodeUs[from] + this.#nodeUs[to] +
      this.#pairUs[low * this.nodes.length + high];
  }
}

/** Zones of one region, of which the last may be in a region far away. */
function distances(random: Random, zones: number, farLast: boolean): number[][] {
  const far = farLast ? zones - 1 : -1;
  const farUs = between(random, 8000, 30_000);
  const table = Array.from({ length: zones }, () => new Array<number>(zones).fill(0));
  for (let a = 0; a < zones; a++) {
    table[a][a] = between(random, 150, 350);
    for (let b = 0; b < a; b++) {
      const near = between(random, 600, 1300);
      table[a][b] = table[b][a] = a === far || b === far ? farUs + near : near;
    }
  }
  return table;
}
