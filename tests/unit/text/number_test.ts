import { assert, assertEquals } from "@std/assert";
import {
  finePercent,
  millisOf,
  millisText,
  percent,
  percentInWords,
  percentNotZero,
  progressPercent,
  roundedShare,
  shortPercent,
  shortTime,
  threeFigures,
} from "../../../src/text/number.ts";
import { property } from "../random.ts";

Deno.test("a table has times in milliseconds to the microsecond", () => {
  assertEquals([0, 1, 412, 1000, 12_345_678].map(millisText), [
    "0.000",
    "0.001",
    "0.412",
    "1.000",
    "12345.678",
  ]);
});

Deno.test("what was not measured is null in JSON", () => {
  assertEquals([null, undefined, -1].map((us) => millisOf(us)), [null, null, null]);
  assertEquals([0, 412, 1000.4].map((us) => millisOf(us)), [0, 0.412, 1]);
});

Deno.test("three figures stay three at every power of ten", () => {
  assertEquals([9, 999, 999.6, 1000, 9994, 9996, 99_940, 99_960, 1_234_567].map(threeFigures), [
    "0.009",
    "0.999",
    "1.00",
    "1.00",
    "9.99",
    "10.0",
    "99.9",
    "100",
    "1235",
  ]);
});

property("a short time has at most five characters below 1,000 s", 500, (random) => {
  const us = Math.exp(random.unit() * Math.log(999_499_999));
  assert(shortTime(us).length <= 5, `${us}: ${shortTime(us)}`);
});

Deno.test("a share is told as finely as its place wants it, and never 0 for something", () => {
  const shares = [null, 0, 0.000001, 0.0004, 0.00123, 0.0996, 0.5, 1];
  const [nothing, ...numbers] = shares;
  assertEquals(percent(nothing), "-");
  assertEquals(numbers.map(percent), ["0.0%", "0.0%", "0.0%", "0.1%", "10.0%", "50.0%", "100.0%"]);
  assertEquals(shares.map(percentNotZero).slice(0, 5), ["-", "0.0%", "<0.1%", "<0.1%", "0.1%"]);
  assertEquals(shares.map(finePercent).slice(0, 5), ["-", "0.0%", "<0.001%", "0.04%", "0.1%"]);
  const some = [0, 0.0001, 0.001, 0.0123, 0.5, 1];
  assertEquals(some.map(shortPercent), ["0%", "<0.1%", "0.1%", "1.2%", "50%", "100%"]);
  assertEquals([0.0025, 0.123].map(percentInWords), ["0.25 %", "12.3 %"]);
});

Deno.test("a run is at 100 % only at its end", () => {
  assertEquals([0, 0.999, 1, 1.5].map(progressPercent), ["0%", "99%", "100%", "100%"]);
});

Deno.test("a share in JSON has six decimals unless fewer are wanted", () => {
  assertEquals([roundedShare(1 / 3), roundedShare(1 / 3, 2), roundedShare(null)], [
    0.333333,
    0.33,
    null,
  ]);
});
