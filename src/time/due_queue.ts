/** A binary min-heap by due time: the order in which a loop wakes. */

export class DueQueue<T extends { dueMs: number }> {
  #heap: T[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** All entries, in no order. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#heap.values();
  }

  /** The earliest entry, without taking it. */
  peek(): T | undefined {
    return this.#heap[0];
  }

  push(entry: T): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent].dueMs <= entry.dueMs) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = entry;
  }

  /** Takes the earliest entry. */
  pop(): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length > 0 && last !== undefined) this.#sink(last);
    return first;
  }

  /** Keeps only the entries that pass; O(n). */
  retain(keep: (entry: T) => boolean): void {
    const kept = this.#heap.filter(keep);
    this.#heap = [];
    for (const entry of kept) this.push(entry);
  }

  #sink(entry: T): void {
    const heap = this.#heap;
    const size = heap.length;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && heap[child + 1].dueMs < heap[child].dueMs) child++;
      if (heap[child].dueMs >= entry.dueMs) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = entry;
  }
}
