import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ascii } from "../../scripts/release/build.ts";

Deno.test("a script in ASCII says the same, beyond the basic plane too", () => {
  const text = "µs – ▂▅█ 😀 é\u2028end";
  const script = ascii(JSON.stringify(text));
  assertEquals([JSON.parse(script), /[^\0-\x7f]/.test(script)], [text, false]);
});

Deno.test("a character beyond ASCII behind a backslash is no script that can be written in ASCII", () => {
  assertThrows(() => ascii("/\\–/"), Error, "backslash");
});

/** Files that rest on what the runtime does not promise. */
const FRAGILE = [
  "src/kernel/accept_queue.ts",
  "src/kernel/break_off.ts",
  "src/kernel/descriptor_search.ts",
  "src/kernel/memory.ts",
  "src/net/late_abort.ts",
];

Deno.test("what rests on the runtime's own ways was checked with both versions of it", () => {
  const versions = ["pinned", "newest"].map((which) =>
    new RegExp(`^${which}_version=(.+)$`, "m").exec(Deno.readTextFileSync("scripts/deno"))?.[1]
  );
  for (const file of FRAGILE) {
    const checked = `Checked with Deno ${versions.join(" and ")}.`;
    assertStringIncludes(Deno.readTextFileSync(file), checked, file);
  }
});
