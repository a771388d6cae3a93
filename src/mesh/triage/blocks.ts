/** Blocks of the matrix: all pairs from the nodes of one zone to those of another. */
import type { Steps } from "../../time/slices.ts";
import { median } from "../../stats/quantile.ts";
import type { Direction, Region } from "../../domain/finding.ts";
import type { MeshView, PairFigure } from "./mesh_view.ts";

/** The medians of a figure over the blocks of two zones, by direction. */
export class Blocks {
  #medians: readonly number[];
  #zones: number;
  #zoneOf: readonly number[];

  private constructor(view: MeshView, medians: readonly number[]) {
    this.#zones = view.zones.length;
    this.#zoneOf = view.zoneOf;
    this.#medians = medians;
  }

  /** Of the pairs between nodes that are not left out. */
  static *steps(
    view: MeshView,
    figure: PairFigure,
    leftOut: (node: number) => boolean = () => false,
  ): Steps<Blocks> {
    const medians: number[] = [];
    for (const from of view.zones) {
      for (const to of view.zones) {
        const values: number[] = [];
        for (const i of from.nodes) {
          yield;
          for (const j of to.nodes) {
            const value = leftOut(i) || leftOut(j) ? NaN : figure(i, j);
            if (!Number.isNaN(value)) values.push(value);
          }
        }
        medians.push(values.length < 2 ? NaN : median(values));
      }
    }
    return new Blocks(view, medians);
  }

  /** Of the zones' block; NaN where there are less than two pairs. */
  of(fromZone: number, toZone: number): number {
    return this.#medians[fromZone * this.#zones + toZone];
  }

  /** What is usual for a pair. */
  usual(from: number, to: number): number {
    return this.of(this.#zoneOf[from], this.#zoneOf[to]);
  }

  all(): number[] {
    return this.#medians.filter((value) => !Number.isNaN(value));
  }
}

export interface BlockDirection {
  readonly from: number;
  readonly to: number;
  readonly direction: Direction;
  readonly weight: number;
}

/** Blocks of two zones for which `measure` is above 0, with the two directions of a pair of zones as one. */
export function blockDirections(
  view: MeshView,
  measure: (fromZone: number, toZone: number) => number,
): BlockDirection[] {
  const found: BlockDirection[] = [];
  for (let from = 0; from < view.zones.length; from++) {
    for (let to = from; to < view.zones.length; to++) {
      const [there, back] = [measure(from, to), measure(to, from)];
      if (from === to || (there > 0 && back > 0)) {
        const weight = from === to ? there : there + back;
        if (weight > 0) found.push({ from, to, direction: "both", weight });
      } else if (there > 0) found.push({ from, to, direction: "from", weight: there });
      else if (back > 0) found.push({ from: to, to: from, direction: "from", weight: back });
    }
  }
  return found;
}

export function blockRegions(
  view: MeshView,
  { from, to, direction }: BlockDirection,
): Region[] {
  const there: Region = { from: view.zones[from].nodes, to: view.zones[to].nodes };
  const back: Region = { from: there.to, to: there.from };
  return direction === "both" && from !== to ? [there, back] : [there];
}

/** `within az=a`, `between az=a and az=b`, `from az=a to az=b`. */
export function blockText(view: MeshView, { from, to, direction }: BlockDirection): string {
  const [a, b] = [view.zoneText(from), view.zoneText(to)];
  if (from === to) return `within ${a}`;
  return direction === "both" ? `between ${a} and ${b}` : `from ${a} to ${b}`;
}

/** Who a finding about a block is about. */
export function blockParties(
  view: MeshView,
  { from, to }: BlockDirection,
): { readonly nodes: number[]; readonly groups: string[] } {
  const zones = from === to ? [from] : [from, to];
  return {
    nodes: zones.flatMap((zone) => view.zones[zone].nodes),
    groups: zones.map((zone) => view.zoneText(zone)),
  };
}

/** Says that the nodes of a block are not down themselves, where there are others: `, while both accept others`. */
export function whileText(
  view: MeshView,
  { from, to }: Pick<BlockDirection, "from" | "to">,
  verb: "accept" | "answer",
): string {
  if (from !== to) return `, while both ${verb} others`;
  return view.zones.length === 1 ? "" : `, while it ${verb}s others`;
}
