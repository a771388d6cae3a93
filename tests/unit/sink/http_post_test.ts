/** What a server asks to wait (RFC 9110, 10.2.3). */
import { assertEquals } from "@std/assert";
import { retryAfterMs } from "../../../src/sink/http_post.ts";

const NOW_MS = Date.parse("2026-11-27T22:00:00Z");

const CASES: readonly (readonly [value: string | null, waitMs: number | null])[] = [
  [null, null],
  ["0", 0],
  ["120", 120_000],
  ["Fri, 27 Nov 2026 22:00:30 GMT", 30_000],
  ["Friday, 27-Nov-26 22:00:30 GMT", 30_000],
  // It has passed.
  ["Fri, 27 Nov 2026 21:00:00 GMT", 0],
  ["soon", null],
  ["", null],
];

Deno.test("Retry-After is a number of seconds or a date; what is neither asks for nothing", () => {
  for (const [value, waitMs] of CASES) {
    assertEquals(retryAfterMs(value, NOW_MS), waitMs, `${value}`);
  }
});
