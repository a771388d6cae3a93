import { assertEquals } from "@std/assert";
import { LiveHeatmap } from "../../../../src/commands/heatmap/live_heatmap.ts";
import { METRICS } from "../../../../src/format/heatmap/metric.ts";
import { FakeClock } from "../../fake_clock.ts";

const FOOT = "q quits, m shows another metric";

function heatmapOf(lines: number | null, notice: string | null = null): LiveHeatmap {
  return new LiveHeatmap({
    clock: new FakeClock(),
    metric: "p50",
    keys: true,
    text: (metric, columns) =>
      lines === null
        ? null
        : Array.from({ length: lines }, (_, i) => `${metric} ${columns} line ${i}\n`).join(""),
    notice: () => notice,
  });
}

Deno.test("a picture that fits is shown whole, with what the keys do below it", () => {
  assertEquals(heatmapOf(2).lines(40, 5), ["p50 40 line 0", "p50 40 line 1", FOOT]);
});

Deno.test("before the first picture it says what it waits for", () => {
  assertEquals(heatmapOf(null).lines(40, 5), ["gathering the nodes' rows", FOOT]);
});

Deno.test("what was said stands above the keys, and nothing is wider than the screen", () => {
  assertEquals(heatmapOf(1, "a node left").lines(12, 5), [
    "p50 12 line 0",
    "a node left",
    `${FOOT.slice(0, 11)}…`,
  ]);
});

Deno.test("m goes round the metrics", () => {
  const heatmap = heatmapOf(1);
  const shown = METRICS.map(() => {
    heatmap.key("m");
    return heatmap.lines(40, 5)[0].split(" ")[0];
  });
  assertEquals(shown, [...METRICS.slice(1), METRICS[0]]);
});

Deno.test("what is higher than the screen scrolls, and no further than its ends", () => {
  const heatmap = heatmapOf(10);
  const first = () => heatmap.lines(40, 5)[0];
  assertEquals(heatmap.lines(40, 5).length, 5);
  const seen = ["up", "down", "page-down", "page-down", "page-down", "up", "page-up", "home"]
    .map((key) => {
      heatmap.key(key);
      return Number(first().at(-1));
    });
  assertEquals(seen, [0, 1, 5, 6, 6, 5, 1, 0]);
});

Deno.test("a screen of one line still shows what quits", () => {
  assertEquals(heatmapOf(10).lines(80, 1), [`${FOOT}, up and down scroll`]);
});
