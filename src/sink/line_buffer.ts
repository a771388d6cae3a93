/**
 * Two fixed buffers: encoders write into one while the other is on its way out. What does not fit
 * is dropped, record by record, and counted; nothing ever waits for the receiver.
 */
import { ByteWriter } from "../format/byte_writer.ts";

/** Writes some of the bytes and resolves with how many; rejects when the receiver is gone. */
export type WriteSome = (bytes: Uint8Array) => Promise<number>;

export class LineBuffer {
  #filling: ByteWriter;
  #leaving: ByteWriter;
  #write: WriteSome;
  /** Records in the buffer being filled, and in the one on its way out. */
  #lines = 0;
  #linesLeaving = 0;
  #dropped = 0;
  #busy: Promise<void> | null = null;
  #broken: unknown = null;
  #onBroken: (error: unknown) => void;

  /** `capacity` bytes for each of the two buffers. */
  constructor(capacity: number, write: WriteSome, onBroken: (error: unknown) => void) {
    this.#filling = new ByteWriter(capacity);
    this.#leaving = new ByteWriter(capacity);
    this.#write = write;
    this.#onBroken = onBroken;
  }

  /** Records that did not fit, or that were under way when the receiver went away. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Where the next record goes: call its `begin()`, write, then `commit()` here. */
  get writer(): ByteWriter {
    return this.#filling;
  }

  /** Ends the record in hand and sees to it that it leaves; false when it was dropped. */
  commit(): boolean {
    if (!this.#filling.end() || this.#broken !== null) {
      this.#dropped++;
      if (this.#broken !== null) this.#filling.length = 0;
      return false;
    }
    this.#lines++;
    // In a microtask, so that the records of one turn leave in one write.
    if (this.#busy === null) this.#busy = Promise.resolve().then(() => this.#drain());
    return true;
  }

  /** Resolves when everything has left, or the receiver is gone. */
  async flushed(): Promise<void> {
    while (this.#busy !== null) await this.#busy;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#filling.length > 0) await this.#send();
    } catch (error) {
      this.#broken = error;
      this.#dropped += this.#linesLeaving + this.#lines;
      this.#filling.length = 0;
      this.#onBroken(error);
    }
    this.#busy = null;
  }

  async #send(): Promise<void> {
    const leaving = this.#filling;
    this.#filling = this.#leaving;
    this.#leaving = leaving;
    this.#linesLeaving = this.#lines;
    this.#lines = 0;
    const bytes = leaving.bytes.subarray(0, leaving.length);
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#write(sent === 0 ? bytes : bytes.subarray(sent));
    }
    leaving.length = 0;
    this.#linesLeaving = 0;
  }
}

const NEWLINE = 10;

/** How many lines end in `bytes[from, to)`. */
export function countLines(bytes: Uint8Array, from: number, to: number): number {
  let lines = 0;
  for (let i = from; i < to; i++) if (bytes[i] === NEWLINE) lines++;
  return lines;
}

/** The bytes of the longest line in `bytes[from, to)`, with its newline. */
export function longestLine(bytes: Uint8Array, from: number, to: number): number {
  let longest = 0;
  let start = from;
  for (let i = from; i < to; i++) {
    if (bytes[i] !== NEWLINE) continue;
    if (i + 1 - start > longest) longest = i + 1 - start;
    start = i + 1;
  }
  return longest;
}
