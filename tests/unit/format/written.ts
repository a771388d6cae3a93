/** What encoders wrote, as text; bytes that are no UTF-8 fail the test. */
import { ByteWriter } from "../../../src/format/byte_writer.ts";
import { MAX_RECORD_BYTES } from "../../../src/format/record_format.ts";

export function written(write: (out: ByteWriter) => void): string {
  const out = new ByteWriter(MAX_RECORD_BYTES);
  out.begin();
  write(out);
  if (!out.end()) throw new Error("the record did not fit");
  return textOf(out.takeCopy());
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}
