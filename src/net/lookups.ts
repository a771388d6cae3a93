/**
 * Names to addresses by the system's resolver, which holds one of the runtime's few blocking threads for
 * each name until it returns: how many are asked at once, and in which order.
 */
import { type Cancel, type Clock } from "../time/clock.ts";
import { answered, type NameAnswer, type NameQueries, reasonText } from "./dns_query.ts";
import { type Family, MAX_LOOKUPS, type Resolver } from "./resolver.ts";

/** How many of these may be for doubtful names. The others are for names known to be answered. */
export const MAX_DOUBTFUL = 5;
/** A look-up that takes longer has failed for who waits for it, in ms. */
export const LOOKUP_DEADLINE_MS = 5000;

export interface LookupPorts {
  readonly clock: Clock;
  /** Rejects when there is no address. It may take any time. */
  readonly system: Resolver;
  readonly queries: NameQueries;
  /** One line of detail for the user. */
  detail(text: string): void;
  /** Look-ups under way at once where descriptors are few, at least 1; MAX_LOOKUPS by default. */
  readonly most?: number;
}

/** A wanted name, shared by all its callers at the time. */
interface Lookup {
  readonly host: string;
  readonly family: Family;
  readonly addresses: Promise<string[]>;
  resolve(addresses: string[]): void;
  reject(error: Error): void;
  /** The name's first look-up. These come before names that were asked for earlier. */
  readonly first: boolean;
  /** A name server answers for it, or the hosts file has it; null while nobody knows. */
  promising: boolean | null;
  /** What a query of our own found while it waited. */
  told: NameAnswer | null;
  /** It waits for its turn. */
  queued: boolean;
  /** When the system's resolver was asked. */
  startedMs: number;
  /** Nobody waits for it any more. */
  over: boolean;
  /** Takes back the wake-up after which it is doubted. */
  cancelDoubt: Cancel;
}

/** A name that waits longer than this for its turn is asked for by a query of our own, in ms. */
const DOUBT_AFTER_MS = 200;
/** What the query of our own may take, in ms. */
const QUERY_MS = 1000;
/** Such queries under way at once, for names that wait for their turn. */
export const MAX_QUERIES = 16;
/** And with those for names whose wait has ended, where servers answer. */
const MAX_LAST_QUERIES = 256;
/** The queue moves while a look-up was answered within this time, in ms. */
const MOVING_MS = 1000;

/** Names remembered as asked for before. */
const MAX_SEEN = 100_000;

/**
 * Names to addresses by the system's resolver: a few at a time, those never asked for first, each with a
 * deadline, and where it fails the reason. Names that a dead server keeps waiting do not hold up names
 * that are answered, but where one alone may be under way.
 */
export class Lookups implements Resolver {
  #ports: LookupPorts;
  /** How many may be under way, and how many of them for doubtful names. */
  readonly #most: { readonly all: number; readonly doubtful: number };
  #wanted = new Map<string, Lookup>();
  #queue: Lookup[] = [];
  /** What waits in `beside`; the callers of that bound it. */
  #others: (() => void)[] = [];
  #active = 0;
  #doubtful = 0;
  #queries = 0;
  /** What the last query that ended found, where no server answered it; else null. */
  #told: NameAnswer | null = null;
  /** What the system's resolver is asked now. */
  #running = new Map<string, Promise<string[]>>();
  /** When a look-up was answered last. */
  #endedMs = -Infinity;
  /** Names that were asked for before; bounded by forgetting all. */
  #seen = new Set<string>();
  #stopped = new AbortController();

  constructor(ports: LookupPorts) {
    this.#ports = ports;
    const { most: all = MAX_LOOKUPS } = ports;
    this.#most = { all, doubtful: Math.max(1, all - (MAX_LOOKUPS - MAX_DOUBTFUL)) };
  }

