/** Looks up the names and origins of a path's addresses: a few at a time, beside the measurement, and only so long. */
import type { KnownNames } from "../domain/path.ts";
import type { AddressFacts } from "../net/name_server.ts";
import { type Clock, Pause } from "../time/clock.ts";

/** Look-ups under way at once. */
export const MAX_LOOKUPS = 8;
/** Addresses looked up in all; a trace meets far fewer. */
export const MAX_LOOKED_UP = 4096;

export const NO_NAMES: KnownNames = { name: null, origin: null };

export interface LookupOptions {
  readonly names: boolean;
  readonly origins: boolean;
}

export class Lookups {
  #facts: AddressFacts;
  #clock: Clock;
  #options: LookupOptions;
  #found = new Map<string, KnownNames>();
  #queue: string[] = [];
  #underWay = 0;
  #isStopped = false;
  /** The waits for all to be known. */
  #waiting = new Set<Pause>();

  constructor(facts: AddressFacts, clock: Clock, options: LookupOptions) {
    this.#facts = facts;
    this.#clock = clock;
    this.#options = options;
  }

  /** Begins to look an address up, unless it has been. */
  want(address: string): void {
    const { names, origins } = this.#options;
    if (this.#isStopped || !names && !origins) return;
    if (this.#found.has(address) || this.#found.size >= MAX_LOOKED_UP) return;
    this.#found.set(address, NO_NAMES);
    this.#queue.push(address);
    this.#next();
  }

  /** What is known of an address by now. */
  of(address: string): KnownNames {
    return this.#found.get(address) ?? NO_NAMES;
  }

  /** Begins no further look-up and ends the waits. Look-ups under way end by themselves. */
  stop(): void {
    this.#isStopped = true;
    this.#queue = [];
    this.#found.clear();
    this.#endWaits();
  }

  /** Resolves when all is known, or after this long. */
  async settled(withinMs: number): Promise<void> {
    if (this.#underWay === 0 || this.#isStopped) return;
    const pause = new Pause();
    this.#waiting.add(pause);
    await pause.until(this.#clock, this.#clock.now() + withinMs);
    this.#waiting.delete(pause);
  }

  #endWaits(): void {
    for (const pause of this.#waiting) pause.end();
  }

  #next(): void {
    while (this.#underWay < MAX_LOOKUPS) {
      const address = this.#queue.shift();
      if (address === undefined) return;
      this.#underWay++;
      this.#lookUp(address).finally(() => {
        this.#underWay--;
        this.#next();
        if (this.#underWay === 0) this.#endWaits();
      });
    }
  }

  async #lookUp(address: string): Promise<void> {
    const { names, origins } = this.#options;
    const note = (part: Partial<KnownNames>) =>
      this.#found.set(address, { ...this.of(address), ...part });
    await Promise.all([
      names ? this.#facts.nameOf(address).then((name) => note({ name })) : null,
      origins ? this.#facts.originOf(address).then((origin) => note({ origin })) : null,
    ]);
  }
}
