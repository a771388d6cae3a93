import { assertEquals, assertStrictEquals } from "@std/assert";
import { PerTarget } from "../../../src/format/record_format.ts";
import { target } from "../fixtures.ts";
import { textOf } from "./written.ts";

Deno.test("a target's parts are made once, each target its own", () => {
  let made = 0;
  const parts = new PerTarget((of, scratch) => {
    made++;
    scratch.utf8(of.name);
    return scratch.takeCopy();
  });
  const [a, b] = [target("a"), target("b")];
  const first = parts.of(a);
  assertEquals(textOf(parts.of(b)), "b");
  assertStrictEquals(parts.of(a), first);
  assertEquals([textOf(first), made], ["a", 2]);
});
