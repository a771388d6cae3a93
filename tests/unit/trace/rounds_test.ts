/** Where a path ends, as the rounds of a repeated trace have it. */
import { assertEquals } from "@std/assert";
import type { PathEnd } from "../../../src/domain/path.ts";
import { FakeClock } from "../fake_clock.ts";
import { evenHops, type FakeHop, FakePath, traced } from "./fake_path.ts";

/** Where the path is said to end after ten rounds; `laterHops` are there from the sixth on. */
async function endOf(
  hops: readonly FakeHop[],
  laterHops = hops,
  intervalMs = 300,
): Promise<PathEnd | null> {
  const clock = new FakeClock();
  let rounds = 0;
  const isLater = () => rounds >= 6;
  const prober = new FakePath(clock, () => isLater() ? laterHops : hops);
  prober.renew = () => {
    rounds++;
  };
  const trace = await traced(clock, prober, { rounds: 10, intervalMs });
  return trace.path.end();
}

const SILENT = { silent: true };

Deno.test("a target that answers one of many rounds stays where it was first met", async () => {
  for (const everyMs of [700, 1000, 2500]) {
    const hops = evenHops(4, 5).map((hop, i) => i === 3 ? { ...hop, everyMs } : hop);
    const free = evenHops(4, 5);
    const end = await endOf(free, hops);
    assertEquals([end?.hops, end?.isAtMost], [4, false], `${everyMs} ms`);
  }
});

Deno.test("a target that moved behind silent routers is followed after some rounds", async () => {
  const longer = evenHops(7, 5).map((hop, i) => i >= 3 && i < 6 ? { ...hop, ...SILENT } : hop);
  const end = await endOf(evenHops(4, 5), longer);
  assertEquals([end?.hops, end?.isAtMost], [7, false]);
});

Deno.test("a path that became shorter ends there at once", async () => {
  const end = await endOf(evenHops(6, 5), evenHops(3, 5));
  assertEquals([end?.hops, end?.isAtMost], [3, false]);
});
