import { assertEquals } from "@std/assert";
import { writeIsoTime } from "../../../src/format/byte_writer.ts";
import { property } from "../random.ts";
import { written } from "./written.ts";

const LAST_SECOND = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;
const FIRST_SECOND = Date.UTC(1970, 0, 1) / 1000;

function isoOf(seconds: number, nanos: number): string {
  return written((out) => writeIsoTime(out, seconds, nanos));
}

/** The same by Date, which has milliseconds only. */
function expected(seconds: number, micros: number): string {
  const date = new Date(seconds * 1000).toISOString();
  return date.replace(/\.000Z$/, `.${String(micros).padStart(6, "0")}Z`);
}

Deno.test("days at the edges of months, leap years and centuries are right", () => {
  const dates = [
    "1970-01-01",
    "1999-12-31",
    "2000-02-29",
    "2000-03-01",
    "2024-02-29",
    "2023-03-01",
  ];
  for (const date of [...dates, "2100-02-28", "2100-03-01", "2400-02-29", "9999-12-31"]) {
    assertEquals(isoOf(Date.parse(date) / 1000, 0), `${date}T00:00:00.000000Z`);
  }
});

Deno.test("every day of 400 years has Date's date", () => {
  for (let day = 0; day < 146_097; day++) {
    const seconds = Date.UTC(1970, 0, 1) / 1000 + day * 86_400;
    const text = isoOf(seconds, 0);
    const wanted = expected(seconds, 0);
    if (text !== wanted) assertEquals(text, wanted);
  }
});

Deno.test("nanoseconds are cut to microseconds, never rounded into the next second", () => {
  assertEquals(isoOf(0, 999_999_999), "1970-01-01T00:00:00.999999Z");
  assertEquals(isoOf(0, 1999), "1970-01-01T00:00:00.000001Z");
});

property("times are Date's, to the microsecond", 2000, (random) => {
  const seconds = FIRST_SECOND + Math.floor(random.unit() * (LAST_SECOND - FIRST_SECOND));
  const nanos = random.int(0, 999_999_999);
  assertEquals(isoOf(seconds, nanos), expected(seconds, Math.floor(nanos / 1000)));
});

property("times before the epoch are Date's too", 300, (random) => {
  const seconds = -Math.floor(random.unit() * 6e10);
  assertEquals(isoOf(seconds, 0), expected(seconds, 0));
});
