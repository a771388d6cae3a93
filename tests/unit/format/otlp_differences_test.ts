/** Differences for receivers of OTLP that want them: nothing is told twice, nothing is left out. */
import { assertEquals } from "@std/assert";
import { OtlpDifferences } from "../../../src/format/otlp_differences.ts";

const time = (wallSeconds: number) => ({ wallSeconds, wallNanos: 0 });
const START = time(100);

/** A request under way that tells a count of `sum`. */
function begun(sum: number): { differences: OtlpDifferences; owner: object } {
  const [differences, owner] = [new OtlpDifferences(), {}];
  differences.begin();
  differences.since(owner, "a", START, [sum], time(110));
  return { differences, owner };
}

Deno.test("a point's first span begins with its count, the next where the last one ended", () => {
  const differences = new OtlpDifferences();
  const owner = {};
  differences.begin();
  assertEquals(differences.since(owner, "a", START, [5, 7], time(110)), {
    start: START,
    sums: [5, 7],
  });
  differences.arrived();
  differences.begin();
  assertEquals(differences.since(owner, "a", START, [9, 7], time(120)), {
    start: time(110),
    sums: [4, 0],
  });
});

Deno.test("what did not arrive is in the next span, which is longer", () => {
  const { differences, owner } = begun(5);
  differences.begin();
  const span = differences.since(owner, "a", START, [9], time(120));
  assertEquals(span, { start: START, sums: [9] });
});

Deno.test("points of another name or owner have spans of their own", () => {
  const differences = new OtlpDifferences();
  const [one, other] = [{}, {}];
  differences.begin();
  differences.since(one, "a", START, [5], time(110));
  differences.arrived();
  differences.begin();
  assertEquals(differences.since(one, "b", START, [3], time(120)).sums, [3]);
  assertEquals(differences.since(other, "a", START, [2], time(120)).sums, [2]);
});

Deno.test("a count that begins anew has nothing of the old one in it", () => {
  const { differences, owner } = begun(50);
  differences.arrived();
  differences.begin();
  const span = differences.since(owner, "a", time(115), [2], time(120));
  assertEquals(span, { start: time(115), sums: [2] });
});

Deno.test("however requests fare, the spans that arrive add up to the sums and touch one another", () => {
  const seed = 20_26;
  let state = seed;
  const random = () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  const differences = new OtlpDifferences();
  const owner = {};
  let [sum, arrived, endS, nowS] = [0, 0, 100, 100];
  for (let i = 0; i < 1000; i++) {
    sum += Math.floor(random() * 10);
    nowS += 1 + Math.floor(random() * 10);
    differences.begin();
    const { start, sums } = differences.since(owner, "a", START, [sum], time(nowS));
    assertEquals(start.wallSeconds, endS, `seed ${seed}, request ${i}`);
    if (random() < 0.3) continue;
    differences.arrived();
    arrived += sums[0];
    endS = nowS;
    assertEquals(arrived, sum, `seed ${seed}, request ${i}`);
  }
});
