/** Which look-ups are under way, in which order, and why they fail. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type NameAnswer, type NameQueries, type NameStatus } from "../../../src/net/dns_query.ts";
import { type Family, MAX_LOOKUPS } from "../../../src/net/resolver.ts";
import {
  LOOKUP_DEADLINE_MS,
  Lookups,
  MAX_DOUBTFUL,
  MAX_QUERIES,
} from "../../../src/net/lookups.ts";
import { sleepUntil } from "../../../src/time/clock.ts";
import { FakeClock, settle } from "../fake_clock.ts";

const ADDRESS = "192.0.2.1";

/** A resolver that answers when told, and name servers that know what the test says. */
class World implements NameQueries {
  readonly clock = new FakeClock(0);
  readonly asked: string[] = [];
  readonly queried: string[] = [];
  readonly details: string[] = [];
  readonly hosts = new Set<string>();
  /** Queries are not answered any more. */
  holding = false;
  /** How long a query takes. */
  queryMs = 0;
  status: (name: string) => NameStatus = () => "exists";
  readonly lookups: Lookups;
  #answers = new Map<string, PromiseWithResolvers<string[]>>();

  constructor() {
    this.lookups = new Lookups({
      clock: this.clock,
      system: { resolve: (host) => this.#asked(host) },
      queries: this,
      detail: (text) => this.details.push(text),
    });
  }

  async ask(name: string, _family: Family, _withinMs: number): Promise<NameAnswer> {
    this.queried.push(name);
    if (this.holding) return new Promise(() => {});
    if (this.queryMs > 0) await sleepUntil(this.clock, this.clock.now() + this.queryMs);
    return { status: this.status(name), servers: ["192.0.2.53"] };
  }

  inHosts(name: string): boolean {
    return this.hosts.has(name);
  }

  /** Asks for names whose fate nobody waits for here. */
  want(...names: readonly string[]): void {
    for (const name of names) this.lookups.resolve(name, 0).catch(() => {});
  }

  async answer(name: string): Promise<void> {
    this.#answers.get(name)?.resolve([ADDRESS]);
    await settle();
  }

  async fail(name: string): Promise<void> {
    this.#answers.get(name)?.reject(new Error("name not known"));
    await settle();
  }

  #asked(host: string): Promise<string[]> {
    this.asked.push(host);
    const answer = Promise.withResolvers<string[]>();
    this.#answers.set(host, answer);
    return answer.promise;
  }
}

const names = (count: number, prefix = "n") => Array.from({ length: count }, (_, i) => prefix + i);

Deno.test("a few names are asked for at once, the next ones when those are answered", async () => {
  const world = new World();
  world.want(...names(20));
  assertEquals(world.asked, names(MAX_DOUBTFUL));
  await world.answer("n1");
  assertEquals(world.asked, names(MAX_DOUBTFUL + 1));
});

Deno.test("names never asked for come before those that were", async () => {
  const world = new World();
  world.want("old");
  await world.fail("old");
  world.want(...names(MAX_DOUBTFUL), "old", "new");
  await world.answer("n0");
  await world.answer("n1");
  assertEquals(world.asked.slice(-2), ["new", "old"]);
});

Deno.test("a name that the hosts file has, by another family, lacks an address; no server is asked", async () => {
  const world = new World();
  world.hosts.add("four");
  const ending = assertRejects(() => world.lookups.resolve("four", 6), Error, "no IPv6 address");
  await world.fail("four");
  await ending;
  assertEquals(world.queried, []);
});

Deno.test("one name wanted by several is asked for once", async () => {
  const world = new World();
  const both = Promise.all([world.lookups.resolve("db", 0), world.lookups.resolve("db", 0)]);
  await world.answer("db");
  assertEquals([await both, world.asked], [[[ADDRESS], [ADDRESS]], ["db"]]);
});

Deno.test("names of a dead server do not hold up one that is answered, nor one of the hosts file", async () => {
  const world = new World();
  world.status = (name) => name === "good" ? "exists" : "silent";
  world.hosts.add("here");
  world.want(...names(30), "good", "here");
  await world.clock.advance(300);
  assertEquals(world.asked.slice(MAX_DOUBTFUL).toSorted(), ["good", "here"]);
  assertEquals(world.asked.length <= MAX_LOOKUPS, true);
});

