/** Streams of probe results, on the fake clock and a scripted network. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/domain/exit.ts";
import type { ProbeResult } from "../../../src/library/probe_result.ts";
import {
  type OpenProber,
  type ProbeStream,
  probeStream,
  type ScheduleOptions,
} from "../../../src/library/probe_stream.ts";
import { FakeClock, settle } from "../fake_clock.ts";
import { FakeProber, FakeResolver, type Fate, type Sent } from "../fake_network.ts";
import { target } from "../fixtures.ts";
import { property } from "../random.ts";

/** A stream over a scripted network, and what is open of it. */
class Bench {
  readonly clock = new FakeClock();
  readonly prober: FakeProber;
  readonly stream: ProbeStream;
  opened = 0;
  closed = 0;

  constructor(
    targets: readonly string[],
    options: ScheduleOptions = {},
    fateOf: (sent: Sent) => Fate = () => ({ afterMs: 1 }),
  ) {
    this.prober = new FakeProber(this.clock, fateOf);
    const of = targets.map((name) => target(name));
    this.stream = probeStream(of, options, null, () => this.#open());
  }

  #open(): OpenProber {
    this.opened++;
    const { clock, prober } = this;
    const resolver = new FakeResolver(clock);
    const close = () => {
      this.closed++;
      prober.stop();
      return Promise.resolve();
    };
    return { clock, prober, resolver, maxInFlight: 100, close };
  }

  /** What is read from now on, as it is read. */
  read(): ProbeResult[] {
    const results: ProbeResult[] = [];
    (async () => {
      for await (const result of this.stream) results.push(result);
    })();
    return results;
  }
}

const seqs = (results: readonly ProbeResult[]) => results.map(({ seq }) => seq);

Deno.test("nothing is opened before the first result is asked for, and all is closed after the last", async () => {
  const bench = new Bench(["a"], { count: 2 });
  await bench.clock.advance(5000);
  assertEquals([bench.opened, bench.prober.sent.length], [0, 0]);
  const results = bench.read();
  await bench.clock.advance(5000);
  assertEquals([seqs(results), bench.opened, bench.closed], [[1, 2], 1, 1]);
  assertEquals(bench.clock.waiting, 0);
});

Deno.test("a result is an object of its own, null where there is no figure", async () => {
  const bench = new Bench(
    ["a"],
    { count: 2 },
    ({ seq }) => seq === 1 ? { afterMs: 0.25 } : { afterMs: 3, outcome: "timeout" },
  );
  const [first, second] = await Promise.all([
    bench.stream.next(),
    bench.stream.next(),
    bench.clock.advance(2000),
  ]);
  assertEquals(first.value, {
    target: target("a"),
    address: "192.0.2.1",
    seq: 1,
    outcome: "established",
    rttUs: 250,
    rttSource: "kernel",
    connectUs: 250,
    synRetransmits: null,
    cold: true,
    lagUs: 0,
    sentMs: Date.UTC(2026, 10, 21, 9),
    error: null,
  });
  const { outcome, rttUs, rttSource, connectUs } = second.value as ProbeResult;
  assertEquals([outcome, rttUs, rttSource, connectUs], ["timeout", null, null, null]);
  await bench.stream.return?.();
});

property(
  "results of a target keep the order of its probes, whatever is answered first",
  20,
  async (random) => {
    const delays = new Map<string, number>();
    const bench = new Bench(["a", "b", "c"], { count: 20, intervalMs: 10 }, ({ target, seq }) => {
      const afterMs = random.unit() < 0.3 ? 500 : 100 * random.unit();
      delays.set(`${target} ${seq}`, afterMs);
      return { afterMs };
    });
    const results = bench.read();
    await bench.clock.advance(5000);
    for (const name of ["a", "b", "c"]) {
      const own = results.filter(({ target }) => target.name === name);
      assertEquals(seqs(own), Array.from({ length: 20 }, (_, i) => i + 1));
      assertEquals(
        own.map(({ rttUs }) => rttUs),
        own.map(({ seq }) => Math.round(1000 * (delays.get(`${name} ${seq}`) ?? NaN))),
      );
    }
  },
);

