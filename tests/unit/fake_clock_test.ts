import { assertEquals } from "@std/assert";
import { sleepUntil } from "../../src/time/clock.ts";
import { FakeClock } from "./fake_clock.ts";

Deno.test("the fake clock fires wake-ups in order, each at its own moment", async () => {
  const clock = new FakeClock(0);
  const fired: [string, number][] = [];
  const note = (name: string) => () => fired.push([name, clock.now()]);
  clock.wakeAt(20, note("c"));
  clock.wakeAt(10, note("a"));
  clock.wakeAt(10, note("b"));
  const cancel = clock.wakeAt(15, note("never"));
  cancel();
  await clock.advance(15);
  assertEquals(fired, [["a", 10], ["b", 10]]);
  assertEquals(clock.now(), 15);
  await clock.advance(5);
  assertEquals(fired[2], ["c", 20]);
});

Deno.test("the fake clock runs what a wake-up sets off before time goes on", async () => {
  const clock = new FakeClock(0);
  const seen: number[] = [];
  const chain = async () => {
    await sleepUntil(clock, 5);
    seen.push(clock.now());
    await sleepUntil(clock, 7);
    seen.push(clock.now());
  };
  const done = chain();
  await clock.advance(100);
  await done;
  assertEquals(seen, [5, 7]);
});

Deno.test("a stall of the fake clock makes wake-ups late", async () => {
  const clock = new FakeClock(0);
  let firedMs = 0;
  clock.wakeAt(10, () => firedMs = clock.now());
  clock.stall(50);
  await clock.advance(0);
  assertEquals(firedMs, 50);
});
