/** How wide a line of standard output may be. */

/** What a reader that is no terminal gets. */
const DEFAULT_COLUMNS = 100;

/** The terminal's columns, or a usual width where stdout is none. */
export function stdoutColumns(): number {
  try {
    return Deno.stdout.isTerminal() ? Math.max(20, Deno.consoleSize().columns) : DEFAULT_COLUMNS;
  } catch {
    return DEFAULT_COLUMNS;
  }
}
