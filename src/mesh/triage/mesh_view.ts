/** A matrix as triage sees it: which cells count, which zones there are, who is beyond reach. */
import {
  type Figure,
  type Matrix,
  MAX_WEIGHT,
  type PairState,
  RECENT_BURSTS,
} from "../../domain/matrix.ts";
import { median } from "../../stats/quantile.ts";

/** Fewer samples say little about a pair. */
const MIN_SAMPLES = 10;
const MIN_COLD_SAMPLES = 3;
const MIN_SENT = 5;

/** The label that tells how far nodes are apart. */
const ZONE_KEY = "az";

export class MeshView {
  readonly matrix: Matrix;
  readonly size: number;
  readonly zoneKey: string;
  /** Each zone's value and its nodes. */
  readonly zones: readonly { readonly name: string; readonly nodes: readonly number[] }[];
  readonly zoneOf: readonly number[];
  /** Nodes that nothing is said of any more: they are beyond reach. */
  readonly gone = new Set<number>();
  /** The most probes that a pair counts for. */
  #mostSent: number;

  constructor(matrix: Matrix) {
    this.matrix = matrix;
    this.size = matrix.size;
    this.#mostSent = MAX_WEIGHT * median(sentOf(matrix));
    const values = (key: string) => matrix.nodes.map(({ labels }) => labels.get(key) ?? "");
    // Zones where there are any, else the groups as they are drawn.
    this.zoneKey = new Set(values(ZONE_KEY)).size > 1 ? ZONE_KEY : matrix.key;
    const zoned = values(this.zoneKey);
    const names = [...new Set(zoned)];
    this.zones = names.map((name) => ({
      name,
      nodes: zoned.flatMap((value, i) => value === name ? [i] : []),
    }));
    this.zoneOf = zoned.map((name) => names.indexOf(name));
  }

  /** Whether there is a row whose figures are of the last window. */
  fresh(node: number): boolean {
    return this.matrix.row(node).kind === "fresh";
  }

  /** Whether a pair was probed often enough to be judged, between nodes that are there. */
  probed(from: number, to: number): boolean {
    return this.present(from, to) && this.matrix.figure("sent", from, to) >= MIN_SENT;
  }

  /** How a pair is now; "unmeasured" where there is too little to judge. */
  state(from: number, to: number): PairState {
    const enough = this.matrix.figure("recentBursts", from, to) >= RECENT_BURSTS;
    return this.present(from, to) && (enough || this.probed(from, to))
      ? this.matrix.state(from, to)
      : "unmeasured";
  }

  /** A count of a pair's window, within the bound on a pair's weight; 0 where it is not known. */
  count(figure: Figure, from: number, to: number): number {
    const share = Math.min(1, this.#mostSent / this.matrix.figure("sent", from, to));
    const count = this.matrix.figure(figure, from, to);
    return Number.isNaN(count) ? 0 : share === 1 ? count : Math.round(count * share);
  }

  /** Whether both nodes are there, and the row that speaks of the pair. */
  present(from: number, to: number): boolean {
    return from !== to && this.fresh(from) && !this.gone.has(from) && !this.gone.has(to);
  }

  /** Steady RTT in µs; NaN where there are too few samples. */
  steady(from: number, to: number, figure: "rttP50" | "rttP99" = "rttP50"): number {
    if (!this.probed(from, to)) return NaN;
    const enough = this.matrix.figure("rttCount", from, to) >= MIN_SAMPLES;
    return enough ? this.matrix.figure(figure, from, to) : NaN;
  }

  /** How much longer a cold handshake takes than a steady one, in µs. */
  coldExcess(from: number, to: number): number {
    const enough = this.matrix.figure("coldCount", from, to) >= MIN_COLD_SAMPLES;
    return enough ? this.matrix.figure("coldP50", from, to) - this.steady(from, to) : NaN;
  }

  name(node: number): string {
    return this.matrix.nodes[node].name;
  }

  names(nodes: readonly number[]): string[] {
    return nodes.map((node) => this.name(node));
  }

  /** `az=b`. */
  zoneText(zone: number): string {
    const { name } = this.zones[zone];
    return `${this.zoneKey}=${name === "" ? "(none)" : name}`;
  }

  /** All nodes' indexes. */
  all(): number[] {
    return Array.from({ length: this.size }, (_, i) => i);
  }
}

/** How often each pair was probed that was. */
function sentOf(matrix: Matrix): number[] {
  const counts: number[] = [];
  for (let from = 0; from < matrix.size; from++) {
    for (let to = 0; to < matrix.size; to++) {
      const sent = matrix.figure("sent", from, to);
      if (sent > 0) counts.push(sent);
    }
  }
  return counts;
}

/** A figure of each pair, NaN for none. */
export type PairFigure = (from: number, to: number) => number;

/** The medians of each node's row and column of a figure, NaN for one of less than `least` pairs. */
export interface NodeMedians {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

export function nodeMedians(view: MeshView, figure: PairFigure, least: number): NodeMedians {
  const nodes = view.all();
  const of = (values: readonly number[]) => {
    const known = values.filter((value) => !Number.isNaN(value));
    return known.length < least ? NaN : median(known);
  };
  return {
    rows: nodes.map((from) => of(nodes.map((to) => figure(from, to)))),
    columns: nodes.map((to) => of(nodes.map((from) => figure(from, to)))),
  };
}
