/** The colour scale. It is logarithmic, since latencies and losses span decades. */
import { isShare, type Metric, METRICS, valueOf } from "./metric.ts";
import type { PairFigures } from "../../domain/matrix.ts";
import { quantile } from "../../stats/quantile.ts";

/** A scale spans at least this factor, so that the noise of a healthy mesh does not stand out. */
const MIN_SPAN = 10;
/** Pairs outside of these quantiles have the colours at the ends. */
const WITHIN = { low: 0.01, high: 0.999 };
/** Shares have the same scale in every mesh. */
const SHARES = { low: 0.001, high: 1 };

export interface Scale {
  readonly metric: Metric;
  /** µs, or shares; `low` has position 0 (a share: SHARE_FLOOR), `high` 1. */
  readonly low: number;
  readonly high: number;
}

/** For the pairs of this matrix, between round numbers. */
export function scaleFor(matrix: PairFigures, metric: Metric): Scale {
  if (isShare(metric)) return { metric, ...SHARES };
  const values: number[] = [];
  for (let from = 0; from < matrix.size; from++) {
    for (let to = 0; to < matrix.size; to++) {
      const value = valueOf(matrix, metric, from, to);
      if (value > 0) values.push(value);
    }
  }
  if (values.length === 0) return { metric, low: 100, high: 100 * MIN_SPAN };
  const low = roundDown(quantile(values, WITHIN.low));
  const high = roundUp(quantile(values, WITHIN.high));
  return { metric, low, high: Math.max(high, low * MIN_SPAN) };
}

export function scalesFor(matrix: PairFigures): Readonly<Record<Metric, Scale>> {
  const scales = METRICS.map((metric) => [metric, scaleFor(matrix, metric)]);
  return Object.fromEntries(scales) as Record<Metric, Scale>;
}

/** Where the scale of a share begins for what is not zero: one loss must be seen. */
export const SHARE_FLOOR = 0.25;

/** A position from 0 to 1. A share of 0 is at 0, the smallest other share at SHARE_FLOOR. */
export function position({ metric, low, high }: Scale, value: number): number {
  if (isShare(metric) && value === 0) return 0;
  const at = Math.log(Math.max(value, Number.MIN_VALUE) / low) / Math.log(high / low);
  const within = Math.min(1, Math.max(0, at));
  return isShare(metric) ? SHARE_FLOOR + (1 - SHARE_FLOOR) * within : within;
}

/** How many steps a scale has where it cannot be continuous. */
export const LEVELS = 10;

/** The step of a value, 0 to 9. A share of 0 is in step 0, the smallest other share in step 1. */
export function levelOf(scale: Scale, value: number): number {
  if (!isShare(scale.metric)) {
    return Math.min(LEVELS - 1, Math.floor(position(scale, value) * LEVELS));
  }
  if (value === 0) return 0;
  const within = (position(scale, value) - SHARE_FLOOR) / (1 - SHARE_FLOOR);
  return 1 + Math.min(LEVELS - 2, Math.floor(within * (LEVELS - 1)));
}

/** The least value of a step. */
export function levelStart({ metric, low, high }: Scale, level: number): number {
  const at = isShare(metric) ? (level - 1) / (LEVELS - 1) : level / LEVELS;
  return isShare(metric) && level === 0 ? 0 : low * (high / low) ** at;
}

/** Round values within the scale, for its legend: 1, 2 and 5 of each decade, or only 1 when wide. */
export function ticks({ low, high }: Scale): number[] {
  const steps = high / low > 200 ? [1] : [1, 2, 5];
  const found: number[] = [];
  for (let decade = 10 ** Math.floor(Math.log10(low)); decade <= high; decade *= 10) {
    for (const step of steps) {
      const tick = Number((decade * step).toPrecision(6));
      if (tick >= low * 0.999 && tick <= high * 1.001) found.push(tick);
    }
  }
  return found;
}

/** The largest of 1, 2, 5 times a power of ten that is not above. */
function roundDown(value: number): number {
  const decade = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return decade * (value >= 5 * decade ? 5 : value >= 2 * decade ? 2 : 1);
}

function roundUp(value: number): number {
  const decade = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return decade * (value > 5 * decade ? 10 : value > 2 * decade ? 5 : value > decade ? 2 : 1);
}
