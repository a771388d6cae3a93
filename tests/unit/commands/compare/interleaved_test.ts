import { assertEquals } from "@std/assert";
import { Interleaved } from "../../../../src/commands/compare/interleaved.ts";
import { FakeClock } from "../../fake_clock.ts";
import { FakeProber, FakeResolver, type Fate } from "../../fake_network.ts";
import { target } from "../../fixtures.ts";

const LOST: Fate = { afterMs: 5000, outcome: "timeout" };

interface Fates {
  readonly handshake?: Fate;
  readonly ping?: Fate | null;
}

interface Bench {
  readonly clock: FakeClock;
  readonly resolver: FakeResolver;
  readonly notices: string[];
  readonly probers: Readonly<Record<"handshake" | "ping" | "knock", FakeProber | null>>;
  readonly run: Interleaved;
}

/** A comparison on the fake clock and network; without knock where that is null. */
function bench({ handshake = { afterMs: 10 }, ping = { afterMs: 10 } }: Fates, count = 12): Bench {
  const clock = new FakeClock(0);
  const resolver = new FakeResolver(clock, { db: ["192.0.2.7", "192.0.2.8"] });
  const notices: string[] = [];
  const probers = {
    handshake: new FakeProber(clock, () => handshake),
    ping: ping === null ? null : new FakeProber(clock, () => ping),
    knock: ping === null ? null : new FakeProber(clock, () => ({ afterMs: 10 })),
  };
  const run = new Interleaved({ count, intervalMs: 300, burst: 2, family: 0 }, {
    clock,
    resolver,
    diagnostics: probers,
    onHandshake: () => {},
    onNotice: (text) => notices.push(text),
  });
  return { clock, resolver, notices, probers, run };
}

const db = target("db", { host: "db" });

Deno.test("the diagnostics take turns, a third of the interval after one another", async () => {
  const { clock, probers: { handshake, ping, knock }, run } = bench({}, 3);
  await run.prepare([db]);
  const ended = run.run();
  await clock.advance(2000);
  await ended;
  assertEquals(handshake?.timesOf("db"), [0, 10, 300, 310, 600, 610]);
  assertEquals(ping?.timesOf("db"), [100, 400, 700]);
  assertEquals(knock?.timesOf("db"), [200, 500, 800]);
  assertEquals(clock.waiting, 0);
});

Deno.test("all diagnostics mean the same address, and the name is asked for once", async () => {
  const { clock, resolver, probers, run } = bench({});
  await run.prepare([db]);
  resolver.answer("db", ["192.0.2.99"]);
  const ended = run.run();
  await clock.advance(5000);
  await ended;
  const addresses = Object.values(probers).flatMap((of) => of?.sent.map(({ address }) => address));
  assertEquals([new Set(addresses), resolver.asked], [new Set(["192.0.2.7"]), ["db"]]);
});

Deno.test("a name that does not resolve is said once, and the others are compared", async () => {
  const { clock, notices, run } = bench({});
  await run.prepare([db, target("gone", { host: "gone" })]);
  assertEquals([run.resolved, notices], [true, ["gone: cannot resolve gone: name not known"]]);
  const ended = run.run();
  await clock.advance(5000);
  await ended;
  const [first, second] = run.results(() => null);
  assertEquals(new Set(first.findings.map(({ answer }) => answer)), new Set(["same"]));
  assertEquals([second.address, second.ping, second.conclusion], ["", null, null]);
});

Deno.test("handshakes that time out one after the other end with the last slot", async () => {
  const { clock, run } = bench({ handshake: LOST });
  await run.prepare([db]);
  let endedMs = 0;
  run.run().then(() => endedMs = clock.now());
  await clock.advance(60_000);
  // The burst's first is awaited; by then there is no slot left.
  assertEquals(endedMs, 5000);
  const [{ handshake, ping, conclusion }] = run.results(() => null);
  assertEquals([handshake.sent, handshake.lost, ping?.answered], [1, 1, 12]);
  assertEquals(conclusion?.cause, "port_silent");
});

Deno.test("what was gathered until it is stopped is what is told", async () => {
  const { clock, run } = bench({}, 1000);
  await run.prepare([db]);
  const ended = run.run();
  await clock.advance(11 * 300 + 150);
  run.stop();
  await ended;
  const [{ handshake, ping, knock, findings }] = run.results(() => null);
  assertEquals([handshake.sent, ping?.sent, knock?.sent], [24, 12, 11]);
  assertEquals(new Set(findings.map(({ answer }) => answer)), new Set(["same"]));
});

Deno.test("what is left out is nowhere in the result", async () => {
  const { clock, run } = bench({ ping: null });
  await run.prepare([db]);
  const ended = run.run();
  await clock.advance(5000);
  await ended;
  const [{ ping, knock, findings }] = run.results(() => null);
  assertEquals([ping, knock], [null, null]);
  assertEquals(findings.map(({ question }) => question), ["tcp", "tcp", "set_up", "prober"]);
});
