/** Types of `@std/async/deadline`, where upstream's cannot be had. */

export interface DeadlineOptions {
  signal?: AbortSignal;
}

/** The promise's outcome, or a rejection with a DOMException `TimeoutError` after so many milliseconds. */
export declare function deadline<T>(
  p: Promise<T>,
  ms: number,
  options?: DeadlineOptions,
): Promise<T>;
