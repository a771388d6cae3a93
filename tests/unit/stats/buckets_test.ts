import { assert, assertEquals } from "@std/assert";
import { Buckets, MANY_BOUNDS_US } from "../../../src/stats/buckets.ts";
import { property } from "../random.ts";

/** The values at or below each bound, by counting them. */
function upTo(values: readonly number[]): number[] {
  return MANY_BOUNDS_US.map((bound) => values.filter((value) => value <= bound).length);
}

const LAST = MANY_BOUNDS_US.length;

function cumulative(buckets: Buckets): number[] {
  let total = 0;
  return Array.from({ length: LAST + 1 }, (_, i) => total += buckets.count(i));
}

function filled(values: readonly number[]): Buckets {
  const [before, buckets, after] = Buckets.several(3);
  for (const neighbour of [before, after]) neighbour.add(7);
  for (const value of values) buckets.add(value);
  return buckets;
}

Deno.test("the bounds ascend from 50 µs", () => {
  assertEquals(MANY_BOUNDS_US[0], 50);
  for (let i = 1; i < MANY_BOUNDS_US.length; i++) {
    assert(MANY_BOUNDS_US[i] > MANY_BOUNDS_US[i - 1]);
  }
});

Deno.test("nothing added is nothing counted", () => {
  const [empty, used] = Buckets.several(2);
  used.add(1);
  assertEquals(cumulative(empty), new Array(LAST + 1).fill(0));
  assertEquals(empty.sumUs, 0);
});

Deno.test("a value on a bound belongs below it, one more does not", () => {
  for (const [i, bound] of MANY_BOUNDS_US.entries()) {
    assertEquals(filled([bound]).count(i), 1, `${bound}`);
    assertEquals(filled([bound + 1]).count(i + 1), 1, `${bound} + 1`);
  }
});

Deno.test("a value above all bounds is in the last bucket alone", () => {
  const buckets = filled([2 ** 31 - 1, 2 ** 40]);
  assertEquals(buckets.count(LAST), 2);
  assertEquals(buckets.sumUs, 2 ** 31 - 1 + 2 ** 40);
});

property("counts and sum are those of the values", 100, (random) => {
  const size = random.int(0, 500);
  const values = Array.from({ length: size }, () => Math.floor(2 ** (random.unit() * 31)) - 1);
  const buckets = filled(values);
  assertEquals(cumulative(buckets), [...upTo(values), size]);
  assertEquals(buckets.sumUs, values.reduce((sum, value) => sum + value, 0));
});
