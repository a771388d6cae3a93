import { assertEquals, assertLess } from "@std/assert";
import { MAX_KEYS, WindowedCounts } from "../../../src/stats/windowed_counts.ts";
import { property } from "../random.ts";

function totals(counts: WindowedCounts): Map<number, number> {
  const found = new Map<number, number>();
  counts.each((key, count) => found.set(key, (found.get(key) ?? 0) + count));
  return found;
}

Deno.test("a slice's counts go when the window has passed over it", () => {
  const counts = new WindowedCounts(3);
  counts.add(0, 7);
  counts.add(1, 7, 2);
  counts.add(2, 9);
  assertEquals(totals(counts), new Map([[7, 3], [9, 1]]));
  counts.advance(3);
  assertEquals(totals(counts), new Map([[7, 2], [9, 1]]));
  counts.advance(4);
  assertEquals(totals(counts), new Map([[9, 1]]));
  counts.advance(1_000_000_000);
  assertEquals(totals(counts), new Map());
});

Deno.test("a slice that comes late counts in the one under way", () => {
  const counts = new WindowedCounts(2);
  counts.add(5, 1);
  counts.add(3, 1);
  assertEquals(totals(counts), new Map([[1, 2]]));
});

Deno.test("more than a word can count takes several words", () => {
  const counts = new WindowedCounts(2);
  counts.add(0, MAX_KEYS - 1, 1_000_000);
  counts.add(0, MAX_KEYS - 1, 1_000_000);
  assertEquals(totals(counts), new Map([[MAX_KEYS - 1, 2_000_000]]));
});

Deno.test("memory is that of what was counted, and is given back", () => {
  const counts = new WindowedCounts(10);
  const empty = counts.bytes;
  for (let i = 0; i < 100_000; i++) counts.add(0, i % 50);
  assertLess(counts.bytes, 500);
  for (let i = 0; i < 5000; i++) counts.add(1, i);
  assertLess(counts.bytes, 30_000);
  counts.advance(100);
  assertLess(counts.bytes, empty + 200);
});

property("the sums are those of the slices within the window", 50, (random) => {
  const slices = random.int(1, 6);
  const counts = new WindowedCounts(slices);
  const all: { slice: number; key: number; times: number }[] = [];
  let slice = 0;
  for (let i = 0; i < 300; i++) {
    if (random.unit() < 0.1) slice += random.int(1, random.pick([1, 2, 9]));
    const [key, times] = [random.int(0, 20), random.int(0, 3)];
    counts.add(slice, key, times);
    if (times > 0) all.push({ slice, key, times });
  }
  const expected = new Map<number, number>();
  for (const one of all) {
    if (one.slice > slice - slices) {
      expected.set(one.key, (expected.get(one.key) ?? 0) + one.times);
    }
  }
  const sorted = (map: Map<number, number>) => [...map].sort(([a], [b]) => a - b);
  counts.advance(slice);
  assertEquals(sorted(totals(counts)), sorted(expected));
});
