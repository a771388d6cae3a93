import { assert, assertEquals, assertLess } from "@std/assert";
import { WallAnchor, type WallTime } from "../../../src/time/wall_anchor.ts";
import { FakeClock } from "../fake_clock.ts";
import { property } from "../random.ts";

const START_MS = Date.UTC(2026, 10, 21, 9);

/** Microseconds since the start of the test, exact. */
function microsOf(time: WallTime): number {
  return (time.wallSeconds - START_MS / 1000) * 1_000_000 + time.wallNanos / 1000;
}

function stampOf(anchor: WallAnchor, atMs: number): WallTime {
  const time = { wallSeconds: 0, wallNanos: 0 };
  anchor.stamp(atMs, time);
  return time;
}

Deno.test("stamps have microseconds though the wall clock has milliseconds", async () => {
  const clock = new FakeClock(5000, START_MS);
  const anchor = new WallAnchor(clock);
  await clock.advance(1234.567);
  assertEquals(stampOf(anchor, clock.now()), {
    wallSeconds: START_MS / 1000 + 1,
    wallNanos: 234_567_000,
  });
});

Deno.test("a wall clock stepped forwards is followed at once", async () => {
  const clock = new FakeClock(0, START_MS);
  const anchor = new WallAnchor(clock);
  await clock.advance(1000);
  clock.stepWall(3_600_000);
  assertEquals(microsOf(stampOf(anchor, clock.now())), 3_601_000_000);
});

Deno.test("a wall clock stepped backwards is followed at once", async () => {
  const clock = new FakeClock(0, START_MS);
  const anchor = new WallAnchor(clock);
  await clock.advance(1000);
  clock.stepWall(-5000);
  assertEquals(microsOf(stampOf(anchor, clock.now())), -4_000_000);
});

Deno.test("a moment shortly before the stamp is stamped with its own time", async () => {
  const clock = new FakeClock(0, START_MS);
  const anchor = new WallAnchor(clock);
  await clock.advance(2000);
  assertEquals(microsOf(stampOf(anchor, 1250.5)), 1_250_500);
});

property("without a step, stamps differ exactly as the monotonic clock", 100, async (random) => {
  const clock = new FakeClock(random.unit() * 1e6, START_MS + random.unit());
  const anchor = new WallAnchor(clock);
  const firstMs = clock.now();
  const first = microsOf(stampOf(anchor, firstMs));
  for (let i = 0; i < 20; i++) {
    await clock.advance(random.unit() * 300);
    const time = stampOf(anchor, clock.now());
    assert(time.wallNanos >= 0 && time.wallNanos < 1e9 && time.wallNanos % 1000 === 0);
    const elapsed = microsOf(time) - first;
    assertLess(Math.abs(elapsed - (clock.now() - firstMs) * 1000), 2);
    assertLess(Math.abs(microsOf(time) / 1000 + START_MS - clock.wall()), 3);
  }
});
