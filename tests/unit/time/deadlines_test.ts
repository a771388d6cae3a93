import { assertEquals, assertLess } from "@std/assert";
import { Deadlines, GRACE_MS } from "../../../src/time/deadlines.ts";
import { FakeClock } from "../fake_clock.ts";
import { property } from "../random.ts";

/** The deadline's value is a function, which is called. */
function run(action: () => unknown): void {
  action();
}

Deno.test("a deadline expires its span after it was set, with the grace and no more", async () => {
  const clock = new FakeClock(0);
  const deadlines = new Deadlines(clock, 100, run);
  let expiredMs = -1;
  deadlines.set(clock.now(), () => expiredMs = clock.now());
  await clock.advance(100);
  assertEquals(expiredMs, -1);
  await clock.advance(1000);
  assertEquals(expiredMs, 100 + GRACE_MS);
});

Deno.test("a deadline taken back never expires, and taking it back twice does no harm", async () => {
  const clock = new FakeClock(0);
  const deadlines = new Deadlines(clock, 100, run);
  const expired: string[] = [];
  const first = deadlines.set(0, () => expired.push("first"));
  const middle = deadlines.set(0, () => expired.push("middle"));
  const next = deadlines.set(0, () => expired.push("next"));
  deadlines.set(0, () => expired.push("last"));
  deadlines.clear(middle);
  deadlines.clear(next);
  deadlines.clear(middle);
  await clock.advance(200);
  deadlines.clear(first);
  assertEquals(expired, ["first", "last"]);
});

Deno.test("all deadlines share one timer, and none is left when nothing is due", async () => {
  const clock = new FakeClock(0);
  const deadlines = new Deadlines(clock, 100, run);
  for (let i = 0; i < 50; i++) deadlines.set(i, () => {});
  assertEquals(clock.waiting, 1);
  await clock.advance(1000);
  assertEquals(clock.waiting, 0);
});

Deno.test("a deadline set after the others were cleared expires in its own time", async () => {
  const clock = new FakeClock(0);
  const deadlines = new Deadlines(clock, 100, run);
  const expired: number[] = [];
  deadlines.clear(deadlines.set(0, () => expired.push(-1)));
  await clock.advance(60);
  deadlines.set(60, () => expired.push(clock.now()));
  await clock.advance(500);
  assertEquals(expired, [160 + GRACE_MS]);
});

Deno.test("after a stall, replies are given one more turn before a deadline counts", async () => {
  const clock = new FakeClock(0);
  const deadlines = new Deadlines(clock, 100, run);
  const expired: string[] = [];
  const answered = deadlines.set(0, () => expired.push("answered"));
  deadlines.set(0, () => expired.push("silent"));
  clock.stall(5000);
  await clock.advance(0);
  assertEquals(expired, []);
  deadlines.clear(answered);
  await clock.advance(GRACE_MS);
  assertEquals(expired, ["silent"]);
});

Deno.test("the grace after a stall is given once, not for ever", async () => {
  const clock = new FakeClock(0);
  const deadlines = new Deadlines(clock, 100, run);
  let expiredMs = -1;
  deadlines.set(0, () => expiredMs = clock.now());
  clock.stall(5000);
  await clock.advance(1);
  clock.stall(5000);
  await clock.advance(0);
  assertEquals(expiredMs, 10_001);
});

Deno.test("stopping takes back all deadlines, and tells what waited", async () => {
  const clock = new FakeClock(0);
  const deadlines = new Deadlines(clock, 100, run);
  let expired = 0;
  const expire = () => expired++;
  const first = deadlines.set(0, expire);
  deadlines.set(0, expire);
  assertEquals(deadlines.stop(), [expire, expire]);
  assertEquals([first.set, deadlines.stop().length], [false, 0]);
  assertEquals(clock.waiting, 0);
  await clock.advance(1000);
  assertEquals(expired, 0);
});

property("each deadline that is not taken back expires once and on time", 100, async (random) => {
  const clock = new FakeClock(0);
  const span = random.int(1, 500);
  const deadlines = new Deadlines(clock, span, run);
  const expired = new Map<number, number>();
  const expected = new Map<number, number>();
  for (let i = 0; i < 40; i++) {
    const setMs = clock.now();
    const deadline = deadlines.set(setMs, () => expired.set(i, clock.now()));
    if (random.int(0, 2) === 0) deadlines.clear(deadline);
    else expected.set(i, setMs + span);
    await clock.advance(random.unit() * 40);
  }
  await clock.advance(span + 10);
  assertEquals([...expired.keys()], [...expected.keys()]);
  for (const [i, atMs] of expired) {
    const late = atMs - expected.get(i)! - GRACE_MS;
    assertLess(Math.abs(late), 1e-6);
  }
});
