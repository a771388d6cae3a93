/** Writes the files that a user asks for: whole or not at all, and only where the user said. */
import { SystemError } from "../domain/exit.ts";
import { durationText } from "../text/duration.ts";
import { messageOf } from "../text/quote.ts";

/** The reader of a pipe has this long to take what is written into it. */
const WRITE_WITHIN_MS = 10_000;
const RANDOM_BYTES = 8;
/**
 * How much of the file's name the temporary file's name holds: names have at most 255 bytes
 * (NAME_MAX).
 */
const MAX_NAME_PART = 50;
/** Read, write and run, for everybody: the part of a mode that a new file is given. */
const PERMISSION_BITS = 0o777;
/** The runtime opens none of them without rights that this program does not take. */
const NO_DEVICE = "files in /dev and /proc cannot be written; name a file or a pipe (mkfifo)";

/**
 * Writes `text` to the file at `path`, following a link. A reader of a file sees the old text or the
 * new one, never a part; its permissions stay. What is a pipe or a device is written to. Throws
 * SystemError; then nothing is left behind.
 */
export async function writeOutputFile(path: string, text: string): Promise<void> {
  try {
    const there = await statOrNull(path);
    if (there?.isDirectory) throw new Error("it is a directory");
    if (there !== null && !there.isFile) await withinTime(writeInto(path, text));
    else await replace(there === null ? path : await Deno.realPath(path), there, text);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotCapable ? NO_DEVICE : messageOf(error);
    throw new SystemError(`cannot write ${path}: ${reason}`);
  }
}

/** Whether two paths lead to one file, also by links or where there is no file yet. */
export async function isSameFile(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map(placeOf));
  return first === second;
}

async function placeOf(path: string): Promise<string> {
  const there = await statOrNull(path);
  if (typeof there?.ino === "number") return `${there.dev} ${there.ino}`;
  const [folder, name] = parted(path);
  return `${await Deno.realPath(folder).catch(() => folder)}/${name}`;
}

/** Puts a new file in the place of the one that is there. */
async function replace(path: string, there: Deno.FileInfo | null, text: string): Promise<void> {
  const [folder, name] = parted(path);
  const random = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)).toHex();
  const temporary = `${folder}/.${name.slice(0, MAX_NAME_PART)}.${random}`;
  // Created, never opened: a link that somebody put there is not followed.
  const file = await Deno.open(temporary, { write: true, createNew: true });
  try {
    try {
      await writeAll(file, text);
    } finally {
      file.close();
    }
    if (there !== null) await keepMode(temporary, there);
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** Gives a file the permissions of another one, and its owner where that is allowed. */
async function keepMode(path: string, { mode, uid, gid }: Deno.FileInfo): Promise<void> {
  if (mode === null) return;
  const own = await Deno.stat(path);
  if (own.uid !== uid || own.gid !== gid) {
    // Only root may give a file away; another user stays the owner of the new one.
    await Deno.chown(path, uid, gid).catch(() => {});
  }
  await Deno.chmod(path, mode & PERMISSION_BITS);
}

/** Writes into a pipe or a device, which is opened as it is. */
async function writeInto(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await writeAll(file, text);
}

async function writeAll(file: Deno.FsFile, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let sent = 0; sent < bytes.length;) sent += await file.write(bytes.subarray(sent));
}

/** Rejects when a pipe's reader does not come, or stops reading. */
async function withinTime(written: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`nobody read it within ${durationText(WRITE_WITHIN_MS)}`)),
    WRITE_WITHIN_MS,
  );
  try {
    await Promise.race([written, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function statOrNull(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** A path's folder and its last part. */
function parted(path: string): [folder: string, name: string] {
  const slash = path.lastIndexOf("/");
  if (slash < 0) return [".", path];
  return [path.slice(0, slash) || "/", path.slice(slash + 1)];
}
