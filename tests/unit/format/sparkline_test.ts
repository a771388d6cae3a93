import { assertEquals } from "@std/assert";
import { type Paint, plain } from "../../../src/format/paint.ts";
import { MARK, sparkline } from "../../../src/format/sparkline.ts";

const marked: Paint = { bad: (text) => `<bad ${text}>`, warn: (text) => `<warn ${text}>` };

Deno.test("each height is twice the time of the one below, up to the highest", () => {
  const doubling = [100, 200, 400, 800, 1600, 3200, 6400, 12_800];
  assertEquals(sparkline(doubling, 100, plain), "▁▂▃▄▅▆▇█");
  assertEquals(sparkline([1_000_000_000, 2 ** 31 - 1], 100, plain), "██");
});

Deno.test("what lies between two heights goes to the nearer one by ratio", () => {
  assertEquals(sparkline([141, 142, 282, 283], 100, plain), "▁▂▂▃");
});

Deno.test("the same ratios make the same shape, whatever the unit", () => {
  const shape = [1, 3, 2, 9, 1];
  const line = sparkline(shape.map((ratio) => ratio * 70), 70, plain);
  assertEquals(sparkline(shape.map((ratio) => ratio * 70_000), 70_000, plain), line);
});

Deno.test("no time at all, or a time below the best known, is the lowest height", () => {
  assertEquals(sparkline([0, 1, 50], 100, plain), "▁▁▁");
  assertEquals(sparkline([0, 0], 0, plain), "▁▁");
});

Deno.test("without colours a loss, a refusal and the others can be told from every height", () => {
  const { lost, refused, unsent, skipped, retransmitted } = MARK;
  const line = sparkline([100, lost, refused, unsent, skipped, retransmitted], 100, plain);
  assertEquals(line, "▁×r?·!");
});

Deno.test("neighbours of one colour share it", () => {
  const { lost, refused } = MARK;
  const line = sparkline([100, lost, lost, 200, refused, lost], 100, marked);
  assertEquals(line, "▁<bad ××>▂<warn r><bad ×>");
  assertEquals(sparkline([lost], 100, marked), "<bad ×>");
});

Deno.test("a target that never answered has signs alone", () => {
  assertEquals(sparkline([MARK.lost, MARK.lost], Infinity, plain), "××");
  assertEquals(sparkline([], Infinity, plain), "");
});
