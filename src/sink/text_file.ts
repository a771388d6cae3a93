/** Small files on disk: read with a bound, written whole. */
import { messageOf, SystemError } from "../domain/exit.ts";

/** Throws SystemError when it cannot be read or is larger than that. */
export function readTextFile(path: string, maxBytes: number): string {
  try {
    const { size, isDirectory } = Deno.statSync(path);
    if (isDirectory) throw new Error("it is a directory");
    if (size > maxBytes) throw new Error(`larger than ${maxBytes} bytes`);
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new SystemError(`cannot read ${path}: ${messageOf(error)}`);
  }
}

/** A reader sees the old text or the new one, never a part. Throws SystemError. */
export function writeTextFile(path: string, text: string): void {
  const temporary = `${path}.tmp`;
  try {
    Deno.writeTextFileSync(temporary, text);
    Deno.renameSync(temporary, path);
  } catch (error) {
    throw new SystemError(`cannot write ${path}: ${messageOf(error)}`);
  }
}
