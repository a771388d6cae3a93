/**
 * What waits to leave for one place, under one contract: a fixed number of fixed buffers, made when
 * first needed and then reused. Lines leave in the order in which they came. When all buffers are full
 * the oldest batch that was never sent is dropped: one that was sent is kept, since its fate is open
 * until it is answered. What is dropped is counted by reason; one notice says when dropping begins and
 * one when lines arrive again. The run's outbox makes the queues and hands them to the sinks.
 *
 * ```ts
 * queue.begin().ascii("a line\n");
 * queue.commit();
 * queue.seal();
 * for (let batch = queue.take(); batch !== null; batch = queue.take()) {
 *   await send(batch.out.bytes.subarray(0, batch.out.length));
 *   queue.settle(); // or settle(lost, "refused")
 * }
 * ```
 */
import type { DropReason } from "../domain/receiver.ts";
import { ByteWriter } from "../format/byte_writer.ts";
import { MAX_RECORD_BYTES } from "../format/record_format.ts";
import { Drops, type Trouble } from "./exporter.ts";

/**
 * What the outbox gives a sink: the queue for its receiver, and the place for notices of its
 * troubles.
 */
export interface Output {
  readonly queue: OutputQueue;
  readonly trouble: Trouble;
}

export interface QueueBounds {
  /** At least 3: one that is filled, one that waits, one in flight. */
  readonly batches: number;
  /** Of one batch; more than MAX_RECORD_BYTES. */
  readonly batchBytes: number;
}

/** Lines that share their fate. */
export interface Batch {
  readonly out: ByteWriter;
  lines: number;
}

export class OutputQueue {
  readonly drops: Drops;
  #bounds: QueueBounds;
  #onFull: (droppedBefore: number) => void;
  #made = 0;
  #free: Batch[] = [];
  #waiting: Batch[] = [];
  #filling: Batch;
  #inFlight: Batch | null = null;
  #start = 0;

  /**
   * `onFull` is called behind the first and each further batch that is dropped for want of room, with
   * the lines dropped before it. It may write to the queue: a full stderr has its notice on stderr.
   */
  constructor(
    bounds: QueueBounds,
    onFull: (droppedBefore: number) => void = () => {},
    drops: Drops = new Drops(),
  ) {
    this.#bounds = bounds;
    this.#onFull = onFull;
    this.drops = drops;
    this.#filling = this.#make();
  }

  /** Lines that did not fit, that made room, or that the receiver would not have. */
  get dropped(): number {
    return this.drops.total;
  }

  /** Buffers held, full or free. */
  get buffers(): number {
    return this.#made;
  }

  /** Lines that are still to be delivered. */
  get lines(): number {
    const waiting = this.#waiting.reduce((sum, batch) => sum + batch.lines, this.#filling.lines);
    return waiting + (this.#inFlight?.lines ?? 0);
  }

  /** Whether `take()` has something to give. */
  get ready(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether a batch has something in it and is not sealed. */
  get open(): boolean {
    return this.#filling.out.length > 0;
  }

  /** Whether another batch can be filled without dropping one. */
  get hasRoom(): boolean {
    return this.#free.length > 0 || this.#made < this.#bounds.batches;
  }

  /** Starts a record; whatever one holds fits. End it with `commit()`. */
  begin(): ByteWriter {
    const { out } = this.#filling;
    this.#start = out.length;
    out.begin();
    return out;
  }

  /** Ends the record in hand. */
  commit(): void {
    const { out } = this.#filling;
    if (!out.end()) {
      this.drops.add(1, "full");
      return;
    }
    this.#filling.lines += countLines(out.bytes, this.#start, out.length);
    // A batch that might not take another record is full.
    if (out.length > this.#bounds.batchBytes - MAX_RECORD_BYTES) this.seal();
  }

  /** Lets the batch in hand go as it is. */
  seal(): void {
    if (!this.open) return;
    this.#waiting.push(this.#filling);
    const free = this.#empty();
    if (free !== null) {
      this.#filling = free;
      return;
    }
    const before = this.dropped;
    this.#filling = this.#dropOldest();
    this.#onFull(before);
  }

  /** The oldest batch, in flight until `settle()`; null when none is sealed. */
  take(): Batch | null {
    this.#inFlight = this.#waiting.shift() ?? null;
    return this.#inFlight;
  }

  /** Puts the batch in flight behind the next one that waits, to see how that fares; false when none waits. */
  defer(): boolean {
    if (this.#inFlight === null || this.#waiting.length === 0) return false;
    this.#waiting.splice(1, 0, this.#inFlight);
    this.#inFlight = null;
    return true;
  }

  /** The fate of the batch in flight is known: so many of its lines are lost. */
  settle(lost = 0, reason: DropReason = "refused"): void {
    if (this.#inFlight === null) return;
    this.drops.add(lost, reason);
    this.#recycle(this.#inFlight);
    this.#inFlight = null;
  }

  /** The fate of a part of the batch in flight is known: of these lines so many are lost. */
  settlePart(lines: number, lost: number, reason: DropReason): void {
    if (this.#inFlight === null) return;
    this.#inFlight.lines -= lines;
    this.drops.add(lost, reason);
  }

  /** Gives up on all lines. */
  dropAll(reason: DropReason = "ended"): void {
    this.settle(this.#inFlight?.lines ?? 0, reason);
    this.seal();
    for (let batch = this.take(); batch !== null; batch = this.take()) {
      this.settle(batch.lines, reason);
    }
  }

  /** A batch to fill; null when all are in use. */
  #empty(): Batch | null {
    return this.#free.pop() ?? (this.#made < this.#bounds.batches ? this.#make() : null);
  }

  #dropOldest(): Batch {
    const oldest = this.#waiting.shift();
    if (oldest === undefined) throw new Error("a queue of batches has lost one");
    this.drops.add(oldest.lines, "full");
    return emptied(oldest);
  }

  #make(): Batch {
    this.#made++;
    return { out: new ByteWriter(this.#bounds.batchBytes), lines: 0 };
  }

  #recycle(batch: Batch): void {
    this.#free.push(emptied(batch));
  }
}

function emptied(batch: Batch): Batch {
  batch.out.length = 0;
  batch.lines = 0;
  return batch;
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
