/** Results as an async iterable: what waits for its reader, and what happens when it reads slowly. */
import { UsageError } from "../domain/exit.ts";
import { whole } from "./checks.ts";

/**
 * What happens while the reader is slow and the buffer is full. `wait`: nothing more is measured until it
 * reads on; what was due meanwhile is skipped, or late. `drop-oldest`: the measurement goes on, and the
 * oldest result that waits is dropped and counted.
 */
export type WhenFull = "wait" | "drop-oldest";

/** How results come to their reader. */
export interface StreamOptions {
  /** Results that wait for their reader at most: 1 to 1,000,000; 16,384 unless given. */
  readonly buffer?: number;
  /** What happens when so many wait; `wait` unless given. */
  readonly whenFull?: WhenFull;
  /** Ends the stream, without an error: what waits is still handed out. */
  readonly signal?: AbortSignal;
}

/**
 * Results in an async iterable. Nothing is opened and nothing sent before the first result is asked for.
 * When the loop is left, by `break` or by an error too, everything that was opened is closed before the
 * loop's next statement runs.
 */
export interface ResultStream<T> extends AsyncIterableIterator<T, void, void>, AsyncDisposable {
  /** Results dropped so far because their reader was slow; 0 with `whenFull: "wait"`. */
  readonly dropped: number;
}

/** What fills a stream. */
export interface ResultSource<T> {
  /** Opens and measures; resolves when nothing more is put, rejects where it cannot be. */
  run(put: (result: T) => void): Promise<void>;
  /** Ends `run` soon, also when it has not begun. */
  stop(): void;
  /** Frees what `run` has opened; called once, after it. */
  close(): Promise<void>;
  /** Called when the next result is asked for: this many were read. */
  taken?(results: number): void;
}

/** The buffer where none is asked for: the results of 10,000 targets of one second, and some more. */
const DEFAULT_BUFFER = 16_384;
const MAX_BUFFER = 1_000_000;

/** How many results may wait; throws UsageError. */
export function bufferOf({ buffer }: StreamOptions, usual = DEFAULT_BUFFER): number {
  return whole("buffer", buffer, 1, MAX_BUFFER, usual);
}

/** Whether a slow reader holds the measurement up; throws UsageError. */
export function waitsForReader({ whenFull = "wait" }: StreamOptions): boolean {
  if (whenFull === "wait" || whenFull === "drop-oldest") return whenFull === "wait";
  throw new UsageError(`whenFull ${String(whenFull)}: wants "wait" or "drop-oldest"`);
}

/**
 * The places of results that wait. Where the reader is waited for, a result needs a place first.
 */
export class Places {
  #most: number;
  #taken = 0;
  #freed = Promise.withResolvers<void>();
  #isEnded = false;

  constructor(options: StreamOptions, usual?: number) {
    this.#most = waitsForReader(options) ? bufferOf(options, usual) : Infinity;
  }

  /** Resolves when a place was taken, or when it was ended. */
  async take(): Promise<void> {
    while (this.#taken >= this.#most && !this.#isEnded) await this.#freed.promise;
    this.#taken++;
  }

  /** Takes a place where one is free. */
  takeIfFree(): boolean {
    if (this.#taken >= this.#most) return false;
    this.#taken++;
    return true;
  }

  free(places: number): void {
    this.#taken -= places;
    this.#freed.resolve();
    this.#freed = Promise.withResolvers();
  }

  end(): void {
    this.#isEnded = true;
    this.#freed.resolve();
  }
}

/** A reader that has asked for a result and waits for it. */
type Reader<T> = PromiseWithResolvers<IteratorResult<T, void>>;

export class Results<T> implements ResultStream<T> {
  dropped = 0;
  #source: ResultSource<T>;
  #most: number;
  #signal: AbortSignal | null;
  /** The results that wait, from `#first` on; those before it were read already. */
  #waiting: T[] = [];
  #first = 0;
  #readers: Reader<T>[] = [];
  /** Results handed out since the last one was asked for. */
  #lent = 0;
  #failure: { readonly error: unknown } | null = null;
  /** Resolves when everything is closed; null before the first result is asked for. */
  #over: Promise<void> | null = null;
  #isOver = false;

  /** `usual`: how many results may wait where the caller does not say. Throws UsageError. */
  constructor(source: ResultSource<T>, options: StreamOptions, usual?: number) {
    this.#source = source;
    this.#most = bufferOf(options, usual);
    waitsForReader(options);
    this.#signal = options.signal ?? null;
  }

  next(): Promise<IteratorResult<T, void>> {
    if (this.#lent > 0 && !this.#isOver) {
      this.#source.taken?.(this.#lent);
      this.#lent = 0;
    }
    this.#over ??= this.#run();
    if (this.#first < this.#waiting.length) {
      this.#lent++;
      return Promise.resolve({ done: false, value: this.#shift() });
    }
    if (this.#failure !== null) {
      const { error } = this.#failure;
      this.#failure = null;
      return Promise.reject(error);
    }
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    const reader: Reader<T> = Promise.withResolvers();
    this.#readers.push(reader);
    return reader.promise;
  }

  /** Ends the measurement; resolves when everything is closed. What waits is thrown away. */
  async return(): Promise<IteratorResult<T, void>> {
    if (this.#over === null) {
      this.#isOver = true;
      this.#over = Promise.resolve();
    }
    this.#source.stop();
    await this.#over;
    this.#waiting = [];
    this.#first = 0;
    this.#failure = null;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #run(): Promise<void> {
    const source = this.#source;
    const stop = () => source.stop();
    this.#signal?.addEventListener("abort", stop);
    if (this.#signal?.aborted === true) stop();
    try {
      await source.run((result) => this.#put(result));
    } catch (error) {
      this.#failure = { error };
    }
    this.#signal?.removeEventListener("abort", stop);
    try {
      await source.close();
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#isOver = true;
    for (const reader of this.#readers.splice(0)) this.#end(reader);
  }

  #end(reader: Reader<T>): void {
    if (this.#failure === null) return reader.resolve({ done: true, value: undefined });
    reader.reject(this.#failure.error);
    this.#failure = null;
  }

  #put(result: T): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      this.#lent++;
      return reader.resolve({ done: false, value: result });
    }
    this.#waiting.push(result);
    if (this.#waiting.length - this.#first <= this.#most) return;
    this.#shift();
    this.dropped++;
  }

  #shift(): T {
    const result = this.#waiting[this.#first++];
    // The array is shortened seldom, so that each result costs the same however many wait.
    if (this.#first === this.#waiting.length || this.#first > this.#most) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    return result;
  }
}
