/** Types of `@std/async/delay`, where upstream's cannot be had. */

export interface DelayOptions {
  signal?: AbortSignal;
  persistent?: boolean;
}

/** Resolves after so many milliseconds; rejects with the signal's reason when that is aborted before. */
export declare function delay(ms: number, options?: DelayOptions): Promise<void>;
