import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseCommandLine } from "../../../src/cli/command_line.ts";
import { UsageError } from "../../../src/domain/exit.ts";
import { FEW_BOUNDS_US, MANY_BOUNDS_US, MAX_BOUNDS } from "../../../src/stats/buckets.ts";

function boundsOf(value: string): readonly number[] {
  const command = parseCommandLine(["probe", "--buckets", value, "db:1"], "1.2.3");
  return command.name === "probe" ? command.options.exports.boundsUs : [];
}

Deno.test("buckets are few, many, or times with their unit", () => {
  assertEquals(boundsOf("few"), FEW_BOUNDS_US);
  assertEquals(boundsOf("many"), MANY_BOUNDS_US);
  assertEquals(boundsOf("50us,0.5ms,1ms,1.5s,60s"), [50, 500, 1000, 1_500_000, 60_000_000]);
  const most = Array.from({ length: MAX_BOUNDS }, (_, i) => `${i + 1}ms`);
  assertEquals(boundsOf(most.join()).length, MAX_BOUNDS);
});

Deno.test("buckets that cannot be are refused, with what is accepted", () => {
  const most = Array.from({ length: MAX_BOUNDS + 1 }, (_, i) => `${i + 1}ms`);
  const bad = ["", "some", "1", "1ms,", "2ms,1ms", "1ms,1ms", "0ms", "0.5us", "61s", "-1ms"];
  for (const value of [...bad, most.join()]) {
    const { message } = assertThrows(() => boundsOf(value), UsageError, undefined, value);
    assertStringIncludes(message, "few, many, or at most 24 ascending times");
  }
});
