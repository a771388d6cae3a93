import { assertEquals } from "@std/assert";
import type { PathMtu } from "../../../src/domain/path.ts";
import { FakeClock } from "../fake_clock.ts";
import { evenHops, type FakeHop, FakePath, traced } from "./fake_path.ts";

async function search(hops: readonly FakeHop[]): Promise<PathMtu | null> {
  const clock = new FakeClock();
  const prober = new FakePath(clock, hops);
  const trace = await traced(clock, prober, { mtu: true });
  return trace.mtu;
}

function narrowAt(hop: number, nextMtu: number, more: Partial<FakeHop> = {}): FakeHop[] {
  return evenHops(5, 10).map((of, i) => i + 1 === hop ? { ...of, nextMtu, ...more } : of);
}

function sizes(mtu: PathMtu | null): (number | null | undefined)[] {
  return [mtu?.arrivedBytes, mtu?.lostBytes, mtu?.linkBytes, mtu?.steps.length];
}

Deno.test("where every link is wide, the longest packet of the first one arrives", async () => {
  assertEquals(sizes(await search(evenHops(5, 10))), [1500, null, 1500, 0]);
});

Deno.test("narrow links are found by what their routers name, and shown to be so", async () => {
  const hops = narrowAt(2, 1400).map((of, i) => i === 3 ? { ...of, nextMtu: 1300 } : of);
  const mtu = await search(hops);
  assertEquals(sizes(mtu), [1300, 1301, 1500, 2]);
  assertEquals(mtu?.steps.map(({ hops, address, mtuBytes }) => [hops, address, mtuBytes]), [
    [3, "h2", 1400],
    [5, "h4", 1300],
  ]);
});

Deno.test("a router that names no MTU, or drops in silence, hides no byte of it", async () => {
  for (const [says, steps] of [["no mtu", 1], ["nothing", 0]] as const) {
    const mtu = await search(narrowAt(3, 1400, { says }));
    assertEquals(sizes(mtu), [1400, 1401, 1500, steps], says);
  }
});

Deno.test("where nobody answers, the MTU is unknown", async () => {
  const silent = evenHops(3, 10).map((of) => ({ ...of, silent: true }));
  assertEquals(sizes(await search(silent)), [null, null, 1500, 0]);
});

Deno.test("where the target is silent, it is the MTU to the farthest router", async () => {
  const hops = narrowAt(2, 1400).map((of, i) => i === 4 ? { ...of, silent: true } : of);
  const mtu = await search(hops);
  assertEquals([mtu?.hops, mtu?.address, ...sizes(mtu)], [4, "h4", 1400, 1401, 1500, 1]);
});
