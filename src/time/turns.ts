/** Work in turns: how much of it is under way at a time. */

/**
 * Work that never overlaps itself. Asked for while it is under way, it is done once more afterwards,
 * however often it was asked for. `work` must not reject.
 */
export function inTurn(work: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const start = () => {
    next = null;
    current = work().finally(() => current = null);
    return current;
  };
  return () => current === null ? start() : next ??= current.then(start);
}

/** Does the work for each item, for so many of them at a time. Rejects with the first that `work` rejects with. */
export async function fewAtOnce<T>(
  limit: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}
