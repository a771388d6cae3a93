import { assertEquals } from "@std/assert";
import { fateOf, OUTCOMES } from "../../../src/domain/outcome.ts";

Deno.test("each outcome counts as answered, lost or unsent", () => {
  assertEquals(OUTCOMES.map((outcome) => [outcome, fateOf(outcome)]), [
    ["established", "answered"],
    ["refused", "answered"],
    ["timeout", "lost"],
    ["unreachable", "lost"],
    ["unresolved", "unsent"],
    ["error", "unsent"],
  ]);
});
