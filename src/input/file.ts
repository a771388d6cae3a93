/**
 * Reads files that people wrote: targets, nodes, rows, tokens. Whatever stands at the path, a read
 * ends in time, takes no more memory than its limit and never holds up the event loop.
 */
import type { FileHandle } from "node:fs/promises";
import { SystemError, UsageError } from "../domain/exit.ts";
import { HttpToken, MAX_TOKEN_LENGTH, MIN_TOKEN_LENGTH } from "../net/http_token.ts";
import { durationText } from "../text/duration.ts";
import { messageOf } from "../text/quote.ts";
import { redacted } from "./connection_text.ts";

/** The writer of a pipe has this long to finish; so has the disk of a file. */
const READ_WITHIN_MS = 30_000;
/** Between two looks into a pipe whose writer has written nothing yet. */
const LOOK_EVERY_MS = 10;
const CHUNK_BYTES = 64 * 1024;

/**
 * The text of a file, or of a pipe whose writer is done. Throws SystemError, one line that names the
 * path, for directories, devices and sockets, for more than `maxBytes`, and for what does not end
 * within `withinMs`.
 */
export async function readInputFile(
  path: string,
  maxBytes: number,
  withinMs = READ_WITHIN_MS,
): Promise<string> {
  const late = Promise.withResolvers<never>();
  const given = new AbortController();
  const timer = setTimeout(() => {
    given.abort();
    late.reject(new Error(`no end of it within ${durationText(withinMs)}`));
  }, withinMs);
  try {
    return await Promise.race([late.promise, readAll(path, maxBytes, given.signal)]);
  } catch (error) {
    throw new SystemError(`cannot read ${redacted(path)}: ${reasonOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** What stands for standard input where a file is named. */
export const STDIN = "-";

async function readAll(path: string, maxBytes: number, given: AbortSignal): Promise<string> {
  if (path === STDIN) return await decoded(readStdin, maxBytes, given);
  // Loaded when it is needed: most runs read no file.
  const { constants, promises } = await import("node:fs");
  // With O_NONBLOCK (open(2)) a pipe without a writer is opened at once. Windows has no such flag.
  const file = await promises.open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    // Checks the opened file: the path may lead elsewhere by now.
    const stat = await file.stat();
    if (stat.isDirectory()) throw new Error("it is a directory");
    if (!stat.isFile() && !stat.isFIFO()) throw new Error("it is neither a file nor a pipe");
    if (stat.size > maxBytes) throw tooLarge(maxBytes);
    return await decoded((into) => readSome(file, into), maxBytes, given);
  } finally {
    await file.close();
  }
}

/** Reads into a buffer: how many bytes, 0 at the end; null where there is nothing yet. */
type Read = (into: Uint8Array<ArrayBuffer>) => Promise<number | null>;

async function readStdin(into: Uint8Array<ArrayBuffer>): Promise<number> {
  return await Deno.stdin.read(into) ?? 0;
}

async function decoded(read: Read, maxBytes: number, given: AbortSignal): Promise<string> {
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, maxBytes + 1));
  let text = "";
  for (let left = maxBytes; !given.aborted;) {
    const size = await read(chunk);
    if (size === 0) break;
    if (size === null) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      continue;
    }
    left -= size;
    if (left < 0) throw tooLarge(maxBytes);
    text += decoder.decode(chunk.subarray(0, size), { stream: true });
  }
  return text + decoder.decode();
}

/** How many bytes were read, 0 at the end; null where a pipe has nothing yet. */
async function readSome(file: FileHandle, into: Uint8Array): Promise<number | null> {
  try {
    return (await file.read(into, 0, into.length, null)).bytesRead;
  } catch (error) {
    if (codeOf(error) === "EAGAIN") return null;
    throw error;
  }
}

function tooLarge(maxBytes: number): Error {
  return new Error(`it is larger than ${maxBytes} bytes`);
}

/** `No such file or directory` for `ENOENT: no such file or directory, open '/x'`. */
function reasonOf(error: unknown): string {
  // The runtime's own words tell how to compile this program.
  if (error instanceof Deno.errors.NotCapable) return "a file of the system's, which is not read";
  if (codeOf(error) === null) return messageOf(error);
  const text = messageOf(error).replace(/^[A-Z0-9]+: /, "").replace(/, \w+( '.*)?$/s, "");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error ? String(error.code) : null;
}

/** The token, and white space around it. */
const MAX_TOKEN_BYTES = MAX_TOKEN_LENGTH + 64;

/**
 * The secret of `--http-token FILE`, which is never quoted. Null without a file; throws SystemError
 * when it cannot be read, UsageError when it holds no token.
 */
export async function loadToken(path: string | null): Promise<HttpToken | null> {
  if (path === null) return null;
  const token = await HttpToken.of((await readInputFile(path, MAX_TOKEN_BYTES)).trim());
  if (token !== null) return token;
  throw new UsageError(
    `--http-token ${path}: a token wants ${MIN_TOKEN_LENGTH} to ${MAX_TOKEN_LENGTH} visible ` +
      "ASCII characters, such as 'openssl rand -hex 32' makes",
  );
}
