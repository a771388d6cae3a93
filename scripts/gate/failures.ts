/**
 * The report on failed tests at the very end of the gate's output, where a log that was cut still
 * has it.
 */

/** A test that failed. */
export interface Failure {
  /** The test's name, or the suite's where a command is the test. */
  readonly name: string;
  /** The file, and the line where one is known; empty for a command. */
  readonly place: string;
  readonly error: string;
}

/** The most lines of one error that are shown. */
const MAX_LINES = 12;
/** All blocks together stay below what CI shows of a log; each keeps so many lines. */
const MAX_ALL_LINES = 60;
const MIN_LINES = 2;
const MAX_COLUMNS = 300;
/** Colours (ECMA-48, 8.3.117), which tests print into their errors. */
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, "g");
/** Where a test's own file is in a stack; a helper may have registered the test. */
const OWN_LINE = /\btests\/\S+_test\.ts:\d+/;

/** One short block for each of them: its name, its place, the first lines of its error. */
export function blocks(failures: readonly Failure[]): string[] {
  // A block begins with its name, and has room for that much of its error.
  const room = Math.floor(MAX_ALL_LINES / Math.max(1, failures.length)) - 1;
  const most = Math.min(MAX_LINES, Math.max(MIN_LINES, room));
  return failures.flatMap(({ name, place, error }) => [
    `failed: ${name}${place === "" ? "" : ` (${OWN_LINE.exec(error)?.[0] ?? place})`}`,
    ...meaningful(error).slice(0, most).map((line) => `  ${line.slice(0, MAX_COLUMNS)}`),
  ]);
}

/** A command's failure: what it said last. */
export function commandFailure(name: string, output: string): Failure {
  return { name, place: "", error: meaningful(output).slice(-MAX_LINES).join("\n") };
}

/** The lines without empty ones and without frames of a library. */
function meaningful(text: string): string[] {
  return text.replaceAll(COLOURS, "").split("\n")
    .filter((line) => line.trim() !== "" && !/^ *at .*\b(https?|ext|jsr):/.test(line));
}
