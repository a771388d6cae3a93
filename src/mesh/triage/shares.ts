/**
 * What share of each node's pairs and of each block's pairs something is true of. While a fault begins or
 * ends, each pair tells it at its own next burst: where nearly all pairs of a node or a block begin to tell
 * the same, none of them is a fault of its own.
 */
import type { Steps } from "../../time/slices.ts";
import type { Direction } from "../../domain/finding.ts";
import type { MeshView } from "./mesh_view.ts";

/** A node is named when something is true of this share of its pairs. */
export const NODE_SHARE = 0.8;
/** And a block of two zones with this share of its pairs. */
export const BLOCK_SHARE = 0.95;
export const MIN_BLOCK_PAIRS = 2;

/** A figure of each pair as yes or no. */
export type PairTest = (from: number, to: number) => boolean;

/** Of how many pairs, and of how many of them it is true. */
interface Share {
  pairs: number;
  true: number;
}

export class Shares {
  #rows: readonly Share[];
  #columns: readonly Share[];
  /** By zones, row by row. */
  #blocks: readonly Share[];
  #view: MeshView;

  private constructor(view: MeshView) {
    const table = (size: number): Share[] =>
      Array.from({ length: size }, () => ({ pairs: 0, true: 0 }));
    this.#view = view;
    this.#rows = table(view.size);
    this.#columns = table(view.size);
    this.#blocks = table(view.zones.length ** 2);
  }

  /** Of all pairs that are measured. */
  static *steps(view: MeshView, test: PairTest): Steps<Shares> {
    const shares = new Shares(view);
    for (const from of view.all()) {
      yield;
      for (const to of view.all()) {
        if (view.state(from, to) !== "unmeasured") shares.#add(from, to, test(from, to));
      }
    }
    return shares;
  }

  #add(from: number, to: number, isTrue: boolean): void {
    for (
      const share of [this.#rows[from], this.#columns[to], this.#blocks[this.#blockOf(from, to)]]
    ) {
      share.pairs++;
      if (isTrue) share.true++;
    }
  }

  /** Whether it is true of nearly all pairs from a node. */
  from(node: number): boolean {
    return isMost(this.#rows[node], NODE_SHARE);
  }

  /** Whether it is true of nearly all pairs to a node. */
  to(node: number): boolean {
    return isMost(this.#columns[node], NODE_SHARE);
  }

  /**
   * Whether it is true of nearly all pairs of a node, or of the block, that a pair is one of, and of one of
   * those what `others` count. Where it is true of both ways of a node, these are one.
   */
  around(from: number, to: number, others: Shares): boolean {
    const block = this.#blockOf(from, to);
    const isAnyFrom = (node: number) => others.#rows[node].true > 0;
    const isAnyTo = (node: number) => others.#columns[node].true > 0;
    return this.from(from) && (isAnyFrom(from) || this.to(from) && isAnyTo(from)) ||
      this.to(to) && (isAnyTo(to) || this.from(to) && isAnyFrom(to)) ||
      isMost(this.#blocks[block], BLOCK_SHARE) && others.#blocks[block].true > 0;
  }

  #blockOf(from: number, to: number): number {
    return this.#view.zoneOf[from] * this.#view.zones.length + this.#view.zoneOf[to];
  }
}

function isMost(share: Share, least: number): boolean {
  return share.pairs >= MIN_BLOCK_PAIRS && share.true >= least * share.pairs;
}

/** Two nodes between which something is true, one way or both. */
export interface NodePair {
  readonly from: number;
  readonly to: number;
  readonly direction: Direction;
  readonly regions: readonly { readonly from: [number]; readonly to: [number] }[];
}

/** The pairs of which it is true; those of both directions once. */
export function pairsOf(view: MeshView, test: PairTest): NodePair[] {
  return view.all().flatMap((from) =>
    view.all().filter((to) => test(from, to)).flatMap((to): NodePair[] => {
      const isBoth = test(to, from);
      if (isBoth && to < from) return [];
      const ways: [number, number][] = isBoth ? [[from, to], [to, from]] : [[from, to]];
      const regions = ways.map(([a, b]): NodePair["regions"][number] => ({ from: [a], to: [b] }));
      return [{ from, to, direction: isBoth ? "both" : "from", regions }];
    })
  );
}
