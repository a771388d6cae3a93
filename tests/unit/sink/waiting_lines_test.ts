import { assertEquals } from "@std/assert";
import { WaitingLines } from "../../../src/sink/waiting_lines.ts";

const BOUNDS = { lines: 4, bytes: 20, lineBytes: 10, waitMs: 100 };

function put(waiting: WaitingLines, text: string, nowMs = 0): void {
  waiting.begin(nowMs).ascii(text);
  waiting.commit();
}

const takeText = (waiting: WaitingLines) => new TextDecoder().decode(waiting.take());

Deno.test("lines are taken in order, while others are filled in", () => {
  const waiting = new WaitingLines(BOUNDS);
  put(waiting, "a\n");
  put(waiting, "b\nc\n");
  const taken = waiting.take();
  put(waiting, "d\n");
  assertEquals([new TextDecoder().decode(taken), waiting.lines], ["a\nb\nc\n", 1]);
  assertEquals([takeText(waiting), waiting.lines, waiting.dropped], ["d\n", 0, 0]);
});

Deno.test("too many lines, too many bytes and a line too long are dropped, the rest is kept", () => {
  const waiting = new WaitingLines(BOUNDS);
  put(waiting, "1\n2\n3\n");
  put(waiting, "4\n5\n");
  assertEquals([waiting.lines, waiting.dropped], [3, 2]);
  put(waiting, "ten-bytes\n");
  assertEquals([waiting.lines, waiting.dropped], [4, 2]);
  assertEquals(takeText(waiting), "1\n2\n3\nten-bytes\n");
  put(waiting, "a\neleven-byte\n");
  assertEquals([waiting.lines, waiting.dropped], [0, 4]);
  put(waiting, "nine-byte\n");
  put(waiting, "nine-byte\n");
  put(waiting, "\n");
  assertEquals([takeText(waiting), waiting.dropped], ["nine-byte\nnine-byte\n", 5]);
});

Deno.test("lines that waited too long are dropped together, by the clock of the first", () => {
  const waiting = new WaitingLines(BOUNDS);
  put(waiting, "a\n", 0);
  put(waiting, "b\n", 100);
  assertEquals([waiting.lines, waiting.dropped], [2, 0]);
  put(waiting, "c\n", 101);
  assertEquals([waiting.lines, waiting.dropped], [1, 2]);
  waiting.expire(201);
  assertEquals(waiting.lines, 1);
  waiting.expire(202);
  assertEquals([takeText(waiting), waiting.dropped], ["", 3]);
});

Deno.test("a record without lines is none", () => {
  const waiting = new WaitingLines(BOUNDS);
  put(waiting, "");
  assertEquals([waiting.lines, waiting.dropped], [0, 0]);
});
