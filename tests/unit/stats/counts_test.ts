import { assertEquals, assertLessOrEqual } from "@std/assert";
import { Counts, ROOM } from "../../../src/stats/counts.ts";
import { property } from "../random.ts";

/** All counts of a histogram that are not 0, by bucket. */
function held(counts: Counts, histogram: number): [number, number][] {
  const first = counts.first(histogram);
  return Array.from({ length: counts.length(histogram) }, (_, i) => first + i)
    .map((bucket): [number, number] => [bucket, counts.count(histogram, bucket)])
    .filter(([, count]) => count > 0);
}

property("each histogram's counts are its own, in whatever order they come", 200, (random) => {
  const histograms = random.int(1, 5);
  const counts = new Counts(histograms);
  const expected = Array.from({ length: histograms }, () => new Map<number, number>());
  const times = () => random.pick([1, 1, 1, 200, 40_000, 2 ** 31, 2 ** 40]);
  for (let i = random.int(0, 300); i > 0; i--) {
    const histogram = random.int(0, histograms - 1);
    const bucket = random.pick([random.int(0, 3300), random.int(100, 140)]);
    const added = times();
    counts.add(histogram, bucket, added);
    const of = expected[histogram];
    of.set(bucket, (of.get(bucket) ?? 0) + added);
  }
  for (const [histogram, of] of expected.entries()) {
    assertEquals(held(counts, histogram), [...of].sort(([one], [other]) => one - other));
  }
});

property("there is room for the buckets met, and for less than two steps more", 100, (random) => {
  const counts = new Counts(2);
  const low = random.int(0, 3000);
  const high = low + random.int(0, 300);
  for (const bucket of [low, high, random.int(low, high)]) counts.add(1, bucket, 1);
  assertLessOrEqual(counts.length(1), high - low + 2 * ROOM);
  assertEquals([counts.length(0), counts.first(1) % ROOM], [0, 0]);
});

Deno.test("a reserved row takes what comes as one that is made when it is needed", () => {
  const [reserved, other] = [new Counts(2), new Counts(2)];
  reserved.reserve();
  for (const counts of [reserved, other]) {
    counts.add(1, 700, 300);
    counts.reserve();
    counts.add(0, 3, 1);
    for (let bucket = 0; bucket < 600; bucket += 7) counts.add(1, bucket, 2);
  }
  for (const histogram of [0, 1]) assertEquals(held(reserved, histogram), held(other, histogram));
  assertEquals([reserved.count(1, 700), reserved.count(1, 0)], [300, 2]);
});

Deno.test("a count goes on where its cell is too narrow for it", () => {
  const counts = new Counts(2);
  counts.add(0, 7, 3);
  counts.add(1, 7, 1);
  for (const largest of [2 ** 8 - 1, 2 ** 16 - 1]) {
    counts.add(1, 7, largest - counts.count(1, 7));
    counts.add(1, 7, 1);
    assertEquals(counts.count(1, 7), largest + 1);
  }
  counts.add(1, 7, 2 ** 32 - 1);
  assertEquals([counts.count(0, 7), counts.count(1, 7)], [3, 2 ** 32 + 2 ** 16 - 1]);
});
