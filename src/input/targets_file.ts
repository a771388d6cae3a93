/** Reads a file of targets, at start and again when asked. */
import { SystemError } from "../domain/exit.ts";
import type { Target } from "../domain/target.ts";
import { readInputFile } from "./file.ts";
import { systemClock } from "../time/clock.ts";
import { inSlices } from "../time/slices.ts";
import { type TargetDefaults, targetSteps } from "./target_text.ts";

/** A larger file is a mistake. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Throws SystemError when it cannot be read, UsageError with file and line for a bad line. */
export async function loadTargets(
  path: string,
  defaults: TargetDefaults,
  lines: number[] = [],
): Promise<Target[]> {
  if (path !== STDIN) return await parsed(await readInputFile(path, MAX_FILE_BYTES), path);
  // It can be read once; a reload finds the same targets.
  fromStdin ??= await readStdin();
  return await parsed(fromStdin, "standard input");

  function parsed(text: string, file: string): Promise<Target[]> {
    return inSlices(targetSteps(text, file, defaults, lines), systemClock);
  }
}

/** Standard input in the place of a file's path. */
const STDIN = "-";
let fromStdin: string | null = null;

async function readStdin(): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of Deno.stdin.readable) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_FILE_BYTES) {
      throw new SystemError(`standard input is larger than ${MAX_FILE_BYTES} bytes`);
    }
  }
  return text + decoder.decode();
}
