/**
 * How long this machine did not run what should have run. A bound on a wait does not count this
 * time. On a machine that runs everything in time it loosens nothing.
 */

const TICK_MS = 20;
/** A gap up to this one is the usual jitter of a busy machine, which every bound has room for. */
const USUAL_MS = 50;

export class Stalls implements Disposable {
  #totalMs = 0;
  #lastMs = performance.now();
  #timer = setInterval(() => this.#tick(), TICK_MS);

  /** All stalls since it was made, in ms. */
  get ms(): number {
    this.#tick();
    return this.#totalMs;
  }

  /** How many slots of a schedule the stalls may have swallowed: each end of a stall may cost one. */
  slots(intervalMs: number): number {
    const { ms } = this;
    return ms === 0 ? 0 : Math.ceil(ms / intervalMs) + 1;
  }

  #tick(): void {
    const now = performance.now();
    const gapMs = now - this.#lastMs;
    this.#lastMs = now;
    if (gapMs > USUAL_MS) this.#totalMs += gapMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
