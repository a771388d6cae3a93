import { assert, assertEquals, assertRejects } from "@std/assert";
import { packed, unpacked } from "../../../src/text/packed.ts";
import { property } from "../random.ts";

property("a packed text is the same text once unpacked", 20, async (random) => {
  const words = ["probe", "\u2013", "\u{1f600}", "\0", '"', "\\", "\r\n", "loss ", "\u00e9"];
  const length = random.int(0, 20_000);
  const text = Array.from({ length }, () => random.pick(words)).join("");
  assertEquals(await unpacked(await packed(text)), text);
});

Deno.test("a packed text is shorter where words come again", async () => {
  const text = 'say("a word that comes again");\n'.repeat(100);
  const { length } = await packed(text);
  assert(length < text.length / 10, `${length}`);
});

Deno.test("what was not packed is refused", async () => {
  // A block of a type that deflate does not have.
  await assertRejects(() => unpacked(new Uint8Array([7])), TypeError);
});