  /**
   * Rejects all that is wanted, and takes back its timers. The system's resolver cannot be called off:
   * what it was asked, it ends by itself.
   */
  stop(): void {
    this.#stopped.abort();
    for (const { reject } of this.#wanted.values()) reject(new Error("the look-up was given up"));
  }

  /** Rejects with the reason in words. */
  resolve(host: string, family: Family): Promise<string[]> {
    const key = `${family} ${host}`;
    const known = this.#wanted.get(key);
    if (known !== undefined) return known.addresses;
    const { promise, resolve, reject } = Promise.withResolvers<string[]>();
    const first = !this.#seen.has(key);
    const lookup: Lookup = {
      host,
      family,
      addresses: promise,
      resolve,
      reject,
      first,
      promising: null,
      told: null,
      queued: false,
      startedMs: -Infinity,
      over: false,
      cancelDoubt: () => {},
    };
    this.#wanted.set(key, lookup);
    this.#limitTime(lookup);
    // A look-up that outlived its deadline may still be under way for the same name.
    const running = this.#running.get(key);
    if (running !== undefined) {
      running.then(resolve, () => this.#failed(lookup));
      return promise;
    }
    lookup.queued = true;
    this.#queue.push(lookup);
    this.#next();
    return promise;
  }

  #limitTime(lookup: Lookup): void {
    const { clock } = this.#ports;
    let deadline: Cancel = () => {};
    const arm = (ms: number) => {
      deadline = clock.wakeAt(clock.now() + ms, () => {
        const now = clock.now();
        const leftMs = lookup.startedMs + LOOKUP_DEADLINE_MS - now;
        // While names before it are answered its turn will come.
        if (lookup.queued && now - this.#endedMs < MOVING_MS) arm(MOVING_MS);
        else if (!lookup.queued && leftMs > 0) arm(leftMs);
        else this.#fail(lookup);
      });
    };
    arm(LOOKUP_DEADLINE_MS);
    this.#doubtLater(lookup);
    const end = () => {
      lookup.over = true;
      deadline();
      lookup.cancelDoubt();
      this.#wanted.delete(`${lookup.family} ${lookup.host}`);
      if (lookup.queued) this.#queue.splice(this.#queue.indexOf(lookup), 1);
    };
    lookup.addresses.then(end, end);
  }

  /**
   * Runs a look-up of another kind that holds a thread, such as that of an address's name, in a place
   * of those for doubtful names: when no name waits for it.
   */
  async beside<T>(lookUp: () => Promise<T>): Promise<T> {
    await new Promise<void>((begin) => {
      this.#others.push(begin);
      this.#next();
    });
    try {
      return await lookUp();
    } finally {
      this.#active--;
      this.#doubtful--;
      this.#next();
    }
  }

  /** Starts what may be started: names, then what else wants a thread. */
  #next(): void {
    this.#nextNames();
    while (this.#active < this.#most.all && this.#doubtful < this.#most.doubtful) {
      const begin = this.#others.shift();
      if (begin === undefined) return;
      this.#active++;
      this.#doubtful++;
      begin();
    }
  }

  /** Promising names first, then names never asked for, then the others. */
  #nextNames(): void {
    while (this.#active < this.#most.all) {
      const lookup = this.#queue.find(({ promising }) => promising === true) ??
        (this.#doubtful < this.#most.doubtful
          ? this.#queue.find(({ first, promising }) => first && promising === null) ??
            this.#queue.find(({ promising }) => promising === null) ?? this.#queue[0]
          : undefined);
      if (lookup === undefined) return;
      this.#queue.splice(this.#queue.indexOf(lookup), 1);
      lookup.queued = false;
      this.#ask(lookup);
    }
  }

  async #ask(lookup: Lookup): Promise<void> {
    const { clock, system, detail } = this.#ports;
    const { host, family } = lookup;
    const doubtful = lookup.promising !== true;
    this.#active++;
    if (doubtful) this.#doubtful++;
    if (this.#seen.size >= MAX_SEEN) this.#seen.clear();
    const key = `${family} ${host}`;
    this.#seen.add(key);
    lookup.startedMs = clock.now();
    const running = system.resolve(host, family);
    this.#running.set(key, running);
    try {
      const addresses = await running;
      this.#endedMs = clock.now();
      detail(
        `${host}: ${addresses.join(", ")} after ${Math.round(clock.now() - lookup.startedMs)} ms`,
      );
      lookup.resolve(addresses);
    } catch {
      if (!lookup.over) this.#failed(lookup);
    } finally {
      this.#running.delete(key);
      this.#active--;
      if (doubtful) this.#doubtful--;
      this.#next();
    }
  }

  /** The system's resolver has none: a name that the hosts file has lacks an address of this family. */
  #failed(lookup: Lookup): void {
    const { host, family } = lookup;
    if (!this.#ports.queries.inHosts(host)) this.#fail(lookup);
    else this.#reject(lookup, reasonText({ status: "no address", servers: [] }, family));
  }

  /** Ends a look-up with the reason that a query of our own finds. */
  async #fail(lookup: Lookup): Promise<void> {
    const { host, family } = lookup;
    const { queued } = lookup;
    const answer = queued ? await this.#lastAnswer(lookup) : await this.#query(host, family);
    const known = answer !== null && !(queued && answer.status === "exists");
    const reason = known
      ? reasonText(answer, family)
      : `its look-up has not begun, ${this.#active} others are under way`;
    this.#reject(lookup, reason);
  }

  /** What is known of a name whose turn never came. Many may end their wait at once. */
  async #lastAnswer({ host, family, told }: Lookup): Promise<NameAnswer | null> {
    if (told !== null) return told;
    // Servers that are silent are so to all names.
    if (this.#queries >= MAX_QUERIES && this.#told !== null) return this.#told;
    return this.#queries >= MAX_LAST_QUERIES ? null : await this.#query(host, family);
  }

  #reject(lookup: Lookup, reason: string): void {
    if (!lookup.over) this.#ports.detail(`${lookup.host}: ${reason}`);
    lookup.reject(new Error(reason));
  }

  async #query(host: string, family: Family): Promise<NameAnswer> {
    this.#queries++;
    const answer = await this.#ports.queries.ask(host, family, QUERY_MS, this.#stopped.signal);
    this.#queries--;
    this.#told = answered(answer) ? null : answer;
    return answer;
  }

  #doubtLater(lookup: Lookup): void {
    const { clock } = this.#ports;
    lookup.cancelDoubt = clock.wakeAt(clock.now() + DOUBT_AFTER_MS, () => this.#doubt(lookup));
  }

  /** A name still waits for its turn. Finds out whether it should come before others. */
  async #doubt(lookup: Lookup): Promise<void> {
    if (!lookup.queued) return;
    if (this.#ports.queries.inHosts(lookup.host)) lookup.promising = true;
    else if (this.#queries >= MAX_QUERIES) return this.#doubtLater(lookup);
    else {
      lookup.told = await this.#query(lookup.host, lookup.family);
      lookup.promising = answered(lookup.told);
    }
    this.#next();
  }
}
