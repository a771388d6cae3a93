/** Types of `@std/async/pool`, where upstream's cannot be had. */

/** Maps with at most `poolLimit` calls under way, yielding in the order of the input. */
export declare function pooledMap<T, R>(
  poolLimit: number,
  array: Iterable<T> | AsyncIterable<T>,
  iteratorFn: (data: T) => Promise<R>,
): AsyncIterableIterator<R>;
