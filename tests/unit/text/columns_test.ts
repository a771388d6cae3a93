import { assertEquals } from "@std/assert";
import { columnsOf, cut, fit, showable } from "../../../src/text/columns.ts";
import { property } from "../random.ts";

Deno.test("text is measured in columns, not in characters or bytes", () => {
  const widths: [string, number][] = [
    ["", 0],
    ["db-1:5432", 9],
    ["Zürich", 6],
    ["Zu\u0308rich", 6],
    ["東京", 4],
    ["カナ", 4],
    ["서울", 4],
    ["Ａ", 2],
    ["🚀x", 3],
    ["→…", 2],
  ];
  for (const [text, columns] of widths) assertEquals(columnsOf(text), columns, text);
});

Deno.test("what moves the text around it is shown as a question mark", () => {
  assertEquals(showable("a\x1b[2Jb\nc\u202ed\u200be\u2028f\ud800"), "a?[2Jb?c?d?e?f?");
  assertEquals(showable("Zu\u0308rich 東京"), "Zu\u0308rich 東京");
  assertEquals(showable("❤\ufe0f"), "❤");
});

Deno.test("a text that does not fit ends in an ellipsis, and a wide sign is never cut in half", () => {
  assertEquals(cut("database", 8), "database");
  assertEquals(cut("database", 5), "data…");
  assertEquals(cut("database", 1), "…");
  assertEquals(cut("database", 0), "");
  assertEquals(cut("東京都", 5), "東京…");
  assertEquals(cut("東京都", 4), "東…");
  assertEquals(fit("東京都", 4), "東… ");
  assertEquals(fit("db", 5), "db   ");
});

property("whatever is fitted takes exactly the columns it is given", 500, (random) => {
  const signs = ["a", "東", "u\u0308", "🚀", "…", "é"];
  const text = Array.from({ length: random.int(0, 12) }, () => random.pick(signs)).join("");
  const columns = random.int(0, 15);
  assertEquals(columnsOf(fit(text, columns)), columns, `${text} in ${columns}`);
});
