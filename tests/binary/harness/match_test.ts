/** The wildcards of expected output. */
import { assertEquals } from "@std/assert";
import { mismatch } from "./match.ts";

const FITS: readonly [expected: string, actual: string][] = [
  ["", ""],
  ["a\n", "a\n"],
  ["a[..]c\n", "abc\n"],
  ["a[..]c\n", "ac\n"],
  ["rtt [#] ms\n", "rtt 0.031 ms\n"],
  ["(1) [..] [$]\n", "(1) a.b [$]\n"],
  ["...\n", "any\nlines\n"],
  ["...\nb\n", "b\n"],
  ["a\n...\nb\n", "a\n1\nb\n2\nb\n"],
  ["a\n...\n", "a\n"],
];

const DEPARTS: readonly [expected: string, actual: string, where: string][] = [
  ["", "a\n", 'line 1: expected the end, got "a"'],
  ["a\n", "", 'line 1: expected "a", got the end'],
  ["a\n", "a", "line 1: expected a line end behind it"],
  ["a\n", "a\nb\n", 'line 2: expected the end, got "b"'],
  ["a[..]c\n", "ab\n", 'line 1: expected "a[..]c", got "ab"'],
  ["rtt [#] ms\n", "rtt null ms\n", 'line 1: expected "rtt [#] ms", got "rtt null ms"'],
  ["a.c\n", "abc\n", 'line 1: expected "a.c", got "abc"'],
  ["a\n...\nb\n", "a\n1\n2\n", 'line 5: expected "b", got the end'],
];

Deno.test("wildcards fit what they stand for", () => {
  for (const [expected, actual] of FITS) assertEquals(mismatch(expected, actual), null, expected);
});

Deno.test("what departs from the expected output is named with its line", () => {
  for (const [expected, actual, where] of DEPARTS) {
    assertEquals(mismatch(expected, actual), where, expected);
  }
});
