/**
 * What was opened for one purpose and ends with it: descriptors, libraries, waits in threads. A program
 * that opens once and runs to its end has no scope, and needs none: there all of it lasts as long as the
 * process. A library's caller opens and leaves again, and then nothing may be left behind.
 *
 * The scope is a variable that is set while `within` runs, since a prober is made of a dozen small parts
 * which each open a few functions of libc. It is never set while anything waits: `open` is synchronous.
 */

/** Ends one thing; a promise where that takes a moment. */
export type EndOf = () => void | Promise<void>;

let current: KernelScope | null = null;

/**
 * Has the scope that is being filled end this; without one it lasts as long as the process. Whether there
 * is a scope.
 */
export function endsWithScope(end: EndOf): boolean {
  current?.add(end);
  return current !== null;
}

/** Calls what opens and closes something at once; nothing of it stays. */
export function aside<T>(call: () => T): T {
  const scope = new KernelScope();
  try {
    return scope.within(call);
  } finally {
    // Nothing waits in a thread, so all of it is closed by the time that anything else runs.
    scope.close();
  }
}

export class KernelScope {
  #ends: EndOf[] = [];

  /** Calls `open`; what it opens before it returns, this scope ends. */
  within<T>(open: () => T): T {
    const outer = current;
    current = this;
    try {
      return open();
    } finally {
      current = outer;
    }
  }

  /** The same for what may fail: then nothing stays open. */
  opening<T>(open: () => T): T {
    try {
      return this.within(open);
    } catch (error) {
      // Nothing waits in a thread yet, so all of it is closed by the time that anything else runs.
      this.close();
      throw error;
    }
  }

  add(end: EndOf): void {
    this.#ends.push(end);
  }

  /** Ends everything, what was opened last first. Harmless when done twice. */
  async close(): Promise<void> {
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) await end();
  }
}
