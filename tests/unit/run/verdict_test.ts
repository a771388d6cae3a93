import { assertEquals } from "@std/assert";
import type { Summary, Threshold } from "../../../src/domain/summary.ts";
import {
  crossed,
  MAX_REASONS,
  type Thresholds,
  type Verdict,
  verdict,
} from "../../../src/run/verdict.ts";
import { flat, runOf, summary, target, total } from "../fixtures.ts";

const NONE_ASKED: Thresholds = { lossPercent: null, p50Ms: null, p99Ms: null, on: "target" };

function named(name: string, more: Partial<Summary>): Summary {
  return summary({ target: target(name), address: "192.0.2.1", ...more });
}

/** The verdict on targets that are each held against the thresholds. */
function verdictOn(targets: readonly Summary[], asked: Partial<Thresholds> = {}): Verdict {
  const thresholds = { ...NONE_ASKED, ...asked };
  const judged = targets.map((of) => ({ ...of, crossed: crossed(of, thresholds) }));
  return verdict(runOf(judged), thresholds);
}

const GOOD = named("good", { sent: 10, answered: 10, rtt: flat(2000), connect: flat(9000) });
const LOSSY = named("lossy", { sent: 10, answered: 9, lost: 1 });
const SILENT = named("silent", { sent: 10, lost: 10 });
const REFUSING = named("refusing", { sent: 3, answered: 3, refused: 3, connect: flat(5000) });
const UNKNOWN = named("unknown", { address: "", errors: 4 });
const UNSENT = named("unsent", { errors: 4 });

Deno.test("the exit code is 0 only when every target answered", () => {
  assertEquals(verdictOn([GOOD]).code, 0);
  assertEquals(verdictOn([GOOD, LOSSY, REFUSING]).code, 0);
  assertEquals(verdictOn([GOOD, SILENT]).code, 1);
  assertEquals(verdictOn([UNSENT]).code, 1);
  assertEquals(verdictOn([GOOD, UNKNOWN]).code, 2);
});

Deno.test("a name that did not resolve outweighs a silent target and a threshold", () => {
  const { code, reasons } = verdictOn([SILENT, UNKNOWN], { lossPercent: 0 });
  assertEquals([code, reasons], [2, ["silent: loss 100.0% is above 0%"]]);
});

Deno.test("a name that resolved once is no unresolved one", () => {
  assertEquals(verdictOn([named("db", { sent: 5, answered: 5, errors: 2 })]).code, 0);
});

Deno.test("a loss above its threshold fails, at the threshold it does not", () => {
  const at = (lossPercent: number) => verdictOn([GOOD, LOSSY], { lossPercent });
  assertEquals(at(10), { code: 0, reasons: [] });
  assertEquals(at(9.5), { code: 1, reasons: ["lossy: loss 10.0% is above 9.5%"] });
  assertEquals(at(0).code, 1);
});

Deno.test("a p99 above its threshold fails, the network's where it is known", () => {
  assertEquals(verdictOn([GOOD], { p99Ms: 2 }), { code: 0, reasons: [] });
  const reasons = ["good: p99 2.000 ms is above 1.999 ms"];
  assertEquals(verdictOn([GOOD], { p99Ms: 1.999 }), { code: 1, reasons });
  assertEquals(verdictOn([GOOD, REFUSING], { p99Ms: 4 }).reasons, [
    "refusing: p99 5.000 ms is above 4 ms",
  ]);
});

Deno.test("a p50 has a threshold of its own", () => {
  const rtt = { ...flat(2000), p50Us: 1000 };
  const of = named("db", { sent: 9, answered: 9, rtt });
  assertEquals(verdictOn([of], { p50Ms: 1, p99Ms: 2 }).code, 0);
  assertEquals(verdictOn([of], { p50Ms: 0.5, p99Ms: 2 }), {
    code: 1,
    reasons: ["db: p50 1.000 ms is above 0.5 ms"],
  });
});

Deno.test("what stands for the delays in the table is what is judged", () => {
  const asked: Thresholds = { ...NONE_ASKED, p99Ms: 5 };
  const once = named("once", { cold: flat(4000), connect: flat(6000) });
  assertEquals(crossed(once, asked), []);
  assertEquals(crossed({ ...once, cold: flat(5001) }, asked), ["p99"]);
  assertEquals(crossed({ ...once, cold: null }, asked), ["p99"]);
});

Deno.test("each threshold crossed is named, target by target", () => {
  const slow = named("slow", { sent: 4, answered: 2, lost: 2, rtt: flat(9000) });
  const { reasons } = verdictOn([slow, LOSSY], { lossPercent: 5, p50Ms: 2, p99Ms: 1 });
  assertEquals(reasons, [
    "slow: loss 50.0% is above 5%",
    "slow: p50 9.000 ms is above 2 ms",
    "slow: p99 9.000 ms is above 1 ms",
    "lossy: loss 10.0% is above 5%",
  ]);
});

Deno.test("a target without figures crosses no p99, and one with nothing sent no loss", () => {
  const { reasons } = verdictOn([SILENT, UNSENT], { lossPercent: 100, p50Ms: 0, p99Ms: 0 });
  assertEquals(reasons, []);
});

Deno.test("of many crossings the first have a line each, the others a number", () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => named(`n${i}`, LOSSY));
  const all = (count: number) =>
    verdictOn(many(count).map((of, i) => ({ ...of, target: target(`n${i}`) })), { lossPercent: 0 });
  assertEquals(all(MAX_REASONS).reasons.length, MAX_REASONS);
  const { code, reasons } = all(10_000);
  assertEquals([code, reasons.length], [1, MAX_REASONS + 1]);
  assertEquals(reasons[0], "n0: loss 10.0% is above 0%");
  assertEquals(reasons.at(-1), `and ${10_000 - MAX_REASONS} more beyond their thresholds`);
});

Deno.test("what the total crossed fails the run, under its name", () => {
  const thresholds: Thresholds = { ...NONE_ASKED, lossPercent: 1, on: "total" };
  const lost: Threshold[] = ["loss"];
  const all = total({ sent: 100, lost: 2, answered: 98, crossed: lost });
  const run = runOf([GOOD, LOSSY], { totals: [total({ group: ["az", "a"] }), all] });
  assertEquals(verdict(run, thresholds), {
    code: 1,
    reasons: ["total: loss 2.0% is above 1%"],
  });
});
