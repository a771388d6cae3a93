import { assertEquals } from "@std/assert";
import { editDistance, nearest } from "../../../src/cli/nearest.ts";

const DISTANCES: readonly [from: string, to: string, edits: number][] = [
  ["", "", 0],
  ["", "abc", 3],
  ["abc", "", 3],
  ["count", "count", 0],
  ["coutn", "count", 1],
  ["cont", "count", 1],
  ["countt", "count", 1],
  ["cuunt", "count", 1],
  ["kitten", "sitting", 3],
  ["ab", "ba", 1],
];

Deno.test("the distance counts inserted, deleted, replaced and swapped letters", () => {
  for (const [from, to, edits] of DISTANCES) assertEquals(editDistance(from, to), edits, from);
});

Deno.test("the nearest word is near enough to be meant, or there is none", () => {
  const words = ["count", "close", "clock", "resolve-after", "resolve-every"];
  assertEquals(nearest("coutn", words), "count");
  assertEquals(nearest("clos", words), "close");
  assertEquals(nearest("resolve-aftre", words), "resolve-after");
  assertEquals(nearest("resolve", words), "resolve-after");
  assertEquals(nearest("xyz", words), null);
  assertEquals(nearest("", words), null);
  assertEquals(nearest("count", []), null);
});
