import { assertEquals } from "@std/assert";
import { Silence } from "../../../src/run/silence.ts";
import { FakeClock } from "../fake_clock.ts";

Deno.test("each silence of a second is told once, where something is awaited", async () => {
  const clock = new FakeClock(0);
  const silence = new Silence();
  const said: number[] = [];
  let isAwaited = true;
  const end = silence.watch(clock, () => isAwaited, () => said.push(clock.now()));
  await clock.advance(5000);
  assertEquals(said, [1000]);
  silence.broken();
  await clock.advance(2000);
  assertEquals(said.length, 2);
  silence.broken();
  isAwaited = false;
  await clock.advance(5000);
  assertEquals(said.length, 2);
  end();
  assertEquals(clock.waiting, 0);
});

Deno.test("results that come in time leave no silence", async () => {
  const clock = new FakeClock(0);
  const silence = new Silence();
  let said = 0;
  const end = silence.watch(clock, () => true, () => said++);
  for (let i = 0; i < 20; i++) {
    silence.broken();
    await clock.advance(900);
  }
  end();
  assertEquals(said, 0);
});
