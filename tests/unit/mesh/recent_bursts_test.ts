import { assertEquals } from "@std/assert";
import { RecentBursts } from "../../../src/mesh/recent_bursts.ts";
import { established, record } from "../fixtures.ts";

Deno.test("the last two bursts are kept, whichever slots went by between them", () => {
  const recent = new RecentBursts();
  for (const slot of [0, 0, 1, 1, 7, 7]) {
    recent.add(1000, established(1, 100 * slot + 100, { slot }));
  }
  assertEquals(recent.figures(1000).recent, {
    bursts: 2,
    sent: 4,
    answered: 4,
    refused: 0,
    p50Us: 200,
  });
});

Deno.test("a burst that is late as a whole raises no figure of the last two", () => {
  const recent = new RecentBursts();
  const burst = (slot: number, lateUs: number) => {
    recent.add(slot, established(1, 700 + lateUs, { slot, cold: true }));
    for (let i = 0; i < 4; i++) recent.add(slot, established(i, 400 + lateUs, { slot }));
    const { p50Us, leastColdUs } = recent.figures(slot).recent ?? {};
    return [p50Us, leastColdUs];
  };
  assertEquals(burst(0, 0), [400, undefined]);
  assertEquals(burst(1, 5000), [400, 700]);
  assertEquals(burst(2, 5000), [5400, 5700]);
});

Deno.test("a target that has stopped answering is told after two probes of two bursts", () => {
  const recent = new RecentBursts();
  for (let i = 0; i < 5; i++) recent.add(0, established(i, 400, { slot: 0 }));
  recent.add(10_000, record({ slot: 1, outcome: "timeout" }));
  recent.add(20_000, record({ slot: 2, outcome: "timeout" }));
  const { recent: now, answeredAgeMs, establishedAgeMs } = recent.figures(21_000);
  assertEquals(now, { bursts: 2, sent: 2, answered: 0, refused: 0, p50Us: null });
  assertEquals([answeredAgeMs, establishedAgeMs], [21_000, 21_000]);
});

Deno.test("a refusal is an answer, and no handshake; what was not sent is nothing", () => {
  const recent = new RecentBursts();
  recent.add(1000, established(1, 400, { slot: 0 }));
  recent.add(5000, record({ slot: 1, outcome: "refused" }));
  recent.add(6000, record({ slot: 1, outcome: "error" }));
  const { recent: now, ...ages } = recent.figures(7000);
  assertEquals(now, { bursts: 2, sent: 2, answered: 2, refused: 1, p50Us: 400 });
  assertEquals(ages, { answeredAgeMs: 2000, establishedAgeMs: 6000, left: false });
});

Deno.test("before any probe there is nothing to tell", () => {
  assertEquals(new RecentBursts().figures(5000), {
    recent: { bursts: 0, sent: 0, answered: 0, refused: 0, p50Us: null },
    answeredAgeMs: null,
    establishedAgeMs: null,
    left: false,
  });
});

Deno.test("a peer that said that it leaves is gone until it answers again", () => {
  const recent = new RecentBursts();
  recent.add(0, established(1, 400, { slot: 0 }));
  recent.leave(1000);
  // A handshake that was under way.
  recent.add(1500, established(2, 400, { slot: 0 }));
  recent.add(10_000, record({ slot: 1, outcome: "refused" }));
  assertEquals(recent.figures(11_000).left, true);
  recent.add(20_000, established(3, 400, { slot: 2 }));
  assertEquals(recent.figures(21_000).left, false);
});

Deno.test("what is usual is the median of the bursts before the last two, as far as some minutes back", () => {
  const recent = new RecentBursts();
  const burst = (slot: number, us: number) => {
    recent.add(slot, established(2 * slot + 1, us, { slot }));
    return recent.usualUs;
  };
  for (let slot = 0; slot < 5; slot++) assertEquals(burst(slot, 300 + slot), null);
  assertEquals(burst(5, 9000), 301);
  // After an hour of it the new way is the usual one.
  for (let slot = 6; slot < 80; slot++) burst(slot, 9000);
  assertEquals(burst(80, 9000), 9000);
});
