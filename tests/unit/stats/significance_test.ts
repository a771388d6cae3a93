import { assertAlmostEquals, assertEquals } from "@std/assert";
import { sharesDifferChance, unequalChance } from "../../../src/stats/significance.ts";
import { property } from "../random.ts";

const DIGITS = 1e-9;

Deno.test("the chance of an uneven split is the binomial's, from both sides", () => {
  assertAlmostEquals(unequalChance(10, 0), 2 / 1024, DIGITS);
  assertAlmostEquals(unequalChance(1, 7), 2 * 9 / 256, DIGITS);
  assertEquals([unequalChance(0, 0), unequalChance(4, 4)], [1, 1]);
});

Deno.test("the chance of unequal shares is that of Fisher's exact test", () => {
  // The tea-tasting lady: 3 of 4 against 1 of 4 is 34/70.
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
