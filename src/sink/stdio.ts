/** Standard output for results, standard error for everything else. */
import { SystemError } from "../domain/exit.ts";
import { showable } from "../text/columns.ts";
import { messageOf } from "../text/quote.ts";
import { LineBuffer } from "./line_buffer.ts";

/** What may wait for a slow reader of stdout, in bytes, twice. */
const STDOUT_BUFFER_BYTES = 256 * 1024;

/** Stdout behind two bounded buffers; `onBroken` is told once when nobody reads it any more. */
export function openStdout(onBroken: (error: unknown) => void): LineBuffer {
  return new LineBuffer(STDOUT_BUFFER_BYTES, (bytes) => Deno.stdout.write(bytes), onBroken);
}

/** Whether an error says that the reader has gone away: `| head` has seen enough. */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe;
}

/** Writes a text of any length to stdout and waits for it. A closed pipe is no error. */
export function printText(text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let sent = 0; sent < bytes.length;) sent += Deno.stdout.writeSync(bytes.subarray(sent));
  } catch (error) {
    if (!isBrokenPipe(error)) {
      throw new SystemError(`cannot write to standard output: ${messageOf(error)}`);
    }
  }
}

/** Where notices go instead, while a screen is shown where stderr is. */
let elsewhere: ((text: string) => void) | null = null;

/** Notices go there from now on; null for stderr again. */
export function divertNotices(to: ((text: string) => void) | null): void {
  elsewhere = to;
}

/** A notice: one line on stderr, unless it is diverted. */
export function say(text: string): void {
  if (elsewhere === null) sayOnStderr(text);
  else elsewhere(text);
}

/** One line on stderr, under the tool's name, whatever is in the text. Nobody reading it is no reason to stop. */
export function sayOnStderr(text: string): void {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(`wire-probe: ${showable(text)}\n`));
  } catch {
    // There is no other place left to say it.
  }
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
