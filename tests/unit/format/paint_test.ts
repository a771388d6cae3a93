import { assertEquals } from "@std/assert";
import { choosePaint, coloured, plain } from "../../../src/format/paint.ts";

Deno.test("colours are for terminals only, and never against the user's wish", () => {
  assertEquals(choosePaint(true, false), coloured);
  assertEquals(choosePaint(true, true), plain);
  assertEquals(choosePaint(false, false), plain);
  assertEquals(choosePaint(false, true), plain);
});

Deno.test("plain paint leaves a text as it is", () => {
  assertEquals([plain.bad("lost"), plain.warn("refused")], ["lost", "refused"]);
});

Deno.test("bad is red and what deserves a look is yellow, but for NO_COLOR", () => {
  const painted = [coloured.bad("lost"), coloured.warn("refused")];
  const colours = ["\u001b[31mlost\u001b[39m", "\u001b[33mrefused\u001b[39m"];
  assertEquals(painted, Deno.noColor ? ["lost", "refused"] : colours);
});
