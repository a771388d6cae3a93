import { assertEquals } from "@std/assert";
import type { Summary } from "../../../../src/domain/summary.ts";
import { verdict } from "../../../../src/commands/probe/verdict.ts";
import { flat, summary, target } from "../../fixtures.ts";

const NONE_ASKED = { failLossPercent: null, failP99Ms: null };

function named(name: string, more: Partial<Summary>): Summary {
  return summary({ target: target(name), address: "192.0.2.1", ...more });
}

const GOOD = named("good", { sent: 10, answered: 10, rtt: flat(2000), connect: flat(9000) });
const LOSSY = named("lossy", { sent: 10, answered: 9, lost: 1 });
const SILENT = named("silent", { sent: 10, lost: 10 });
const REFUSING = named("refusing", { sent: 3, answered: 3, refused: 3, connect: flat(5000) });
const UNKNOWN = named("unknown", { address: "", errors: 4 });
const UNSENT = named("unsent", { errors: 4 });

Deno.test("the exit code is 0 only when every target answered", () => {
  const codeOf = (...summaries: Summary[]) => verdict(summaries, NONE_ASKED).code;
  assertEquals(codeOf(GOOD), 0);
  assertEquals(codeOf(GOOD, LOSSY, REFUSING), 0);
  assertEquals(codeOf(GOOD, SILENT), 1);
  assertEquals(codeOf(UNSENT), 1);
  assertEquals(codeOf(GOOD, UNKNOWN), 2);
});

Deno.test("a name that did not resolve outweighs a silent target and a threshold", () => {
  const { code, reasons } = verdict([SILENT, UNKNOWN], { failLossPercent: 0, failP99Ms: null });
  assertEquals([code, reasons], [2, ["silent: loss 100.0% is above 0%"]]);
});

Deno.test("a name that resolved once is no unresolved one", () => {
  assertEquals(verdict([named("db", { sent: 5, answered: 5, errors: 2 })], NONE_ASKED).code, 0);
});

Deno.test("a loss above its threshold fails, at the threshold it does not", () => {
  const at = (failLossPercent: number) =>
    verdict([GOOD, LOSSY], { failLossPercent, failP99Ms: null });
  assertEquals(at(10), { code: 0, reasons: [] });
  assertEquals(at(9.5), { code: 1, reasons: ["lossy: loss 10.0% is above 9.5%"] });
  assertEquals(at(0).code, 1);
});

Deno.test("a p99 above its threshold fails, the network's where it is known", () => {
  const at = (failP99Ms: number, ...of: Summary[]) =>
    verdict(of, { failLossPercent: null, failP99Ms });
  assertEquals(at(2, GOOD), { code: 0, reasons: [] });
  assertEquals(at(1.999, GOOD), { code: 1, reasons: ["good: p99 2.000 ms is above 1.999 ms"] });
  assertEquals(at(4, GOOD, REFUSING).reasons, ["refusing: p99 5.000 ms is above 4 ms"]);
});

Deno.test("each threshold crossed is named, target by target", () => {
  const slow = named("slow", { sent: 4, answered: 2, lost: 2, rtt: flat(9000) });
  const { reasons } = verdict([slow, LOSSY], { failLossPercent: 5, failP99Ms: 1 });
  assertEquals(reasons, [
    "slow: loss 50.0% is above 5%",
    "slow: p99 9.000 ms is above 1 ms",
    "lossy: loss 10.0% is above 5%",
  ]);
});

Deno.test("a target without figures crosses no p99, and one with nothing sent no loss", () => {
  const { reasons } = verdict([SILENT, UNSENT], { failLossPercent: 100, failP99Ms: 0 });
  assertEquals(reasons, []);
});