Deno.test("a result that waits for the one before it is handed out with it, and at the end in any case", async () => {
  const bench = new Bench(
    ["a"],
    { intervalMs: 10 },
    ({ seq }) => ({ afterMs: seq === 1 ? 100 : 1 }),
  );
  const results = bench.read();
  await bench.clock.advance(99);
  assertEquals(seqs(results), []);
  await bench.clock.advance(1);
  assertEquals(seqs(results), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  await bench.stream.return?.();

  const stop = new AbortController();
  const stopped = new Bench(["a"], { intervalMs: 10, signal: stop.signal }, ({ seq }) => ({
    afterMs: seq === 1 ? 100 : 1,
  }));
  const early = stopped.read();
  await stopped.clock.advance(35);
  stop.abort();
  await settle();
  assertEquals([seqs(early), stopped.closed], [[2, 3, 4], 1]);
});

Deno.test("wait: what is read slowly is sent slowly, and what went by is skipped", async () => {
  const bench = new Bench(["a"], { intervalMs: 10, buffer: 3, whenFull: "wait" });
  await Promise.all([bench.stream.next(), bench.clock.advance(1000)]);
  // The result that was handed out keeps its place until the next one is asked for.
  assertEquals([bench.prober.sent.length, bench.stream.dropped], [3, 0]);
  await Promise.all([bench.stream.next(), bench.clock.advance(1000)]);
  assertEquals(bench.prober.sent.length, 4);
  const skipped = bench.stream.skipped;
  assertEquals(skipped > 90, true);
  const rest = [];
  for (let i = 0; i < 3; i++) {
    const [{ value }] = await Promise.all([bench.stream.next(), bench.clock.advance(30)]);
    rest.push(value as ProbeResult);
  }
  assertEquals(seqs(rest), [3, 4, 5]);
  await bench.stream.return?.();
  assertEquals(bench.clock.waiting, 0);
});

Deno.test("wait: no result is lost, however slowly they are read", async () => {
  const bench = new Bench(["a", "b"], { count: 50, intervalMs: 10, buffer: 2 });
  const results: ProbeResult[] = [];
  (async () => {
    for await (const result of bench.stream) {
      results.push(result);
      await new Promise<void>((resolve) => bench.clock.wakeAt(bench.clock.now() + 35, resolve));
    }
  })();
  await bench.clock.advance(60_000);
  for (const name of ["a", "b"]) {
    const own = results.filter(({ target }) => target.name === name);
    assertEquals(seqs(own), Array.from({ length: 50 }, (_, i) => i + 1));
  }
  assertEquals([bench.stream.dropped, bench.closed], [0, 1]);
});

Deno.test("drop-oldest: probes go on, and the oldest results are dropped and counted", async () => {
  const bench = new Bench(["a"], { count: 10, intervalMs: 10, buffer: 3, whenFull: "drop-oldest" });
  await Promise.all([bench.stream.next(), bench.clock.advance(1000)]);
  assertEquals([bench.prober.sent.length, bench.stream.dropped, bench.stream.skipped], [10, 6, 0]);
  assertEquals(seqs(await Array.fromAsync(bench.stream)), [8, 9, 10]);
});

Deno.test("the loop that is left has everything closed, also by an error", async () => {
  for (const leave of ["break", "throw"]) {
    const bench = new Bench(["a", "b"], { intervalMs: 10 });
    const reading = (async () => {
      for await (const _ of bench.stream) {
        if (leave === "break") break;
        throw new Error("mine");
      }
    })();
    const caught = leave === "break" ? reading : assertRejects(() => reading, Error, "mine");
    await Promise.all([caught, bench.clock.advance(100)]);
    assertEquals([bench.closed, bench.clock.waiting], [1, 0]);
    assertEquals(await bench.stream.next(), { done: true, value: undefined });
  }
});

Deno.test("a stream that is left before it began has opened nothing", async () => {
  const bench = new Bench(["a"]);
  {
    await using _stream = bench.stream;
  }
  assertEquals([bench.opened, (await bench.stream.next()).done], [0, true]);
});

Deno.test("a signal ends the stream without an error, before the start too", async () => {
  const bench = new Bench(["a"], { signal: AbortSignal.abort() });
  assertEquals([await Array.fromAsync(bench.stream), bench.opened], [[], 0]);
  const stop = new AbortController();
  const running = new Bench(["a"], { signal: stop.signal });
  const results = running.read();
  await running.clock.advance(1500);
  stop.abort();
  await settle();
  assertEquals([seqs(results), running.closed, running.clock.waiting], [[1, 2], 1, 0]);
});

Deno.test("what cannot be opened is the first result's error, and the stream is over", async () => {
  const stream = probeStream([target("a")], {}, null, () => {
    throw new UsageError("no");
  });
  await assertRejects(() => stream.next(), UsageError, "no");
  assertEquals(await stream.next(), { done: true, value: undefined });
});

Deno.test("each option out of its range is refused by its name, before anything is opened", () => {
  const wrong: readonly ScheduleOptions[] = [
    { count: 0 },
    { count: 1.5 },
    { durationMs: 0 },
    { intervalMs: 0.5 },
    { intervalMs: NaN },
    { maxInFlight: 0 },
    { resolveAfter: -1 },
    { buffer: 0 },
  ];
  for (const options of wrong) {
    const [[name, value]] = Object.entries(options);
    assertThrows(() => new Bench(["a"], options), UsageError, `${name} ${value}: wants a`);
  }
});
