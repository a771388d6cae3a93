/**
 * A stream of this process (stdout, stderr) behind an OutputQueue: the writer never waits for the
 * reader. A write under way occupies one of the runtime's blocking threads. A write that is stuck
 * is abandoned when the process ends.
 */
import type { ReceiverState } from "../domain/receiver.ts";
import type { ByteWriter } from "../format/byte_writer.ts";
import { MAX_RECORD_BYTES } from "../format/record_format.ts";
import type { Trouble } from "./exporter.ts";
import { OutputQueue, type QueueBounds } from "./output_queue.ts";

/** Writes some of the bytes and resolves with how many; rejects when the reader is gone. */
export type WriteSome = (bytes: Uint8Array) => Promise<number>;

/** 512 KiB wait for a slow reader at most. */
export const STREAM_BOUNDS: QueueBounds = { batches: 8, batchBytes: 64 * 1024 };

export interface StreamParts {
  readonly write: WriteSome;
  readonly bounds?: QueueBounds;
  /** Told once when nobody reads the stream any more. */
  readonly onBroken?: (error: unknown) => void;
  /** Where it is said that lines are dropped, and that they arrive again. */
  readonly trouble?: Trouble;
}

export class StreamOutput {
  /** May be set later. */
  onBroken: (error: unknown) => void;
  #write: WriteSome;
  #queue: OutputQueue;
  #trouble: Trouble | null;
  #busy: Promise<void> | null = null;
  #onProgress: () => void = () => {};
  #broken: { readonly error: unknown } | null = null;
  #written = 0;

  constructor({ write, bounds = STREAM_BOUNDS, onBroken = () => {}, trouble }: StreamParts) {
    this.#write = write;
    this.#trouble = trouble ?? null;
    this.onBroken = onBroken;
    this.#queue = new OutputQueue(bounds, (droppedBefore) => {
      this.#trouble?.begins("not read in time: dropping the oldest lines", droppedBefore);
    });
  }

  /** Lines that made room for newer ones, or that the reader did not stay for. */
  get dropped(): number {
    return this.#queue.dropped;
  }

  /** How the reader fares, where lines for a receiver leave this way. */
  get receiver(): ReceiverState | null {
    const { lines, drops } = this.#queue;
    const state = this.#trouble?.state(lines, drops) ?? null;
    return state === null || this.#broken === null ? state : { ...state, delivering: false };
  }

  /** Lines that wait for the reader; a text that is printed piece by piece may have more. */
  get left(): number {
    return this.#busy === null ? 0 : Math.max(1, this.#queue.lines);
  }

  /** Bytes that the reader, or the pipe to it, has taken. */
  get written(): number {
    return this.#written;
  }

  /** Why nothing can be written any more; null while something can. */
  get broken(): { readonly error: unknown } | null {
    return this.#broken;
  }

  /** Starts a record of at most MAX_RECORD_BYTES; end it with `commit()`. */
  begin(): ByteWriter {
    return this.#queue.begin();
  }

  /** Ends the record in hand and sees to it that it leaves. */
  commit(): void {
    this.#queue.commit();
    if (this.#broken !== null) return this.#queue.dropAll("unsent");
    // In a microtask, so that the records of one turn leave in one write.
    if (this.#busy === null) this.#busy = Promise.resolve().then(() => this.#drain());
  }

  /** Queues a text of any length. */
  text(text: string): void {
    for (const piece of pieces(text)) this.#put(piece);
  }

  /** Queues a text of any length piece by piece, each when there is room for it. */
  async print(text: string): Promise<void> {
    for (const piece of pieces(text)) {
      await this.room();
      this.#put(piece);
    }
    await this.flushed();
  }

  /** Resolves when a record would not push out another, or the reader is gone. */
  async room(): Promise<void> {
    while (this.#broken === null && !this.#queue.hasRoom) {
      await new Promise<void>((resolve) => {
        const before = this.#onProgress;
        this.#onProgress = () => {
          before();
          resolve();
        };
      });
    }
  }

  /** Resolves when everything has left, or the reader is gone. */
  async flushed(): Promise<void> {
    while (this.#busy !== null) await this.#busy;
  }

  #put(piece: Uint8Array): void {
    this.#queue.begin().raw(piece);
    this.commit();
  }

  async #drain(): Promise<void> {
    try {
      while (this.#queue.ready || this.#queue.open) await this.#send();
    } catch (error) {
      this.#broken = { error };
      this.#queue.dropAll("unsent");
      this.onBroken(error);
    }
    this.#busy = null;
    this.#progress();
  }

  async #send(): Promise<void> {
    if (!this.#queue.ready) this.#queue.seal();
    const batch = this.#queue.take();
    if (batch === null) return;
    const bytes = batch.out.bytes.subarray(0, batch.out.length);
    for (let sent = 0; sent < bytes.length;) {
      const taken = await this.#write(sent === 0 ? bytes : bytes.subarray(sent));
      sent += taken;
      this.#written += taken;
    }
    this.#queue.settle();
    this.#trouble?.ends(this.dropped);
    this.#progress();
  }

  #progress(): void {
    const told = this.#onProgress;
    this.#onProgress = () => {};
    told();
  }
}

/** A text as pieces that fit a record each, cut behind a line's end where there is one. */
function* pieces(text: string): Generator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) {
    let end = Math.min(bytes.length, at + MAX_RECORD_BYTES);
    const line = end < bytes.length ? bytes.lastIndexOf(10, end - 1) : -1;
    if (line >= at) end = line + 1;
    yield bytes.subarray(at, end);
    at = end;
  }
}
