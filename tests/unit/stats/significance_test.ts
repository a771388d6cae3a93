import { assertAlmostEquals, assertEquals } from "@std/assert";
import { shareBounds, sharesDifferChance, unequalChance } from "../../../src/stats/significance.ts";
import { property } from "../random.ts";

const DIGITS = 1e-9;

Deno.test("the chance of an uneven split is the binomial's, from both sides", () => {
  assertAlmostEquals(unequalChance(10, 0), 2 / 1024, DIGITS);
  assertAlmostEquals(unequalChance(1, 7), 2 * 9 / 256, DIGITS);
  assertEquals([unequalChance(0, 0), unequalChance(4, 4)], [1, 1]);
});

Deno.test("the chance of unequal shares is that of Fisher's exact test", () => {
  // Fisher's experiment of the lady tasting tea: 3 of 4 against 1 of 4 is 34/70.
  assertAlmostEquals(sharesDifferChance({ count: 3, of: 4 }, { count: 1, of: 4 }), 34 / 70, DIGITS);
  const all = sharesDifferChance({ count: 12, of: 12 }, { count: 0, of: 12 });
  assertAlmostEquals(all, 2 / 2_704_156, DIGITS);
  assertAlmostEquals(sharesDifferChance({ count: 0, of: 9 }, { count: 0, of: 30 }), 1, DIGITS);
});

property("the order of the two changes nothing, and a chance is one", 200, (random) => {
  const [one, other] = [1, 2].map(() => {
    const of = random.int(0, 300);
    return { count: random.int(0, of), of };
  });
  const chance = sharesDifferChance(one, other);
  assertAlmostEquals(chance, sharesDifferChance(other, one), 1e-6);
  assertEquals(chance >= 0 && chance <= 1, true);
});

Deno.test("the bounds of a share are those of Clopper and Pearson", () => {
  // 8 of 40 at 19 times of 20, as in every statistics package: 9.05 % to 35.65 %.
  const [least, most] = shareBounds({ count: 8, of: 40 }, 0.025);
  assertAlmostEquals(least, 0.0905, 1e-4);
  assertAlmostEquals(most, 0.3565, 1e-4);
  // None of 100: three in a hundred, by the rule of three.
  const [none, three] = shareBounds({ count: 0, of: 100 }, 0.05);
  assertEquals(none, 0);
  assertAlmostEquals(three, 1 - 0.05 ** 0.01, 1e-5);
  assertEquals(shareBounds({ count: 7, of: 7 }, 0.01)[1], 1);
  assertEquals(shareBounds({ count: 0, of: 0 }, 0.01), [0, 1]);
});

property("the bounds of a share hold it, and more trials bring them closer", 100, (random) => {
  const of = random.int(1, 200);
  const count = random.int(0, of);
  const [least, most] = shareBounds({ count, of }, 0.01);
  assertEquals(least <= count / of && count / of <= most, true);
  const [closerLeast, closerMost] = shareBounds({ count: 2 * count, of: 2 * of }, 0.01);
  assertEquals(closerMost - closerLeast <= most - least, true);
});
