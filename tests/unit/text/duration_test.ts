import { assertEquals } from "@std/assert";
import { durationText } from "../../../src/text/duration.ts";

Deno.test("a duration is shown in the largest unit that needs no fraction", () => {
  const shown = [1, 1.5, 250, 1000, 1500, 60_000, 90_000, 3_600_000, 86_400_000, 0];
  assertEquals(shown.map(durationText), [
    "1ms",
    "1.5ms",
    "250ms",
    "1s",
    "1500ms",
    "1m",
    "90s",
    "1h",
    "24h",
    "0ms",
  ]);
});
