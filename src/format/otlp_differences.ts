/**
 * What a receiver of OTLP was told last of each point, for those that want differences instead of sums
 * since the start (aggregation temporality "delta"). A request that did not arrive is made good by the
 * next one, whose span is longer.
 */
import type { WallTime } from "../time/wall_anchor.ts";

/**
 * Which counters and histograms are sent as differences (OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE):
 * none, all, or with `lowmemory` those that this process counts itself, not those that it reads.
 */
export const TEMPORALITIES = ["cumulative", "delta", "lowmemory"] as const;
export type Temporality = typeof TEMPORALITIES[number];

/** A point's sums, and up to when they are counted. */
interface Told {
  readonly sums: readonly number[];
  readonly at: WallTime;
}

/** What a point says: the span's begin, and what came in it. */
export interface Span {
  readonly start: WallTime;
  readonly sums: readonly number[];
}

export class OtlpDifferences {
  /** By the object that a point belongs to, then by the point's name. */
  #told = new WeakMap<object, Map<string, Told>>();
  /** The points of the current request. */
  #request = new Map<object, Map<string, Told>>();

  /** A request begins. */
  begin(): void {
    this.#request.clear();
  }

  /** The growth of `sums`, counted since `start`, since the receiver was told of them last. */
  since(
    owner: object,
    name: string,
    start: WallTime,
    sums: readonly number[],
    at: WallTime,
  ): Span {
    let points = this.#request.get(owner);
    if (points === undefined) this.#request.set(owner, points = new Map());
    points.set(name, { sums, at });
    const told = this.#told.get(owner)?.get(name);
    // A count that began again since then includes nothing of the old one.
    if (told === undefined || isLater(start, told.at)) return { start, sums };
    return { start: told.at, sums: sums.map((sum, i) => sum - told.sums[i]) };
  }

  /** The receiver has the request. Points that were not in it are forgotten with their owner's others. */
  arrived(): void {
    for (const [owner, points] of this.#request) this.#told.set(owner, points);
    this.#request.clear();
  }
}

function isLater(a: WallTime, b: WallTime): boolean {
  return a.wallSeconds > b.wallSeconds ||
    (a.wallSeconds === b.wallSeconds && a.wallNanos > b.wallNanos);
}
