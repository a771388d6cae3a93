/** A zip archive of one stored entry (APPNOTE.TXT 6.3.10): not compressed, so that every `deno compile` reads it fast. */
import { crc32 } from "node:zlib";

const LOCAL_HEADER_BYTES = 30;
const CENTRAL_HEADER_BYTES = 46;
const END_BYTES = 22;
/** 2.0, the least that readers ask for. */
const VERSION = 20;
/** 1980-01-01, so that the same content makes the same archive. */
const DOS_DATE = (1 << 5) | 1;
/** Upper half of the external attributes on Unix: a regular file, rwxr-xr-x. */
const UNIX_MODE = 0o100755;

/** The archive's parts in order, to be written one after the other. `content` is below 4 GiB. */
export function zipOf(name: string, content: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const nameBytes = new TextEncoder().encode(name);
  const checksum = crc32(content);

  // APPNOTE 4.3.7: local file header.
  const local = new DataView(new ArrayBuffer(LOCAL_HEADER_BYTES));
  local.setUint32(0, 0x04034b50, true);
  writeEntry(local, 4, checksum, content.length, nameBytes.length);

  // APPNOTE 4.3.12: central directory header; "made by" 3 is Unix.
  const central = new DataView(new ArrayBuffer(CENTRAL_HEADER_BYTES));
  central.setUint32(0, 0x02014b50, true);
  central.setUint16(4, (3 << 8) | VERSION, true);
  writeEntry(central, 6, checksum, content.length, nameBytes.length);
  central.setUint32(38, UNIX_MODE * 0x10000, true);

  // APPNOTE 4.3.16: end of central directory.
  const end = new DataView(new ArrayBuffer(END_BYTES));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, 1, true);
  end.setUint16(10, 1, true);
  end.setUint32(12, CENTRAL_HEADER_BYTES + nameBytes.length, true);
  end.setUint32(16, LOCAL_HEADER_BYTES + nameBytes.length + content.length, true);

  return [bytesOf(local), nameBytes, content, bytesOf(central), nameBytes, bytesOf(end)];
}

/** The 24 bytes that local and central header have in common, from "version needed" to the name's length. */
function writeEntry(
  view: DataView,
  at: number,
  checksum: number,
  bytes: number,
  nameBytes: number,
): void {
  view.setUint16(at, VERSION, true);
  view.setUint16(at + 8, DOS_DATE, true);
  view.setUint32(at + 10, checksum, true);
  view.setUint32(at + 14, bytes, true);
  view.setUint32(at + 18, bytes, true);
  view.setUint16(at + 22, nameBytes, true);
}

function bytesOf(view: DataView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer);
}
