import { assertEquals, assertThrows } from "@std/assert";
import { ascii } from "../../scripts/release/build.ts";

Deno.test("a script in ASCII says the same, beyond the basic plane too", () => {
  const text = "µs – ▂▅█ 😀 é\u2028end";
  const script = ascii(JSON.stringify(text));
  assertEquals([JSON.parse(script), /[^\0-\x7f]/.test(script)], [text, false]);
});

Deno.test("a character beyond ASCII behind a backslash is no script that can be written in ASCII", () => {
  assertThrows(() => ascii("/\\–/"), Error, "backslash");
});
