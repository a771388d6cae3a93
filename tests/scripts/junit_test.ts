/** The gate's counting: reports are read as the runner writes them, skips become failures where asked. */
import { assertEquals } from "@std/assert";
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
  assertEquals(readReport(REPORT), { passed: 2, failed: 1, skipped: ['wants "root"'] });
});

Deno.test("a report without tests counts none", () => {
  assertEquals(readReport("<testsuites></testsuites>"), { passed: 0, failed: 0, skipped: [] });
});

Deno.test("where nothing may be skipped a skipped test has failed", () => {
  const result: Result = { passed: 2, failed: 1, skipped: ["a", "b"], output: "" };
  const { passed, failed, skipped } = withoutSkips(result);
  assertEquals({ passed, failed, skipped }, { passed: 2, failed: 3, skipped: [] });
});

Deno.test("the closing line names skipped tests only where there are some", () => {
  assertEquals(counts([single(true, ""), single(false, "")]), "1 passed, 1 failed");
  const skipping: Result = { passed: 0, failed: 0, skipped: ["a"], output: "" };
  assertEquals(counts([single(true, ""), skipping]), "1 passed, 0 failed, 1 skipped");
});
