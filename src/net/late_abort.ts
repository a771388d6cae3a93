/**
 * Gives up a `Deno.connect` without losing a connection that was established in the same moment.
 *
 * Checked with Deno 2.7.11 and 2.9.6. There `Deno.connect` asks its signal once more after the
 * handshake, by `throwIfAborted()`. An abort that falls into that moment throws away a connection
 * that is open: its socket would have no owner and never be closed. The signal here never throws,
 * so the connection is handed over and its owner closes it. A runtime that asks in another way
 * makes this useless and does no harm: the handshake is then given up as by any signal. Its test
 * is tests/platform/runtime_test.ts.
 */

/** Without a reason the runtime makes an exception with its stack each time: milliseconds. */
const REASON = "given up";

export class LateAbort {
  #controller = new AbortController();

  constructor() {
    this.#controller.signal.throwIfAborted = ignoreAbort;
  }

  /** For `Deno.connect`. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(): void {
    this.#controller.abort(REASON);
  }
}

function ignoreAbort(): void {}
