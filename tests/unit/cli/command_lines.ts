/** Command lines with what they mean, and with why they are refused. */
import { assertEquals, assertThrows } from "@std/assert";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import { UsageError } from "../../../src/domain/exit.ts";
import type { ExportOptions } from "../../../src/run/options.ts";
import { MANY_BOUNDS_US } from "../../../src/stats/buckets.ts";

/** What a command line without any export option means. */
export const NO_EXPORTS: ExportOptions = {
  targets: [],
  collectdTypes: "latency",
  windowMs: null,
  perProbe: true,
  boundsUs: MANY_BOUNDS_US,
  hostTag: true,
  http: { names: [], tokenFile: null },
};

/** Holds the options of each command line against the defaults with these changes. */
export function assertOptions<T extends object>(
  name: string,
  defaults: T,
  given: readonly (readonly [argv: string, change: Partial<T>])[],
): void {
  for (const [argv, change] of given) {
    const options = { ...defaults, ...change };
    assertEquals<unknown>(parseCommandLine(argv.split(" "), "1"), { name, options }, argv);
  }
}

/** Each command line is refused with this message. */
export function assertRefused(
  refused: readonly (readonly [argv: string, message: string])[],
): void {
  for (const [argv, message] of refused) {
    const error = assertThrows(() => parseCommandLine(argv.split(" "), "1"), UsageError);
    assertEquals(error.message, message, argv);
  }
}
