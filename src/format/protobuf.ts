/** Protocol buffers' wire format (protobuf.dev, "Encoding"), into one buffer that grows. */

/** Wire types: a varint, 8 bytes, bytes with their length. */
const [VARINT, I64, LEN] = [0, 1, 2];
const FIRST_BYTES = 4096;
/** A length of up to 2^28 - 1 takes so many bytes as a varint. */
const MAX_LENGTH_BYTES = 4;
const TWO_32 = 2 ** 32;

export class ProtobufWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #encoder = new TextEncoder();

  /** Forgets what was written; the buffer is used again. */
  clear(): void {
    this.#length = 0;
  }

  /** What was written; valid until the next call. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A string; an empty one is left out, since that is the default. */
  string(field: number, text: string): void {
    if (text === "") return;
    this.message(field, () => {
      this.#room(3 * text.length);
      this.#length += this.#encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
    });
  }

  /** An integer of 0 to 2^53 - 1. */
  uint(field: number, value: number): void {
    this.#tag(field, VARINT);
    this.#varint(value);
  }

  bool(field: number, value: boolean): void {
    this.uint(field, value ? 1 : 0);
  }

  double(field: number, value: number): void {
    this.#tag(field, I64);
    this.#float64(value);
  }

  /** An integer of 0 to 2^53 - 1 as fixed64 or sfixed64. */
  fixed64(field: number, value: number): void {
    this.#tag(field, I64);
    this.#uint64(value);
  }

  /** Nanoseconds since the epoch as fixed64: they exceed 2^53. */
  nanos(field: number, seconds: number, nanos: number): void {
    this.#tag(field, I64);
    this.#room(8);
    this.#view.setBigUint64(this.#length, BigInt(seconds) * 1_000_000_000n + BigInt(nanos), true);
    this.#length += 8;
  }

  /** A packed list of fixed64. */
  packedFixed64(field: number, values: Iterable<number>): void {
    this.message(field, () => {
      for (const value of values) this.#uint64(value);
    });
  }

  /** A packed list of doubles. */
  packedDouble(field: number, values: Iterable<number>): void {
    this.message(field, () => {
      for (const value of values) this.#float64(value);
    });
  }

  /** A message, or anything else with its length before it; `write` writes what is in it. */
  message(field: number, write: () => void): void {
    this.#tag(field, LEN);
    const start = this.#length;
    write();
    const size = this.#length - start;
    // The length is known now, and stands before the content.
    this.#room(MAX_LENGTH_BYTES);
    let bytes = 1;
    for (let rest = size >>> 7; rest > 0; rest >>>= 7) bytes++;
    this.#bytes.copyWithin(start + bytes, start, start + size);
    this.#length = start;
    this.#varint(size);
    this.#length = start + bytes + size;
  }

  #tag(field: number, type: number): void {
    this.#varint(field << 3 | type);
  }

  #varint(value: number): void {
    this.#room(10);
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#length++] = rest % 128 + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  #uint64(value: number): void {
    this.#room(8);
    this.#view.setUint32(this.#length, value % TWO_32, true);
    this.#view.setUint32(this.#length + 4, Math.floor(value / TWO_32), true);
    this.#length += 8;
  }

  #float64(value: number): void {
    this.#room(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** One field of a message that was read: an integer, or bytes. Fields of other types are passed over. */
export interface ProtobufField {
  readonly field: number;
  readonly value: number | Uint8Array;
}

/** The fields of a message in their order; throws RangeError when it is cut or malformed. */
export function* protobufFields(bytes: Uint8Array): Generator<ProtobufField> {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      if (at >= bytes.length || scale > 2 ** 63) throw new RangeError("a varint without its end");
      const byte = bytes[at++];
      value += byte % 128 * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    if (type === VARINT) {
      yield { field, value: varint() };
      continue;
    }
    const size = type === LEN ? varint() : type === I64 ? 8 : type === 5 ? 4 : NaN;
    if (!(at + size <= bytes.length)) throw new RangeError("a field beyond the message");
    if (type === LEN) yield { field, value: bytes.subarray(at, at + size) };
    at += size;
  }
}
