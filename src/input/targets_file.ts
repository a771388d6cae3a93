/** Reads a file of targets, at start and again when asked. */
import { SystemError } from "../domain/exit.ts";
import { messageOf } from "../text/quote.ts";
import type { Target } from "../domain/target.ts";
import { parseTargets, type TargetDefaults } from "./target_text.ts";

/** A larger file is a mistake. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Throws SystemError when it cannot be read, UsageError with file and line for a bad line. */
export function loadTargets(path: string, defaults: TargetDefaults): Target[] {
  return parseTargets(readText(path), path, defaults);
}

function readText(path: string): string {
  try {
    const { size } = Deno.statSync(path);
    if (size > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES} bytes`);
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new SystemError(`cannot read ${path}: ${messageOf(error)}`);
  }
}
