import { assertEquals } from "@std/assert";
import { DAY_WINDOWS, PairDay } from "../../../src/mesh/pair_day.ts";
import { established, record } from "../fixtures.ts";

Deno.test("a window has its mean, and what was sent and established in it", () => {
  const day = new PairDay();
  for (const us of [400, 500, 600]) day.add(0, established(1, us));
  day.add(0, record({ outcome: "timeout" }));
  day.add(0, record({ outcome: "error" }));
  day.add(2, record({ outcome: "refused" }));
  assertEquals(day.windows(3), [
    { window: 0, meanUs: 500, sent: 4, established: 3 },
    { window: 2, meanUs: null, sent: 1, established: 0 },
  ]);
});

Deno.test("a target is met by windows whose mean is not above it; one without a handshake met nothing", () => {
  const day = new PairDay();
  for (const [window, us] of [[0, 400], [1, 500], [2, 501]]) day.add(window, established(1, us));
  day.add(3, record({ outcome: "timeout" }));
  const sums = { sent: 4, established: 3 };
  assertEquals(day.figures(3, 500), { windows: 4, met: 2, ...sums });
  assertEquals(day.figures(3, null), { windows: 4, met: null, ...sums });
});

Deno.test("what is older than a day is forgotten, however long nothing was measured", () => {
  const day = new PairDay();
  day.add(0, established(1, 400));
  day.add(DAY_WINDOWS - 1, established(1, 400));
  assertEquals(day.windows(DAY_WINDOWS - 1).length, 2);
  assertEquals(day.windows(DAY_WINDOWS).map(({ window }) => window), [DAY_WINDOWS - 1]);
  day.add(10 * DAY_WINDOWS, established(1, 400));
  const sums = { windows: 1, met: 1, sent: 1, established: 1 };
  assertEquals(day.figures(10 * DAY_WINDOWS, 400), sums);
});

Deno.test("what is usual is the median of the windows that are over, from the third on", () => {
  const day = new PairDay();
  const usual = (window: number) => day.figures(window, null) && day.usualUs;
  for (const [window, us] of [400, 500, 9000, 450].entries()) day.add(window, established(1, us));
  assertEquals(usual(3), 500);
  assertEquals(usual(4), 450);
  const young = new PairDay();
  for (const window of [0, 1, 2]) young.add(window, established(1, 400));
  young.figures(2, null);
  assertEquals(young.usualUs, null);
});
