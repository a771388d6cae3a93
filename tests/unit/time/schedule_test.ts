import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import { CATCH_UP_MS, dueMs, skippedSlots, splayMs } from "../../../src/time/schedule.ts";
import { property } from "../random.ts";

Deno.test("a slot that is not late is sent, and none is skipped", () => {
  assertEquals(skippedSlots(0, 1000, 3, 2999), 0);
  assertEquals(skippedSlots(0, 1000, 3, 3000), 0);
});

Deno.test("a slot is still sent when it is late by one interval, and skipped beyond", () => {
  assertEquals(skippedSlots(0, 1000, 3, 4000), 0);
  assertEquals(skippedSlots(0, 1000, 3, 4000.1), 1);
});

Deno.test("short intervals are made good for 20 ms after a stall and no further", () => {
  assertEquals(skippedSlots(0, 1, 10, 30), 0);
  assertEquals(skippedSlots(0, 1, 10, 1030), 1000);
});

Deno.test("a million slots later the due time has not drifted", () => {
  assertEquals(dueMs(0.25, 0.1, 10_000_000), 0.25 + 1_000_000);
});

Deno.test("starts are spread evenly over the interval", () => {
  assertEquals([0, 1, 2, 3].map((i) => splayMs(i, 4, 1000)), [0, 250, 500, 750]);
  assertEquals(splayMs(0, 1, 1000), 0);
  assertEquals(splayMs(0, 0, 1000), 0);
});

property("sent and skipped slots add up, and a burst after a stall is bounded", 200, (random) => {
  const interval = random.pick([1, 1.5, 7, 20, 100, 1000]);
  const start = random.unit() * 1e6;
  const bound = Math.max(CATCH_UP_MS, interval);
  let now = start;
  let slot = 0;
  let sent = 0;
  let skipped = 0;
  for (let turn = 0; turn < 50; turn++) {
    now = Math.max(now, dueMs(start, interval, slot));
    if (random.int(0, 4) === 0) now += random.unit() * interval * 200;
    let burst = 0;
    while (dueMs(start, interval, slot) <= now) {
      const gone = skippedSlots(start, interval, slot, now);
      const due = dueMs(start, interval, slot + gone);
      assert(Number.isInteger(gone) && gone >= 0);
      assert(due <= now, "a probe is never sent before it is due");
      assertLessOrEqual(now - due, bound + 1e-6);
      skipped += gone;
      slot += gone + 1;
      sent++;
      burst++;
    }
    assertLessOrEqual(burst, Math.floor(bound / interval) + 1);
    assertEquals(sent + skipped, slot);
  }
  assertEquals(slot, Math.floor((now - start) / interval + 1e-9) + 1);
});

property("only as many slots are skipped as the bound demands", 200, (random) => {
  const interval = random.pick([1, 3, 25, 1000]);
  const late = random.unit() * interval * 1000;
  const skipped = skippedSlots(0, interval, 0, late);
  const bound = Math.max(CATCH_UP_MS, interval);
  if (skipped > 0) assert(late - (skipped - 1) * interval > bound - 1e-6);
});

property("any number of targets starts within one interval, none together", 50, (random) => {
  const count = random.int(2, 300);
  const interval = random.int(1, 60_000);
  const starts = Array.from({ length: count }, (_, i) => splayMs(i, count, interval));
  for (const [i, at] of starts.entries()) assertAlmostEquals(at, i * interval / count, 1e-6);
  assert(starts.every((at) => at >= 0 && at < interval));
});
