/** What is known of this process's streams, and their bare writes. */
import type { WriteSome } from "./stream_output.ts";

/** Writes some bytes to a stream of this process; resolves with how many, perhaps never. */
export const writeStdout: WriteSome = (bytes) => Deno.stdout.write(bytes);
export const writeStderr: WriteSome = (bytes) => Deno.stderr.write(bytes);

/** Ends this process at once, whatever is being written. */
export function endProcess(code: number): void {
  Deno.exit(code);
}

/** Whether an error says that the reader has gone away, as `| head` does. */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe;
}

/** Whether results go to a terminal that may be coloured. */
export function stdoutWantsColour(): boolean {
  return Deno.stdout.isTerminal() && !Deno.noColor;
}

/** Whether results go to a terminal. */
export function stdoutIsTerminal(): boolean {
  return Deno.stdout.isTerminal();
}

/** Whether notices would land on a terminal. */
export function stderrIsTerminal(): boolean {
  return Deno.stderr.isTerminal();
}

/** The columns of a line of text for people, unless the terminal tells its own. */
const TEXT_COLUMNS = 80;

/** Columns that a summary or a report may take. */
export function summaryColumns(): number {
  try {
    const columns = stdoutIsTerminal() ? Deno.consoleSize().columns : 0;
    return columns > 0 ? columns : TEXT_COLUMNS;
  } catch {
    return TEXT_COLUMNS;
  }
}

/** The columns for a reader that is no terminal. */
const DEFAULT_COLUMNS = 100;

/** The terminal's columns, or a usual width where stdout is none. */
export function stdoutColumns(): number {
  try {
    const columns = stdoutIsTerminal() ? Deno.consoleSize().columns : 0;
    return columns > 0 ? Math.max(20, columns) : DEFAULT_COLUMNS;
  } catch {
    return DEFAULT_COLUMNS;
  }
}
