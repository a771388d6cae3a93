/** Names of targets, where the program hands no resolver in. */
import { openNameQueries } from "../net/dns_query.ts";
import { Lookups } from "../net/lookups.ts";
import { type Family, type Resolver, systemResolver } from "../net/resolver.ts";
import type { Clock } from "../time/clock.ts";

/** The system's resolver, some names at a time; opened with the first name, since most targets are addresses. */
export class Names implements Resolver {
  #clock: Clock;
  #lookups: Lookups | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  resolve(host: string, family: Family): Promise<string[]> {
    this.#lookups ??= new Lookups({
      clock: this.#clock,
      system: systemResolver,
      queries: openNameQueries(),
      detail: () => {},
    });
    return this.#lookups.resolve(host, family);
  }

  /** Gives up what is looked up, but for what the system's own resolver was asked: that ends by itself. */
  stop(): void {
    this.#lookups?.stop();
  }
}
