/** Names of targets, where the program hands no resolver in. */
import { aside } from "../kernel/scope.ts";
import { type NameQueries, openNameQueries } from "../net/dns_query.ts";
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
      queries: openedAside(),
      detail: () => {},
    });
    return this.#lookups.resolve(host, family);
  }

  /** Gives up the look-ups. Those of the system's own resolver end by themselves. */
  stop(): void {
    this.#lookups?.stop();
  }
}

/** Queries whose files are read at once, each time: nothing stays open for them. */
function openedAside(): NameQueries {
  const queries = aside(openNameQueries);
  return {
    ask: (...asked) => aside(() => queries.ask(...asked)),
    inHosts: (name) => aside(() => queries.inHosts(name)),
  };
}
