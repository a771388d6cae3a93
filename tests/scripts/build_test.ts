import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ascii, versionAlone } from "../../scripts/release/build.ts";

Deno.test("a script in ASCII says the same, beyond the basic plane too", () => {
  const text = "µs – ▂▅█ 😀 é\u2028end";
  const script = ascii(JSON.stringify(text));
  assertEquals([JSON.parse(script), /[^\0-\x7f]/.test(script)], [text, false]);
});

Deno.test("a character beyond ASCII behind a backslash is no script that can be written in ASCII", () => {
  assertThrows(() => ascii("/\\–/"), Error, "backslash");
});

Deno.test("of deno.json a script keeps the version, and of anything else all", () => {
  const settings = JSON.parse(Deno.readTextFileSync("deno.json"));
  const bundled = JSON.stringify(settings).replace(/"(name|version)":/g, "$1:");
  const [before, after] = ["var a={name:1};", "export{n as V,a};"];
  const script = `${before}var u=${bundled};var n=u.version;${after}`;
  assertEquals(versionAlone(script), `${before}var n="${settings.version}";${after}`);
  for (const other of [`var u=${bundled};var n=u.name;`, 'var u={name:"x"};var n=u.version;']) {
    assertEquals(versionAlone(other), other);
  }
});

/** Files that rest on what the runtime does not promise. */
const FRAGILE = [
  "src/kernel/accept_queue.ts",
  "src/kernel/break_off.ts",
  "src/kernel/descriptor_search.ts",
  "src/kernel/libc.ts",
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
