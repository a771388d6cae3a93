/** Reads a file of targets, at start and again when asked. */
import type { Target } from "../domain/target.ts";
import { readInputFile } from "./file.ts";
import { parseTargets, type TargetDefaults } from "./target_text.ts";

/** A larger file is a mistake. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Throws SystemError when it cannot be read, UsageError with file and line for a bad line. */
export async function loadTargets(path: string, defaults: TargetDefaults): Promise<Target[]> {
  return parseTargets(await readInputFile(path, MAX_FILE_BYTES), path, defaults);
}
