import { assertEquals } from "@std/assert";
import { nextMtu } from "../../../src/trace/mtu.ts";
import { Patience } from "../../../src/trace/patience.ts";

Deno.test("with nothing known, a hop is waited for as long as the timeout", () => {
  assertEquals(new Patience(5000).waitMs(7), 5000);
});

Deno.test("behind what has answered, a hop may take ten times as long and a satellite's link", () => {
  const patience = new Patience(5000);
  patience.answered(2, 30);
  assertEquals(patience.waitMs(3), 1000);
});

Deno.test("before what has answered, three times as long and some slack", () => {
  const patience = new Patience(5000);
  patience.answered(2, 10);
  patience.answered(6, 100);
  assertEquals(patience.waitMs(4), 550);
  // A nearer hop that is slower counts too.
  patience.answered(1, 200);
  assertEquals(patience.waitMs(4), 850);
});

Deno.test("never longer than the timeout", () => {
  const patience = new Patience(300);
  patience.answered(1, 200);
  assertEquals([patience.waitMs(1), patience.waitMs(2)], [300, 300]);
});

const SIZES: readonly [size: number, given: number, next: number | null][] = [
  [1500, 1400, 1400],
  // A router that gives nothing, or nothing that helps: the next plateau (RFC 1191).
  [1500, 0, 1492],
  [1492, 1492, 1280],
  [1492, 9000, 1280],
  [1280, 20, 1006],
  [65_535, 0, 32_000],
  [68, 0, null],
];

Deno.test("the next packet is as large as the router says, if that is smaller", () => {
  for (const [size, given, next] of SIZES) {
    assertEquals(nextMtu(size, given), next, `${size}, ${given}`);
  }
});
