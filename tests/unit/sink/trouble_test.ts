import { shown } from "../../../src/text/quote.ts";
import { assertEquals } from "@std/assert";
import { Trouble } from "../../../src/sink/exporter.ts";

Deno.test("trouble is said once, and its end with what it cost", () => {
  const said: string[] = [];
  const trouble = new Trouble("db", (text) => said.push(text));
  trouble.ends(0);
  trouble.begins("gone", 3);
  trouble.begins("still gone", 5);
  trouble.ends(10);
  trouble.ends(11);
  trouble.begins("gone again", 11);
  assertEquals(said, ["db: gone", "db: delivering again after 7 dropped", "db: gone again"]);
});

Deno.test("a receiver's words are shown in one short line without control characters", () => {
  assertEquals(shown(" a\r\nb\u001b[31mc\u0000\u009bd\u202ee\u2028f "), "a b [31mc d e f");
  const long = shown("x".repeat(1000));
  assertEquals([long.length, long.endsWith("x…")], [201, true]);
});
