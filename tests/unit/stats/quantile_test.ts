import { assertEquals } from "@std/assert";
import { Histogram } from "../../../src/stats/histogram.ts";
import { median, quantile, spread } from "../../../src/stats/quantile.ts";
import { property } from "../random.ts";

Deno.test("the median is a value that was measured: of the middle two the smaller", () => {
  assertEquals([median([5]), median([9, 1, 2]), median([10, 9, 1, 2])], [5, 2, 2]);
  assertEquals([median([]), quantile([], 0.9)], [NaN, NaN]);
});

Deno.test("the spread of equal values is 0, and one outlier does not move it", () => {
  assertEquals([spread([4, 4, 4]), spread([4, 4, 4, 4, 1000])], [0, 0]);
});

property("a quantile is the one that a histogram of few values tells", 200, (random) => {
  const values = Array.from({ length: random.int(1, 16) }, () => random.int(0, 1_000_000));
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  const q = random.pick([0.5, 0.9, 0.99]);
  assertEquals(quantile(values, q), histogram.quantile(q));
});
