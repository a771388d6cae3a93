/**
 * Cuts the runtime (`denort`) out of a program that `deno compile` made and zips it the way `deno compile` wants it.
 * Arguments: the program, the runtime's SHA-256, the zip file to write.
 */
import { zipOf } from "./zip.ts";

/** What Deno 2.7 appends to a program on Linux: magic, u32, u32, u64 length of the data before it (little endian). */
const TRAILER_BYTES = 24;
const TRAILER_MAGIC = "d3n0l4nd";

function headOf(program: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const trailerAt = program.length - TRAILER_BYTES;
  const trailer = new DataView(program.buffer, trailerAt, TRAILER_BYTES);
  const magic = new TextDecoder().decode(
    program.subarray(trailerAt, trailerAt + TRAILER_MAGIC.length),
  );
  const dataBytes = Number(trailer.getBigUint64(16, true));
  if (magic !== TRAILER_MAGIC || dataBytes > trailerAt) {
    throw new Error(
      "cannot cut out the runtime: the program does not end as deno compile ends one",
    );
  }
  return program.subarray(0, trailerAt - dataBytes);
}

async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

const [programPath, expected, zipPath] = Deno.args;
const head = headOf(await Deno.readFile(programPath));
const actual = await sha256Hex(head);
if (actual !== expected) {
  throw new Error(`checksum mismatch for denort: expected sha256 ${expected}, got ${actual}`);
}
using zip = await Deno.open(zipPath, { write: true, createNew: true });
for (const part of zipOf("denort", head)) {
  for (let at = 0; at < part.length;) at += await zip.write(part.subarray(at));
}
