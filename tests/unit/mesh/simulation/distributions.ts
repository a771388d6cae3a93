/** Figures of samples that are never drawn one by one: exact order statistics of a distribution. */
import type { Random } from "../../random.ts";

/** A value's distribution by its quantile function, u in 0..1. */
export type Quantile = (u: number) => number;

/** From this share of the samples on, the tail is a power law. */
const TAIL_FROM = 0.98;
const TAIL_POWER = 0.7;

/** A fixed part and a log-normal one with a heavy tail, in µs. */
export function jittered(baseUs: number, jitterUs: number, sigma: number): Quantile {
  return (u) => {
    const tail = u > TAIL_FROM ? ((1 - TAIL_FROM) / (1 - u)) ** TAIL_POWER : 1;
    return baseUs + jitterUs * Math.exp(sigma * normalQuantile(u)) * tail;
  };
}

/**
 * The value that a share q of `count` samples does not exceed, as a histogram gives it: the k-th
 * smallest of n uniform values has the distribution Beta(k, n + 1 - k).
 */
export function sampled(random: Random, of: Quantile, count: number, q: number): number {
  const k = Math.max(1, Math.ceil(q * count));
  const low = gamma(random, k);
  const u = low / (low + gamma(random, count + 1 - k));
  return Math.max(1, Math.round(of(Math.min(u, 1 - 1e-9))));
}

/** A median and a p99 that belong together. */
export function quantiles(
  random: Random,
  of: Quantile,
  count: number,
): { count: number; p50Us: number; p99Us: number } | null {
  if (count === 0) return null;
  const p50Us = sampled(random, of, count, 0.5);
  return { count, p50Us, p99Us: Math.max(p50Us, sampled(random, of, count, 0.99)) };
}

/** Of samples of which the first share is of one distribution, the rest of another: drawn one by one. */
export function mixedQuantiles(
  random: Random,
  [before, after]: readonly [Quantile, Quantile],
  count: number,
  shareAfter: number,
): { count: number; p50Us: number; p99Us: number } | null {
  if (count === 0) return null;
  const drawn = draws(random, [before, after], count, Math.round(count * shareAfter));
  const at = (q: number) => drawn[Math.max(1, Math.ceil(q * count)) - 1];
  return { count, p50Us: at(0.5), p99Us: at(0.99) };
}

/** So many samples, `countAfter` of them of the second distribution, in order. */
export function draws(
  random: Random,
  [before, after]: readonly [Quantile, Quantile],
  count: number,
  countAfter: number,
): number[] {
  return Array.from({ length: count }, (_, i) => {
    const of = i < countAfter ? after : before;
    return Math.max(1, Math.round(of(Math.min(random.unit(), 1 - 1e-9))));
  }).sort((a, b) => a - b);
}

/** How many of n trials of chance p succeed. */
export function binomial(random: Random, n: number, p: number): number {
  let successes = 0;
  for (let i = 0; i < n; i++) if (random.unit() < p) successes++;
  return successes;
}

export function normal(random: Random): number {
  return normalQuantile(Math.min(1 - 1e-12, Math.max(1e-12, random.unit())));
}

export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.unit();
}

/** Gamma(shape, 1) for a shape from 1 on (Marsaglia and Tsang, 2000). */
function gamma(random: Random, shape: number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(random.unit()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** The inverse of the normal distribution, by Acklam's rational approximation (1.15e-9). */
function normalQuantile(u: number): number {
  const p = Math.min(1 - 1e-12, Math.max(1e-12, u));
  if (p > 0.97575) return -normalQuantile(1 - p);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return (((((C[0] * q + C[1]) * q + C[2]) * q + C[3]) * q + C[4]) * q + C[5]) /
      ((((D[0] * q + D[1]) * q + D[2]) * q + D[3]) * q + 1);
  }
  const q = p - 0.5;
  const r = q * q;
  return (((((A[0] * r + A[1]) * r + A[2]) * r + A[3]) * r + A[4]) * r + A[5]) * q /
    (((((B[0] * r + B[1]) * r + B[2]) * r + B[3]) * r + B[4]) * r + 1);
}

const A = [
  -3.969683028665376e1,
  2.209460984245205e2,
  -2.759285104469687e2,
  1.383577518672690e2,
  -3.066479806614716e1,
  2.506628277459239,
];
const B = [
  -5.447609879822406e1,
  1.615858368580409e2,
  -1.556989798598866e2,
  6.680131188771972e1,
  -1.328068155288572e1,
];
const C = [
  -7.784894002430293e-3,
  -3.223964580411365e-1,
  -2.400758277161838,
  -2.549732539343734,
  4.374664141464968,
  2.938163982698783,
];
const D = [
  7.784695709041462e-3,
  3.224671290700398e-1,
  2.445134137142996,
  3.754408661907416,
];
