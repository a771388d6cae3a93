/**
 * Lines that say "now" and wait to be sent: two fixed buffers, one that is filled while the other
 * is on its way. What waited too long would bear a false time and is dropped, as is what does not
 * fit; all of it is counted.
 */
import { ByteWriter } from "../format/byte_writer.ts";
import type { DropReason } from "../domain/receiver.ts";
import { Drops } from "./exporter.ts";
import { MAX_RECORD_BYTES } from "../format/record_format.ts";
import { countLines, longestLine } from "./output_queue.ts";

export interface WaitingBounds {
  readonly lines: number;
  readonly bytes: number;
  /** With its newline. */
  readonly lineBytes: number;
  readonly waitMs: number;
}

export class WaitingLines {
  #bounds: WaitingBounds;
  /** Room for a record behind a buffer that is all but full. */
  #filling: ByteWriter;
  #leaving: ByteWriter;
  #start = 0;
  #lines = 0;
  #sinceMs = 0;
  readonly drops = new Drops();

  constructor(bounds: WaitingBounds) {
    this.#bounds = bounds;
    this.#filling = new ByteWriter(bounds.bytes + MAX_RECORD_BYTES);
    this.#leaving = new ByteWriter(bounds.bytes + MAX_RECORD_BYTES);
  }

  /** Lines that wait. */
  get lines(): number {
    return this.#lines;
  }

  /** Lines that did not fit, were too long, or waited too long. */
  get dropped(): number {
    return this.drops.total;
  }

  /** Whether so many lines more would fit. */
  hasRoomFor(lines: number): boolean {
    return this.#lines + lines <= this.#bounds.lines;
  }

  /** Starts a record. End it with `commit()`. */
  begin(nowMs: number): ByteWriter {
    this.expire(nowMs);
    if (this.#lines === 0) this.#sinceMs = nowMs;
    this.#start = this.#filling.length;
    this.#filling.begin();
    return this.#filling;
  }

  /** Ends the record in hand. */
  commit(): void {
    const out = this.#filling;
    if (!out.end()) {
      this.drops.add(1, "full");
      return;
    }
    const { bytes, lines, lineBytes } = this.#bounds;
    const added = countLines(out.bytes, this.#start, out.length);
    const tooLong = longestLine(out.bytes, this.#start, out.length) > lineBytes;
    if (tooLong || out.length > bytes || this.#lines + added > lines) {
      out.length = this.#start;
      this.drops.add(added, "full");
    } else this.#lines += added;
  }

  /** Drops the lines when the first of them has waited too long. */
  expire(nowMs: number): void {
    if (this.#lines > 0 && nowMs - this.#sinceMs > this.#bounds.waitMs) this.drop("late");
  }

  /** All lines, to be sent; the bytes are valid until the next call. */
  take(): Uint8Array {
    const leaving = this.#filling;
    this.#filling = this.#leaving;
    this.#leaving = leaving;
    this.#filling.length = 0;
    this.#lines = 0;
    return leaving.bytes.subarray(0, leaving.length);
  }

  /** Drops all lines. */
  drop(reason: DropReason): void {
    this.drops.add(this.#lines, reason);
    this.#lines = 0;
    this.#filling.length = 0;
  }
}
