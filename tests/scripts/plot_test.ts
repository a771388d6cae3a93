/** The benchmark's plot: axes that hold every value, and a document that is well-formed. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Chart, label, logLogChart, logScale, type Series } from "../../scripts/bench/plot.ts";

function chartOf(...series: Series[]): Chart {
  const panel = { title: "CPU", xTitle: "probes & more", yTitle: 'say "cores"', series };
  return { title: "a < b", hollow: "hollow: too slow", panels: [panel] };
}

const LINE: Series = {
  name: "one <prober>",
  points: [{ x: 100, y: 0.01, hollow: false }, { x: 20_000, y: 0.5, hollow: false }],
};

/** Every tag in order; throws where one is closed that was not opened last. */
function tagsOf(xml: string): string[] {
  const open: string[] = [];
  const tags: string[] = [];
  for (const [, slash, name, , self] of xml.matchAll(/<(\/?)([a-z]+)((?:\s[^<>]*?)?)(\/?)>/g)) {
    if (slash === "/") assertEquals(open.pop(), name);
    else {
      tags.push(name);
      if (self !== "/") open.push(name);
    }
  }
  assertEquals(open, []);
  return tags;
}

Deno.test("the plot is one well-formed document, whatever its titles hold", () => {
  const svg = logLogChart(chartOf(LINE));
  const tags = tagsOf(svg);
  assertEquals(tags[0], "svg");
  assertEquals(tags.filter((tag) => tag === "svg").length, 1);
  // What is left without tags may have no angle bracket and no bare ampersand.
  const content = svg.replaceAll(/<[^<>]*>/g, "");
  assertEquals(/[<>]|&(?!(?:lt|gt|amp|quot);)/.exec(content), null);
  assert(svg.includes("one &lt;prober&gt;"));
});

Deno.test("the plot has colours for a light and for a dark page", () => {
  const [light, dark] = logLogChart(chartOf(LINE)).split("@media(prefers-color-scheme:dark)");
  assert(light.includes(".s0{stroke:"));
  assert(dark.includes(".s0{stroke:"));
});

Deno.test("no coordinate is lost: values that have no logarithm are left out", () => {
  const points = [
    { x: 0, y: 1, hollow: false },
    { x: 10, y: NaN, hollow: false },
    { x: 10, y: -1, hollow: false },
    { x: 10, y: 5, hollow: false },
  ];
  const svg = logLogChart(chartOf({ name: "a", points }));
  assertEquals(/NaN|Infinity|undefined/.exec(svg), null);
  // One of the legend, one of the point.
  assertEquals(tagsOf(svg).filter((tag) => tag === "circle").length, 2);
});

Deno.test("a chart without any point still has axes", () => {
  const svg = logLogChart(chartOf({ name: "a", points: [] }));
  assertEquals(/NaN|Infinity|undefined/.exec(svg), null);
  assert(svg.includes('class="axis"'));
});

Deno.test("what a ring means is said only where there is one", () => {
  const ring = { name: "b", points: [{ x: 10, y: 1, hollow: true }] };
  assert(logLogChart(chartOf(LINE, ring)).includes("hollow: too slow"));
  assert(!logLogChart(chartOf(LINE)).includes("hollow: too slow"));
});

Deno.test("more series than colours are refused", () => {
  const many = Array.from({ length: 6 }, (_, i) => ({ name: `${i}`, points: LINE.points }));
  assertThrows(() => logLogChart(chartOf(...many)), RangeError);
});

const SCALES: readonly [values: number[], ticks: number[]][] = [
  [[100, 20_000], [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000]],
  [[0.012, 0.3], [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]],
  [[0.0021, 400], [0.001, 0.01, 0.1, 1, 10, 100, 1000]],
  [[100], [100, 200]],
  [[], [1, 2, 5, 10]],
];

for (const [values, ticks] of SCALES) {
  Deno.test(`the axis of ${JSON.stringify(values)} has the ticks ${ticks.join(" ")}`, () => {
    assertEquals(logScale(values, 0, 100).ticks, ticks);
  });
}

Deno.test("an axis holds every value between its ends, in order", () => {
  for (const values of [[0.003, 7, 950], [1, 1.0001], [999, 1001], [5e-4, 5e-4], [1e6, 3e6]]) {
    const { place } = logScale(values, 300, 50);
    const places = values.map(place);
    assert(places.every((y) => y >= 50 && y <= 300), `${values} lie at ${places}`);
    assertEquals(places, [...places].sort((a, b) => b - a));
  }
});

Deno.test("tick labels are short", () => {
  assertEquals([0.05, 1, 500, 1000, 20_000].map(label), ["0.05", "1", "500", "1k", "20k"]);
});
