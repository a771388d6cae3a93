import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import type { Bar } from "../../../src/domain/summary.ts";
import { shapeLines } from "../../../src/format/text_histogram.ts";
import { Histogram } from "../../../src/stats/histogram.ts";
import { property } from "../random.ts";

function linesOf(...bars: readonly Bar[]): string[] {
  return [...shapeLines({ kind: "rtt", bars }, { clock: "connect", columns: 80 })].slice(2);
}

const bar = (fromUs: number, toUs: number, count: number): Bar => ({ fromUs, toUs, count });

Deno.test("the longest bar is full, others are in proportion, the rarest is still there", () => {
  const lines = linesOf(bar(1, 1, 1000), bar(2, 2, 500), bar(3, 3, 1));
  const blocks = lines.map((line) => line.split(" ").at(-1));
  assertEquals(blocks, ["█".repeat(36), "█".repeat(18), "▏"]);
  const shares = lines.map((line) => /[0-9.]+%/.exec(line)?.[0]);
  assertEquals(shares, ["66.6%", "33.3%", "0.1%"]);
});

Deno.test("a gap between bars is a line of its own, however wide", () => {
  const lines = linesOf(bar(8, 11, 1), bar(12, 15, 1), bar(1024, 2047, 1));
  assertEquals(lines.map((line) => line.trim().startsWith("...")), [false, false, true, false]);
  assertEquals(lines[0].slice(0, 23), "     0.008 -      0.011");
});

Deno.test("the head says what is counted", () => {
  const heads = (["rtt", "cold", "connect"] as const).map((kind) =>
    [
      ...shapeLines({ kind, bars: [bar(1, 1, 1)] }, { clock: "connect", columns: 80 }),
    ][1].split(" in ms")[0]
  );
  assertEquals(heads, ["rtt", "cold rtt", "connect"]);
});

property("every line fits 80 columns, and they are few", 100, (random) => {
  const histogram = new Histogram();
  const [low, span] = [random.unit() * 26, random.unit() * 12];
  for (let i = 0; i < random.int(1, 3000); i++) {
    histogram.add(Math.min(60_000_000, Math.floor(2 ** (low + random.unit() * span))));
  }
  const lines = [
    ...shapeLines({ kind: "rtt", bars: histogram.bars() }, { clock: "connect", columns: 80 }),
  ];
  assertLessOrEqual(lines.length, 22);
  assert(lines.every((line) => line.length < 80), lines.join("\n"));
});
