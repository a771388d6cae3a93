import { assertEquals } from "@std/assert";
import { countLines, longestLine } from "../../../src/sink/output_queue.ts";
import { ReplyLines } from "../../../src/sink/collectd_conversation.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("lines are counted within a range", () => {
  const text = bytes("a\nbcd\n\nef\n");
  assertEquals([countLines(text, 0, 10), countLines(text, 2, 6), countLines(text, 3, 3)], [
    4,
    1,
    0,
  ]);
  assertEquals([longestLine(text, 0, 10), longestLine(text, 6, 10), longestLine(text, 7, 9)], [
    4,
    3,
    0,
  ]);
});

Deno.test("replies are lines however the stream cuts them, and of a long one only the beginning", () => {
  const lines: string[] = [];
  const replies = new ReplyLines(8, (line) => lines.push(line));
  for (const piece of ["0 Su", "cc\n-1 b", "ad\n", `${"x".repeat(100)}`, "y\n\n0 ok\n"]) {
    replies.push(bytes(piece), piece.length);
  }
  assertEquals(lines, ["0 Succ", "-1 bad", "xxxxxxxx", "", "0 ok"]);
});
