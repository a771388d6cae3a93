/**
 * Batches of lines on their way to a receiver that answers for a whole batch: a fixed number of
 * fixed buffers, made when first needed and then reused. When all are in use the oldest batch that
 * was never sent makes room: one that was sent is kept, since its fate is open until it is answered.
 */
import { ByteWriter } from "../format/byte_writer.ts";
import { MAX_RECORD_BYTES } from "../format/record_format.ts";
import { countLines } from "./line_buffer.ts";

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

export class BatchQueue {
  #bounds: QueueBounds;
  #made = 0;
  #free: Batch[] = [];
  #waiting: Batch[] = [];
  #filling: Batch;
  #inFlight: Batch | null = null;
  #start = 0;
  #dropped = 0;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
    this.#filling = this.#make();
  }

  /** Lines that did not fit, that made room, or that the receiver would not have. */
  get dropped(): number {
    return this.#dropped;
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

  /** Whether a batch has lines and is not sealed. */
  get open(): boolean {
    return this.#filling.lines > 0;
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
      this.#dropped++;
      return;
    }
    this.#filling.lines += countLines(out.bytes, this.#start, out.length);
    // Full is a batch that might not take another record.
    if (out.length > this.#bounds.batchBytes - MAX_RECORD_BYTES) this.seal();
  }

  /** Lets the batch in hand go as it is. */
  seal(): void {
    if (this.#filling.lines === 0) return;
    this.#waiting.push(this.#filling);
    this.#filling = this.#next();
  }

  /** The oldest batch, in flight until `settle()`; null when none is sealed. */
  take(): Batch | null {
    this.#inFlight = this.#waiting.shift() ?? null;
    return this.#inFlight;
  }

  /** The fate of the batch in flight is known: so many of its lines are lost. */
  settle(lost: number): void {
    if (this.#inFlight === null) return;
    this.#dropped += lost;
    this.#recycle(this.#inFlight);
    this.#inFlight = null;
  }

  /** Gives up on all lines. */
  dropAll(): void {
    this.settle(this.#inFlight?.lines ?? 0);
    this.seal();
    for (let batch = this.take(); batch !== null; batch = this.take()) this.settle(batch.lines);
  }

  #next(): Batch {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#made < this.#bounds.batches) return this.#make();
    const oldest = this.#waiting.shift();
    if (oldest === undefined) throw new Error("a queue of batches has lost one");
    this.#dropped += oldest.lines;
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
