import { assertEquals } from "@std/assert";
import {
  countdownText,
  durationText,
  elapsedText,
  roughDuration,
} from "../../../src/text/duration.ts";

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

Deno.test("ages are told to the second, later to the minute, then to the hour", () => {
  const ages = [400, 59_600, 119_000, 200_000, 36_000_000, 90_000_000];
  assertEquals(ages.map(roughDuration), ["400ms", "1m", "119s", "3m", "10h", "25h"]);
});

Deno.test("how long a run lasts is told in the two largest units", () => {
  const texts = [0, 59_999, 60_000, 185_000, 3_600_000, 90_061_000].map(elapsedText);
  assertEquals(texts, ["0s", "59s", "1m 00s", "3m 05s", "1h 00m", "25h 01m"]);
});

Deno.test("what is left of a run is told as on a clock, and ends at 0:00", () => {
  const texts = [0, 1, 1000, 59_001, 600_000, 3_600_000, 86_400_000].map(countdownText);
  assertEquals(texts, ["0:00", "0:01", "0:01", "1:00", "10:00", "1:00:00", "24:00:00"]);
});
