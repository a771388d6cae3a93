import { assert, assertEquals } from "@std/assert";
import { columnsOf } from "../../../src/text/columns.ts";
import { counted, listText, wrap } from "../../../src/text/words.ts";
import { property } from "../random.ts";

Deno.test("one thing is counted without an s", () => {
  assertEquals([0, 1, 2].map((count) => counted(count, "hop")), ["0 hops", "1 hop", "2 hops"]);
});

Deno.test("a list of names ends in words, and a long one in how many more there are", () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  assertEquals([0, 1, 2, 5, 6].map((count) => listText(names.slice(0, count))), [
    "",
    "a",
    "a and b",
    "a, b, c, d and e",
    "a, b, c, d and 2 more",
  ]);
  assertEquals(listText(names, 2), "a, b and 4 more");
});

Deno.test("a text without words is one empty line", () => {
  assertEquals([wrap([], 10), wrap([""], 10)], [[""], [""]]);
});

property(
  "wrapped lines hold every word in order and none is too wide that could be narrower",
  300,
  (random) => {
    const words = Array.from(
      { length: random.int(1, 20) },
      () => random.pick(["a", "words", "東京", "a-word-that-is-wider-than-any-line", "é"]),
    );
    const width = random.int(4, 20);
    const gap = random.pick([" ", "  "]);
    const lines = wrap(words, width, gap);
    assertEquals(lines.join(gap), words.join(gap));
    for (const line of lines) assert(columnsOf(line) <= width || words.includes(line), line);
  },
);
