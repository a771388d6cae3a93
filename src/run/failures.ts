/** The `FAIL name: reasons` lines that a run ends with on stderr: why its exit code is not 0. */
import { showable } from "../text/columns.ts";

/** How many failing targets have a line each. Of the others only the number is printed. */
export const MAX_FAILURES = 10;

export class Failures {
  /** How many have failed. */
  count = 0;
  #lines: string[] = [];

  /** Notes that something has failed; without a reason it has not. */
  note(name: string, reasons: readonly string[]): void {
    if (reasons.length === 0) return;
    this.count++;
    if (this.count > MAX_FAILURES) return;
    this.#lines.push(`FAIL ${showable(name)}: ${reasons.map(showable).join("; ")}`);
  }

  /** A line for each, and the number of those beyond MAX_FAILURES, which are `what`. */
  lines(what = "targets"): readonly string[] {
    const more = this.count - MAX_FAILURES;
    return more > 0 ? [...this.#lines, `FAIL and ${more} more ${what}`] : this.#lines;
  }
}
