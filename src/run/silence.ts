/** Tells a user that nothing comes: once in each silence. */
import { type Cancel, type Clock, repeat } from "../time/clock.ts";

/** This long without a result is a silence. */
const SILENCE_MS = 1000;

export class Silence {
  #results = 0;

  /** A result has come. */
  broken(): void {
    this.#results++;
  }

  /** Calls `say` once in each silence in which something is awaited, until what it returns is called. */
  watch(clock: Clock, isAwaited: () => boolean, say: () => void): Cancel {
    let [results, sinceMs, isSaid] = [this.#results, clock.now(), false];
    return repeat(clock, SILENCE_MS / 4, () => {
      if (this.#results !== results) {
        [results, sinceMs, isSaid] = [this.#results, clock.now(), false];
      }
      if (isSaid || clock.now() - sinceMs < SILENCE_MS || !isAwaited()) return;
      isSaid = true;
      say();
    });
  }
}
