/** How surprising a number of losses is. */

/** P(X ≥ k) for X of n trials with probability p each; exact, for 0 < p < 1. */
export function upperTail(k: number, n: number, p: number): number {
  if (k <= 0) return 1;
  if (k > n) return 0;
  // Below the mean the terms grow; the answer is then no surprise, and nobody needs it exactly.
  if (k <= n * p) return 1;
  const odds = p / (1 - p);
  let term = Math.exp(
    logFactorial(n) - logFactorial(k) - logFactorial(n - k) +
      k * Math.log(p) + (n - k) * Math.log1p(-p),
  );
  let sum = 0;
  for (let i = k; i <= n && term > sum * 1e-12; i++) {
    sum += term;
    term *= odds * (n - i) / (i + 1);
  }
  return Math.min(1, sum);
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
