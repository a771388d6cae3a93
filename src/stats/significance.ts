/** Tests of significance on counts. They assume nothing about the distribution of delays. Pure. */
import type { Share } from "../domain/summary.ts";

/** P(X ≥ k) for X of n trials with probability p each; exact, for 0 < p < 1. */
export function upperTail(k: number, n: number, p: number): number {
  if (k <= 0) return 1;
  if (k > n) return 0;
  // Below the mean the terms grow. The chance is then near 1, and its exact value does not matter.
  if (k <= n * p) return 1;
  const odds = p / (1 - p);
  let term = Math.exp(
    logChoose(n, k) +
      k * Math.log(p) + (n - k) * Math.log1p(-p),
  );
  let sum = 0;
  for (let i = k; i <= n && term > sum * 1e-12; i++) {
    sum += term;
    term *= odds * (n - i) / (i + 1);
  }
  return Math.min(1, sum);
}

/** The logarithm of how many ways there are to choose k of n. */
function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

/** ln n!, by Stirling's series from 16 on (off by less than 1e-10). */
function logFactorial(n: number): number {
  if (n < 16) {
    let product = 1;
    for (let i = 2; i <= n; i++) product *= i;
    return Math.log(product);
  }
  return n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + 1 / (12 * n) - 1 / (360 * n ** 3);
}

/**
 * The chance that two equally likely events differ in number by this much or more (the sign test,
 * two-sided: Conover, "Practical Nonparametric Statistics", 3.4).
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

/** Probabilities whose logarithms differ by less than this are equal. */
const ROUNDING = 1e-7;

/**
 * The chance that two shares of the same probability differ by this much or more (Fisher's exact
 * test, two-sided).
 */
export function sharesDifferChance(one: Share, other: Share): number {
  const happened = one.count + other.count;
  const logOf = (count: number) =>
    logChoose(one.of, count) + logChoose(other.of, happened - count) -
    logChoose(one.of + other.of, happened);
  const seen = logOf(one.count);
  let chance = 0;
  const most = Math.min(one.of, happened);
  for (let count = Math.max(0, happened - other.of); count <= most; count++) {
    const log = logOf(count);
    if (log <= seen + ROUNDING) chance += Math.exp(log);
  }
  return Math.min(1, chance);
}

/** P(X ≤ k) for X of n trials with probability p each; exact, for 0 < p < 1. */
export function lowerTail(k: number, n: number, p: number): number {
  return upperTail(n - k, n, 1 - p);
}

/** Halvings of an interval within 0..1: to a part in a million. */
const HALVINGS = 20;

/**
 * Between which probabilities a share lies: each of the two is wrong with a chance of at most
 * `chance` (Clopper and Pearson, Biometrika 26, 1934). Nothing counted: 0 to 1.
 */
export function shareBounds({ count, of }: Share, chance: number): readonly [number, number] {
  if (of === 0) return [0, 1];
  const least = count === 0 ? 0 : boundary((p) => upperTail(count, of, p) < chance);
  const most = count === of ? 1 : boundary((p) => lowerTail(count, of, p) >= chance);
  return [least, most];
}

/** The probability up to which something holds that holds at 0 and not at 1. */
function boundary(holds: (p: number) => boolean): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
