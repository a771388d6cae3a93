import { assertEquals } from "@std/assert";
import { plain } from "../../../src/format/paint.ts";
import { answerText, unresolvedAnswer, unresolvedJson } from "../../../src/format/answer_text.ts";
import { comparisonText } from "../../../src/format/compare_text.ts";
import { COMPARISONS } from "../../golden/comparisons.ts";

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

Deno.test("the command for more is one line, however narrow the terminal is: it can be copied", () => {
  const [comparison] = COMPARISONS;
  const lines = answerText({ comparison, path: "no hop has answered" }, plain, 40).split("\n");
  assertEquals(lines.at(-2), "  more     wire-probe compare -c 160 db.example.com:5432");
});

Deno.test("live connections of many segments and of long delays have columns apart", () => {
  const of = COMPARISONS.find(({ live }) => live !== null && live.rtt === null && live.replyRtt);
  const [live, replyRtt] = [of!.live!, of!.live!.replyRtt!];
  const slow = { ...replyRtt, p50Us: 1_000_000, maxUs: 1_234_567 };
  const much = { ...live, segmentsOut: 100_000, replyRtt: slow };
  const row = comparisonText({ ...of!, live: much }, plain, 80).split("\n")
    .find((line) => line.startsWith("live"));
  const words = row!.split(/ +/);
  assertEquals(words.slice(0, 2), ["live", "100000"]);
  assertEquals(words.filter((word) => word.startsWith("~")), ["~1000.00", "~1234.56"]);
});
