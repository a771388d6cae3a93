/** What became of a suite's tests, and how results add up. */
import { commandFailure, type Failure } from "./failures.ts";

export interface Result {
  readonly passed: number;
  readonly failures: readonly Failure[];
  /** The tests that were not run, by name; a name says why. */
  readonly skipped: readonly string[];
  /** The output to read when something failed. */
  readonly output: string;
}

/** One test's result: a command that succeeded or not. */
export function single(name: string, success: boolean, output: string): Result {
  const failures = success ? [] : [commandFailure(name, output)];
  return { passed: success ? 1 : 0, failures, skipped: [], output };
}

/** Several parts of a suite as one; what passed has nothing to be read. */
export function together(results: readonly Result[]): Result {
  return {
    passed: results.reduce((sum, { passed }) => sum + passed, 0),
    failures: results.flatMap(({ failures }) => failures),
    skipped: results.flatMap(({ skipped }) => skipped),
    output: results.filter(({ failures }) => failures.length > 0)
      .map(({ output }) => output).join(""),
  };
}

/** Where nothing may be skipped, each skipped test has failed. */
export function withoutSkips({ passed, failures, skipped, output }: Result): Result {
  const names = skipped.map((name) => `skipped, which is not allowed here: ${name}\n`);
  const more = skipped.map((name) => ({ name, place: "", error: "skipped, which is not allowed" }));
  return {
    passed,
    failures: [...failures, ...more],
    skipped: [],
    output: names.join("") + output,
  };
}

/** `12 passed, 1 failed`, and `, 2 skipped` where some were. */
export function counts(results: readonly Result[]): string {
  const sum = (of: (result: Result) => number) => results.reduce((n, result) => n + of(result), 0);
  const skipped = sum((result) => result.skipped.length);
  const failed = sum((result) => result.failures.length);
  return `${sum((result) => result.passed)} passed, ${failed} failed` +
    (skipped > 0 ? `, ${skipped} skipped` : "");
}
