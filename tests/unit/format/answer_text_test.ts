import { assertEquals } from "@std/assert";
import { plain } from "../../../src/format/paint.ts";
import { unresolvedAnswer, unresolvedJson } from "../../../src/format/answer_text.ts";

const target = { name: "db:5432", host: "db", port: 5432, az: "default", labels: [] };

/** The headline of a reason, unfolded. */
function headlineOf(reason: string): string {
  return unresolvedAnswer(target, reason, plain, 80).trimEnd().replaceAll(/\s+/g, " ");
}

Deno.test("a name without an address and one that nobody could look up have headlines of their own", () => {
  for (const reason of ["no such name", "no address", "no IPv6 address"]) {
    assertEquals(
      headlineOf(reason),
      `No answer to that: db has no address (${reason}); nothing was sent.`,
    );
  }
  for (
    const reason of ["no name server answers (192.0.2.53)", "the name server fails (192.0.2.53)"]
  ) {
    assertEquals(
      headlineOf(reason),
      `No answer to that: the address of db is not known, as ${reason}; nothing was sent.`,
    );
    assertEquals(JSON.parse(unresolvedJson(target, reason)).sentence, headlineOf(reason));
  }
});
