/** Quantiles of a few numbers. */

/** The lower median: of the middle two values the smaller one. NaN without values. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The smallest value with at least a share q (0..1) of the values at or below it. NaN without values. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length, Math.max(1, Math.ceil(q * sorted.length))) - 1];
}

/** The median absolute deviation, scaled to the standard deviation of a normal distribution. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  return 1.4826 * median(values.map((value) => Math.abs(value - middle)));
}
