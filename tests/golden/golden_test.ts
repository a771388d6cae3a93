/**
 * Fixed records through every format, compared byte for byte with the files beside this one; run
 * with `--allow-read=tests/golden`. When a change of them is meant, regenerate.ts writes them anew.
 */
import { assertEquals } from "@std/assert";
import { FORMATS } from "../../src/run/formats.ts";
import { OUTCOMES } from "../../src/domain/outcome.ts";
import { GOLDEN_FOLDER, GOLDEN_SUFFIX, goldenCases } from "./cases.ts";
import { RECORDS } from "./records.ts";

const cases = await goldenCases();
const FORMATS_WITH_WINDOWS = new Set(["text", "json", "csv", "influx", "collectd"]);

for (const [name, bytes] of cases) {
  Deno.test(`${name} is what the format writes, byte for byte`, () => {
    const golden = Deno.readFileSync(new URL(name, GOLDEN_FOLDER));
    // As text first, for a difference that can be read.
    assertEquals(new TextDecoder().decode(bytes), new TextDecoder().decode(golden));
    assertEquals(bytes, golden);
  });
}

Deno.test("no golden file is left over", () => {
  const files = [...Deno.readDirSync(GOLDEN_FOLDER)].map((entry) => entry.name);
  const golden = files.filter((name) => name.endsWith(GOLDEN_SUFFIX));
  assertEquals(golden.toSorted(), [...cases.keys()].toSorted());
});

Deno.test("every format has a golden file, and every outcome is in the records", () => {
  for (const format of Object.keys(FORMATS)) {
    assertEquals(cases.has(`probe.${format}${GOLDEN_SUFFIX}`), true, format);
    const windows = cases.has(`windows.${format}${GOLDEN_SUFFIX}`);
    assertEquals(windows, FORMATS_WITH_WINDOWS.has(format), format);
  }
  assertEquals(new Set(RECORDS.map((record) => record.outcome)), new Set(OUTCOMES));
});
