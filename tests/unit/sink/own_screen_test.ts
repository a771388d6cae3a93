import { assertEquals } from "@std/assert";
import { DeferredNotices } from "../../../src/sink/own_screen.ts";

function notices(hold: boolean): { said: string[]; held: DeferredNotices } {
  const said: string[] = [];
  return { said, held: new DeferredNotices((text) => said.push(text), hold) };
}

Deno.test("notices wait for the end, in order, and the last one is shown", () => {
  const { said, held } = notices(true);
  assertEquals(held.shown(0), null);
  held.notice("one", 1000);
  assertEquals(held.shown(1000), "one");
  held.notice("two", 2000);
  assertEquals(held.shown(2000), "two  (2 notices, printed at the end)");
  assertEquals(said, []);
  held.release();
  assertEquals(said, ["one", "two"]);
  held.release();
  assertEquals(said.length, 2);
});

Deno.test("a notice is shown for half a minute", () => {
  const { held } = notices(true);
  held.notice("one", 1000);
  assertEquals([held.shown(31_000), held.shown(31_001)], ["one", null]);
});

Deno.test("where stderr is no terminal notices go there at once, and are shown as well", () => {
  const { said, held } = notices(false);
  held.notice("one", 0);
  held.notice("two", 0);
  assertEquals([said, held.shown(0)], [["one", "two"], "two"]);
  held.release();
  assertEquals(said.length, 2);
});

Deno.test("no more than a thousand are kept, and the rest is counted", () => {
  const { said, held } = notices(true);
  for (let i = 1; i <= 1003; i++) held.notice(`${i}`, 0);
  assertEquals(held.shown(0), "1003  (1003 notices, printed at the end)");
  held.release();
  assertEquals(said.length, 1001);
  assertEquals(said.slice(-2), ["1000", "3 more notices were not kept"]);
});

Deno.test("what would move the terminal is shown as question marks, and printed as it is", () => {
  const { said, held } = notices(true);
  held.notice("a\x1b[2J\nb", 0);
  assertEquals(held.shown(0), "a?[2J?b");
  held.release();
  assertEquals(said, ["a\x1b[2J\nb"]);
});
