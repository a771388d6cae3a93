/** The gate's counting: reports are read as the runner writes them, skips become failures where asked. */
import { assertEquals } from "@std/assert";
import { blocks } from "../../scripts/gate/failures.ts";
import { readReport } from "../../scripts/gate/junit.ts";
import { counts, type Result, single, withoutSkips } from "../../scripts/gate/result.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="1" errors="0" time="0.005">
    <testsuite name="./a_test.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="passes" classname="./a_test.ts" time="0.000" line="1" col="6">
        </testcase>
        <testcase name="also &gt; passes" classname="./a_test.ts" time="0.000" line="1" col="6">
        </testcase>
        <testcase name="fails" classname="./a_test.ts" time="0.000" line="2" col="6">
            <failure message="Uncaught Error: x">Error: &lt;skipped/&gt;</failure>
        </testcase>
        <testcase name="wants &quot;root&quot;" classname="./a_test.ts" time="0.000" line="3" col="6">
            <skipped/>
        </testcase>
    </testsuite>
</testsuites>`;

Deno.test("a report's tests are counted by their outcome", () => {
  const failures = [{ name: "fails", place: "./a_test.ts", error: "Error: <skipped/>" }];
  assertEquals(readReport(REPORT), { passed: 2, failures, skipped: ['wants "root"'] });
});

Deno.test("a report without tests counts none", () => {
  assertEquals(readReport("<testsuites></testsuites>"), { passed: 0, failures: [], skipped: [] });
});

Deno.test("where nothing may be skipped a skipped test has failed", () => {
  const result: Result = { ...single("fmt", false, "no\n"), passed: 2, skipped: ["a", "b"] };
  const { passed, failures, skipped } = withoutSkips(result);
  assertEquals([passed, failures.map(({ name }) => name), skipped], [2, ["fmt", "a", "b"], []]);
});

Deno.test("the closing line names skipped tests only where there are some", () => {
  const both = [single("fmt", true, ""), single("lint", false, "")];
  assertEquals(counts(both), "1 passed, 1 failed");
  const skipping: Result = { passed: 0, failures: [], skipped: ["a"], output: "" };
  assertEquals(counts([single("fmt", true, ""), skipping]), "1 passed, 0 failed, 1 skipped");
});

Deno.test("a failed test is told with its own file and the first lines of its error", () => {
  const error = "AssertionError: so\n\n\u001b[31m- 1\u001b[0m\n" +
    "    at assert (https://jsr.io/@std/assert/assert.js:1:1)\n" +
    "    at file:///somewhere/tests/scenes/mesh_test.ts:91:5";
  assertEquals(blocks([{ name: "it holds", place: "./tests/wan/harness/wan.ts", error }]), [
    "failed: it holds (tests/scenes/mesh_test.ts:91)",
    "  AssertionError: so",
    "  - 1",
    "      at file:///somewhere/tests/scenes/mesh_test.ts:91:5",
  ]);
});

Deno.test("the last lines of a failed command are told, and never so many that a log drops them", () => {
  const output = Array.from({ length: 99 }, (_, i) => `line ${i}\n`).join("");
  const { failures } = single("types", false, output);
  const one = blocks(failures);
  assertEquals([one.length, one[0], one.at(-1)], [13, "failed: types", "  line 98"]);
  assertEquals(blocks([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].flatMap(() => failures)).length, 60);
  assertEquals(blocks([]), []);
});
