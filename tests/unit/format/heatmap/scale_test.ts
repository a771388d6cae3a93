import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { METRICS } from "../../../../src/format/heatmap/metric.ts";
import {
  levelOf,
  LEVELS,
  levelStart,
  position,
  type Scale,
  scaleFor,
  ticks,
} from "../../../../src/format/heatmap/scale.ts";
import { property } from "../../random.ts";
import { mesh, nodes, quantiles } from "../../mesh/meshes.ts";

const LATENCY: Scale = { metric: "p50", low: 200, high: 20_000 };
const LOSS: Scale = { metric: "loss", low: 0.001, high: 1 };

Deno.test("a scale of latencies is logarithmic between round numbers around what was measured", () => {
  const matrix = mesh(nodes(6, 6), (from, to) => ({
    rtt: quantiles(from[0] === to[0] ? 230 : 8100, 9000),
  }));
  assertEquals(scaleFor(matrix, "p50"), { metric: "p50", low: 200, high: 10_000 });
  assertAlmostEquals(position(LATENCY, 2000), 0.5, 1e-9);
  assertEquals([position(LATENCY, 1), position(LATENCY, 1e9)], [0, 1]);
});

Deno.test("the noise of a calm mesh does not fill the scale", () => {
  const scale = scaleFor(mesh(nodes(4), () => ({ rtt: quantiles(410, 460) })), "p50");
  assertEquals(scale, { metric: "p50", low: 200, high: 2000 });
});

Deno.test("shares have one scale in every mesh, on which one loss stands apart from none", () => {
  const matrix = mesh(nodes(3));
  assertEquals(scaleFor(matrix, "loss"), LOSS);
  assertEquals(position(LOSS, 0), 0);
  assert(position(LOSS, 0.0001) >= 0.25);
  assertEquals(position(LOSS, 1), 1);
  assertEquals([0, 0.0001, 0.001, 1].map((share) => levelOf(LOSS, share)), [0, 1, 1, 9]);
});

Deno.test("a matrix without any figure has a scale all the same", () => {
  for (const metric of METRICS) {
    const scale = scaleFor(mesh(nodes(2), () => null), metric);
    assert(scale.high > scale.low && scale.low > 0);
  }
});

property(
  "positions and levels rise with the value, and a level's first value is in it",
  200,
  (random) => {
    const scale = random.pick([LATENCY, LOSS]);
    const [a, b] = [random.unit(), random.unit()].map((u) =>
      scale.low * (scale.high / scale.low) ** u
    )
      .sort((x, y) => x - y);
    assert(position(scale, a) <= position(scale, b));
    assert(levelOf(scale, a) <= levelOf(scale, b));
    const level = random.int(0, LEVELS - 1);
    // Just inside, since the boundary itself may round to either side.
    assertEquals(levelOf(scale, levelStart(scale, level) * (1 + 1e-9)), level);
  },
);

Deno.test("a legend's marks are round numbers within the scale", () => {
  assertEquals(ticks({ metric: "p50", low: 200, high: 2000 }), [200, 500, 1000, 2000]);
  assertEquals(ticks(LOSS), [0.001, 0.01, 0.1, 1]);
  assertEquals(ticks({ metric: "p50", low: 100, high: 100_000 }), [100, 1000, 10_000, 100_000]);
});