Deno.test("a look-up has failed after its deadline, and why is told apart", async () => {
  const reasons = {
    "no such name": "no such name",
    "no address": "no address",
    "server failure": "the name server fails (192.0.2.53)",
    silent: "no name server answers (192.0.2.53)",
    exists: "the system's resolver fails, though a name server knows the name",
  } as const;
  for (const [status, reason] of Object.entries(reasons)) {
    const world = new World();
    world.status = () => status as NameStatus;
    const late = assertRejects(() => world.lookups.resolve("late", 0), Error, reason);
    const failed = assertRejects(() => world.lookups.resolve("failed", 0), Error, reason);
    await world.fail("failed");
    await failed;
    await world.clock.advance(LOOKUP_DEADLINE_MS);
    await late;
  }
});

Deno.test("of many names that end their wait at once only some are asked for, and all have the reason", async () => {
  const world = new World();
  world.status = () => "silent";
  const reasons = new Set<string>();
  for (const name of names(600)) {
    world.lookups.resolve(name, 0).catch(({ message }) => reasons.add(message));
  }
  await world.clock.advance(LOOKUP_DEADLINE_MS - 1);
  const before = world.queried.length;
  world.holding = true;
  await world.clock.advance(1);
  assert(world.queried.length - before <= MAX_QUERIES + MAX_LOOKUPS, `${world.queried.length}`);
  assertEquals([...reasons], ["no name server answers (192.0.2.53)"]);
});

Deno.test("names that servers answer have their own reasons, however many end their wait at once", async () => {
  const world = new World();
  const status = (name: string) => Number(name.slice(1)) % 2 === 0 ? "no such name" : "no address";
  world.status = status;
  const wrong: string[] = [];
  for (const name of names(250)) {
    world.lookups.resolve(name, 0).catch(({ message }) => {
      if (message !== status(name)) wrong.push(`${name}: ${message}`);
    });
  }
  // Each query takes long, as where the first server is silent.
  world.queryMs = 1000;
  await world.clock.advance(LOOKUP_DEADLINE_MS + 2000);
  assertEquals(wrong, []);
});

Deno.test("a look-up that outlives its deadline is not made twice", async () => {
  const world = new World();
  world.want("slow");
  await world.clock.advance(LOOKUP_DEADLINE_MS);
  const again = world.lookups.resolve("slow", 0);
  assertEquals(world.asked, ["slow"]);
  await world.answer("slow");
  assertEquals(await again, [ADDRESS]);
});

Deno.test("while look-ups are answered, names behind them have not failed", async () => {
  const world = new World();
  world.want(...names(20));
  for (let i = 0; i < 15; i++) {
    await world.clock.advance(500);
    await world.answer(`n${i}`);
  }
  assertEquals(world.asked.length, 20);
  assertEquals(world.queried.filter((name) => name === "n19").length <= 1, true);
});

Deno.test("look-ups of another kind share the limit, and come after names", async () => {
  const world = new World();
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  for (let i = 0; i < 12; i++) {
    world.lookups.beside(() => {
      begun.push(i);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
  }
  await settle();
  assertEquals(begun.length, MAX_DOUBTFUL);
  world.want("db");
  ends[0]();
  await settle();
  assertEquals([begun.length, world.asked], [MAX_DOUBTFUL, ["db"]]);
  await world.answer("db");
  assertEquals(begun, names(MAX_DOUBTFUL + 1).map((_, i) => i));
});

Deno.test("a look-up of another kind that fails has its own error, and gives its place back", async () => {
  const world = new World();
  const failures = names(20).map((name) =>
    world.lookups.beside(() => Promise.reject(new Error(name)))
  );
  const ends = await Promise.allSettled(failures);
  assertEquals(ends.map((end) => end.status === "rejected" && end.reason.message), names(20));
  world.want("db");
  assertEquals(world.asked, ["db"]);
});
