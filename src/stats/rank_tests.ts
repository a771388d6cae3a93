/** Statistics that assume nothing of how delays are distributed: they count. Pure. */

/** The median; NaN of nothing. */
export function medianOf(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * How likely it is that two events of which each is as likely as the other differ in number by this
 * much or more (the sign test, two-sided: Conover, "Practical Nonparametric Statistics", 3.4).
 */
export function unequalChance(one: number, other: number): number {
  const count = one + other;
  let tail = 0;
  let logTerm = -count * Math.LN2;
  for (let i = 0; i <= Math.min(one, other); i++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log((count - i) / (i + 1));
  }
  return Math.min(1, 2 * tail);
}

/** How often something happened, of how many. */
export interface Share {
  readonly count: number;
  readonly of: number;
}

/** A probability is no smaller than another one but for the last digits of its logarithm. */
const ROUNDING = 1e-7;

/**
 * How likely it is that two shares differ by this much or more when what they are shares of is the
 * same (Fisher's exact test, two-sided).
 */
export function sharesDifferChance(one: Share, other: Share): number {
  const happened = one.count + other.count;
  const factorial = logFactorials(one.of + other.of);
  const choose = (of: number, count: number) =>
    factorial[of] - factorial[count] - factorial[of - count];
  const logOf = (count: number) =>
    choose(one.of, count) + choose(other.of, happened - count) -
    choose(one.of + other.of, happened);
  const seen = logOf(one.count);
  let chance = 0;
  const most = Math.min(one.of, happened);
  for (let count = Math.max(0, happened - other.of); count <= most; count++) {
    const log = logOf(count);
    if (log <= seen + ROUNDING) chance += Math.exp(log);
  }
  return Math.min(1, chance);
}

/** The logarithms of 0! to most!. */
function logFactorials(most: number): Float64Array {
  const all = new Float64Array(most + 1);
  for (let n = 1; n <= most; n++) all[n] = all[n - 1] + Math.log(n);
  return all;
}
