/** What became of a suite's tests, and how results add up. */

export interface Result {
  readonly passed: number;
  readonly failed: number;
  /** The tests that were not run, by name; a name says why. */
  readonly skipped: readonly string[];
  /** What there is to read when something failed. */
  readonly output: string;
}

/** One test's result: a command that succeeded or not. */
export function single(success: boolean, output: string): Result {
  return { passed: success ? 1 : 0, failed: success ? 0 : 1, skipped: [], output };
}

/** Several parts of a suite as one; what passed has nothing to be read. */
export function together(results: readonly Result[]): Result {
  return {
    passed: results.reduce((sum, { passed }) => sum + passed, 0),
    failed: results.reduce((sum, { failed }) => sum + failed, 0),
    skipped: results.flatMap(({ skipped }) => skipped),
    output: results.filter(({ failed }) => failed > 0).map(({ output }) => output).join(""),
  };
}

/** Where nothing may be skipped, each skipped test has failed. */
export function withoutSkips({ passed, failed, skipped, output }: Result): Result {
  const names = skipped.map((name) => `skipped, which is not allowed here: ${name}\n`);
  return { passed, failed: failed + skipped.length, skipped: [], output: names.join("") + output };
}

/** `12 passed, 1 failed`, and `, 2 skipped` where some were. */
export function counts(results: readonly Result[]): string {
  const sum = (of: (result: Result) => number) => results.reduce((n, result) => n + of(result), 0);
  const skipped = sum((result) => result.skipped.length);
  return `${sum((result) => result.passed)} passed, ${sum((result) => result.failed)} failed` +
    (skipped > 0 ? `, ${skipped} skipped` : "");
}
