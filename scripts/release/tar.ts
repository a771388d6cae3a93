/** A gzipped tar archive (POSIX.1-1988 ustar) whose bytes depend on nothing but its files. */
import { gzipSync } from "node:zlib";

export interface ArchiveFile {
  /** Path within the archive, ASCII, at most 100 bytes; a folder's ends in a slash. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly executable: boolean;
}

const BLOCK_BYTES = 512;
const MAX_PATH_BYTES = 100;
/** An archive ends in two blocks of zeros. */
const END_BLOCKS = 2;
/** 1980-01-01; some tar programs warn about earlier times. */
export const MODIFIED_S = 315_532_800;

/** The archive, its files in the order given, owned by root. */
export function tarGz(files: readonly ArchiveFile[]): Uint8Array {
  const blocks = files.map(({ content }) => 1 + Math.ceil(content.length / BLOCK_BYTES));
  const total = blocks.reduce((sum, count) => sum + count, END_BLOCKS) * BLOCK_BYTES;
  const archive = new Uint8Array(total);
  let at = 0;
  for (const [i, file] of files.entries()) {
    archive.set(header(file), at);
    archive.set(file.content, at + BLOCK_BYTES);
    at += blocks[i] * BLOCK_BYTES;
  }
  // Neither a name nor a time in its header (RFC 1952).
  return gzipSync(archive);
}

/** The block before a file's content: numbers in octal, texts that end in a zero byte. */
function header({ path, content, executable }: ArchiveFile): Uint8Array {
  if (path.length > MAX_PATH_BYTES || !/^[\x21-\x7e]+$/.test(path)) {
    throw new RangeError(`cannot archive ${path}: wants at most 100 bytes of ASCII`);
  }
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, text: string) => block.set(new TextEncoder().encode(text), at);
  const octal = (at: number, digits: number, value: number) =>
    put(at, value.toString(8).padStart(digits, "0"));
  put(0, path);
  octal(100, 7, executable ? 0o755 : 0o644);
  octal(108, 7, 0);
  octal(116, 7, 0);
  octal(124, 11, content.length);
  octal(136, 11, MODIFIED_S);
  // The checksum is taken with spaces in its own place.
  put(148, " ".repeat(8));
  put(156, path.endsWith("/") ? "5" : "0");
  put(257, "ustar");
  put(263, "00");
  put(265, "root");
  put(297, "root");
  octal(148, 6, block.reduce((sum, byte) => sum + byte, 0));
  block[154] = 0;
  return block;
}
