/**
 * What is known of a path from round to round, and whether a round has shown another one. The path
 * of a flow is the router that answered at each hop, up to the target. Silence is no change: a
 * silent hop keeps its router. A hop that answers for the first time completes the path.
 */
import type { PathChange, RoundProbe } from "../domain/path.ts";
import { hashText } from "../text/hash.ts";

/** Routers kept of a hop whose probes are flows of their own. */
const MAX_ROUTERS = 16;

/** A flow's path. */
interface FlowPath {
  readonly routers: Map<number, ReadonlySet<string>>;
  /** How far it is to the target; null where that is not known. */
  end: number | null;
}

/** A round, as far as the path is concerned. */
export interface RoundSeen {
  readonly probes: readonly RoundProbe[];
  /** By flow, how far it is to the target after this round; flows that have no end are not in it. */
  readonly ends: ReadonlyMap<number, number>;
}

export class KnownPath {
  /** Changes since the first round; those that one round shows are one. */
  changes = 0;
  #flows = new Map<number, FlowPath>();
  #isFixed: boolean;

  /**
   * `isFixed`: whether the probes of a flow are one flow to the routers. Where each is a flow of its
   * own, a hop has as many routers as there are equal paths.
   */
  constructor(isFixed: boolean) {
    this.#isFixed = isFixed;
  }

  /** The nearest change, or null. */
  add({ probes, ends }: RoundSeen): PathChange | null {
    const seen = byFlow(probes, ends);
    let first: PathChange | null = null;
    for (const [flow, now] of seen) {
      const before = this.#flows.get(flow);
      const change = before === undefined ? null : changeOf(before, now);
      if (change !== null && (first === null || change.hops < first.hops)) first = change;
      this.#flows.set(flow, before === undefined ? now : this.#merged(before, now, change));
    }
    if (first !== null) this.changes++;
    return first;
  }

  /** The same for the same routers, wherever and whenever it is made. */
  hash(): string {
    const flows = [...this.#flows].toSorted(([a], [b]) => a - b);
    const parts = flows.flatMap(([flow, { routers, end }]) => [
      ...[...routers].toSorted(([a], [b]) => a - b)
        .map(([hops, at]) => `${flow} ${hops} ${[...at].toSorted().join(" ")}`),
      `${flow} ${end ?? "no end"}`,
    ]);
    return hashText(parts.join("\n"));
  }

  /**
   * Known hops that are not contradicted stay. Behind a change, only this round's answers count.
   */
  #merged(before: FlowPath, now: FlowPath, change: PathChange | null): FlowPath {
    const end = now.end ?? before.end;
    const routers = new Map<number, ReadonlySet<string>>();
    for (const [hops, at] of before.routers) {
      if (hops < (change?.hops ?? Infinity) && hops <= (end ?? Infinity)) routers.set(hops, at);
    }
    for (const [hops, at] of now.routers) {
      const earlier = this.#isFixed ? undefined : routers.get(hops);
      routers.set(hops, earlier === undefined ? at : union(earlier, at));
    }
    return { routers, end };
  }
}

/** Only routers and the target count: a refusal on the way says nothing about the path. */
function byFlow(
  probes: readonly RoundProbe[],
  ends: ReadonlyMap<number, number>,
): Map<number, FlowPath> {
  const flows = new Map<number, FlowPath>();
  for (const { hops, flow, address, kind } of probes) {
    if (address === null || kind !== "router" && kind !== "end") continue;
    const end = ends.get(flow) ?? null;
    // The target also answers probes with more hops than it is away; these are no hops.
    if (end !== null && hops > end) continue;
    const path = flows.get(flow) ?? { routers: new Map(), end };
    const at = path.routers.get(hops);
    path.routers.set(hops, at === undefined ? new Set([address]) : union(at, new Set([address])));
    flows.set(flow, path);
  }
  return flows;
}

/**
 * The nearest hop at which another router answers than before, or where the target is no longer.
 */
function changeOf(before: FlowPath, now: FlowPath): PathChange | null {
  const hops = [...now.routers.keys()].toSorted((a, b) => a - b).find((at) => {
    const known = before.routers.get(at);
    return known !== undefined && known.isDisjointFrom(now.routers.get(at) ?? new Set());
  });
  const ends = [before.end, now.end].filter((end) => end !== null);
  const moved = ends.length === 2 && before.end !== now.end;
  const nearest = Math.min(hops ?? Infinity, ...(moved ? ends : []));
  if (nearest === Infinity) return null;
  const at = (path: FlowPath) => [...path.routers.get(nearest) ?? []];
  return { hops: nearest, before: at(before), now: at(now) };
}

function union(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...a, ...b].slice(-MAX_ROUTERS));
}
