import { assertEquals } from "@std/assert";
import { Backoff, FlushTimer } from "../../../src/sink/timers.ts";
import { FakeClock, settle } from "../fake_clock.ts";

Deno.test("a batch is flushed a span after its first line, not after its last", async () => {
  const clock = new FakeClock(0);
  const flushed: number[] = [];
  const timer = new FlushTimer(clock, 100, () => flushed.push(clock.now()));
  timer.started();
  await clock.advance(60);
  timer.started();
  await clock.advance(1000);
  assertEquals([flushed, clock.waiting], [[100], 0]);
});

Deno.test("many batches that are full before their time take one timer", async () => {
  const clock = new FakeClock(0);
  const flushed: number[] = [];
  const timer = new FlushTimer(clock, 100, () => flushed.push(clock.now()));
  for (let batch = 0; batch < 30; batch++) {
    timer.started();
    assertEquals(clock.waiting, 1);
    await clock.advance(5);
    timer.emptied();
  }
  timer.started();
  await clock.advance(1000);
  assertEquals([flushed, clock.waiting], [[250], 0]);
});

Deno.test("a flush timer that was stopped leaves nothing behind and can start again", async () => {
  const clock = new FakeClock(0);
  let flushes = 0;
  const timer = new FlushTimer(clock, 100, () => flushes++);
  timer.started();
  timer.stop();
  assertEquals(clock.waiting, 0);
  timer.started();
  await clock.advance(100);
  assertEquals(flushes, 1);
});

Deno.test("waits double up to the limit, and start over after a success", async () => {
  const clock = new FakeClock(0);
  const backoff = new Backoff(clock, { firstMs: 10, mostMs: 50 });
  const waits: number[] = [];
  const measure = async () => {
    const from = clock.now();
    const done = backoff.wait().then(() => waits.push(clock.now() - from));
    while (waits.length === 0 || clock.waiting > 0) await clock.advance(1);
    await done;
  };
  for (let i = 0; i < 5; i++) await measure();
  backoff.reset();
  await measure();
  assertEquals(waits, [10, 20, 40, 50, 50, 10]);
});

Deno.test("a wait that is cut ends at once, without a timer left", async () => {
  const clock = new FakeClock(0);
  const backoff = new Backoff(clock, { firstMs: 10, mostMs: 50 });
  let over = false;
  backoff.wait().then(() => over = true);
  backoff.cut();
  backoff.cut();
  await settle();
  assertEquals([over, clock.waiting], [true, 0]);
});
