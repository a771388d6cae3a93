import { assertEquals } from "@std/assert";
import type { Summary, Threshold } from "../../../src/domain/summary.ts";
import {
  crossed,
  NO_THRESHOLDS,
  type Thresholds,
  type Verdict,
  verdict,
} from "../../../src/run/verdict.ts";
import { MAX_FAILURES } from "../../../src/run/failures.ts";
import { flat, runOf, summary, target, total } from "../fixtures.ts";

function named(name: string, more: Partial<Summary>): Summary {
  return summary({ target: target(name), address: "192.0.2.1", ...more });
}

/** The verdict on targets that are each held against the thresholds. */
function verdictOn(targets: readonly Summary[], asked: Partial<Thresholds> = {}): Verdict {
  const thresholds = { ...NO_THRESHOLDS, ...asked };
  const judged = targets.map((of) => ({ ...of, crossed: crossed(of, thresholds) }));
  return verdict(runOf(judged), thresholds);
}

const GOOD = named("good", { sent: 10, answered: 10, rtt: flat(2000), connect: flat(9000) });
const LOSSY = named("lossy", { sent: 10, answered: 9, lost: 1 });
const SILENT = named("silent", { sent: 10, lost: 10 });
const REFUSING = named("refusing", { sent: 3, answered: 3, refused: 3, connect: flat(5000) });
const UNKNOWN = named("unknown", {
  address: "",
  notSent: 4,
  lastError: "cannot resolve db.example: no such name",
});
const UNSENT = named("unsent", { notSent: 4 });

const REFUSED = "FAIL refusing: refused 3 of 3: nothing listens on 192.0.2.1:5432";

Deno.test("the exit code is 0 only when every target had a handshake", () => {
  assertEquals(verdictOn([GOOD]), { code: 0, failures: [] });
  assertEquals(verdictOn([GOOD, LOSSY]).code, 0);
  assertEquals(verdictOn([GOOD, REFUSING]), { code: 1, failures: [REFUSED] });
  assertEquals(verdictOn([GOOD, SILENT]).code, 1);
  assertEquals(verdictOn([UNSENT]).code, 1);
  assertEquals(verdictOn([GOOD, UNKNOWN]).code, 2);
});

Deno.test("a target without a handshake has one line that says why", () => {
  const line = (more: Partial<Summary>) => verdictOn([named("db", more)]).failures;
  assertEquals(line({ sent: 5, lost: 5 }), [
    "FAIL db: no answer in 5 of 5: 192.0.2.1:5432 is silent",
  ]);
  assertEquals(line({ sent: 5, lost: 5, unreachable: 4, lastError: "no route to host" }), [
    "FAIL db: unreachable 4 of 5: no route to host",
  ]);
  assertEquals(line({ notSent: 3, lastError: "too many open files" }), [
    "FAIL db: not sent 3 of 3: too many open files",
  ]);
  assertEquals(line({ sent: 4, waiting: 4 }), ["FAIL db: no answer yet 4 of 4"]);
  assertEquals(line({}), ["FAIL db: no probe was sent"]);
  assertEquals(line({ sent: 3, answered: 2, refused: 2, lost: 1 }), [
    "FAIL db: refused 2 of 3: nothing listens on 192.0.2.1:5432",
  ]);
});

Deno.test("a refusal is good enough where it is allowed, silence is not", () => {
  assertEquals(verdictOn([REFUSING], { allowRefused: true }), { code: 0, failures: [] });
  assertEquals(verdictOn([SILENT], { allowRefused: true }).code, 1);
});

Deno.test("a name that did not resolve outweighs a silent target and a threshold", () => {
  const { code, failures } = verdictOn([SILENT, UNKNOWN], { lossPercent: 0 });
  assertEquals(code, 2);
  assertEquals(failures, [
    "FAIL silent: no answer in 10 of 10: 192.0.2.1:5432 is silent; loss 100.0% is above 0%",
    "FAIL unknown: cannot resolve db.example: no such name; " +
    "loss 100.0% is above 0% (0 lost, 4 not sent, 0 skipped of 4 due)",
  ]);
});

Deno.test("a name that resolved once is no unresolved one", () => {
  assertEquals(verdictOn([named("db", { sent: 5, answered: 5, notSent: 2 })]).code, 0);
});

Deno.test("a loss above its threshold fails, at the threshold it does not", () => {
  const at = (lossPercent: number) => verdictOn([GOOD, LOSSY], { lossPercent });
  assertEquals(at(10), { code: 0, failures: [] });
  assertEquals(at(9.5), { code: 1, failures: ["FAIL lossy: loss 10.0% is above 9.5%"] });
  assertEquals(at(0).code, 1);
});

Deno.test("every whole percentage of loss is kept at its own threshold", () => {
  for (let lost = 0; lost < 100; lost++) {
    const of = named("db", { sent: 100, answered: 100 - lost, lost });
    assertEquals(crossed(of, { ...NO_THRESHOLDS, lossPercent: lost }), [], String(lost));
  }
});

Deno.test("what was not sent or skipped counts as loss for a threshold, what waits does not", () => {
  const of = named("db", { sent: 6, answered: 4, waiting: 2, notSent: 3, skipped: 1 });
  assertEquals(verdictOn([of], { lossPercent: 50 }).code, 0);
  assertEquals(verdictOn([of], { lossPercent: 49 }).failures, [
    "FAIL db: loss 50.0% is above 49% (0 lost, 3 not sent, 1 skipped of 8 due)",
  ]);
});

Deno.test("a threshold without a sample is crossed", () => {
  const asked = { p50Ms: 1, p99Ms: 2, connectP99Ms: 3, synLossPercent: 4, lossPercent: 5 };
  const { code, failures } = verdictOn([named("db", { sent: 2, answered: 2 })], asked);
  assertEquals([code, failures], [1, [
    "FAIL db: no sample for --fail-syn-loss 4%; no sample for --fail-p50 1 ms; " +
    "no sample for --fail-p99 2 ms; no sample for --fail-connect-p99 3 ms",
  ]]);
});

Deno.test("a p99 above its threshold fails, the network's where it is known", () => {
  assertEquals(verdictOn([GOOD], { p99Ms: 2 }), { code: 0, failures: [] });
  const failures = ["FAIL good: p99 2.000 ms is above 1.999 ms"];
  assertEquals(verdictOn([GOOD], { p99Ms: 1.999 }), { code: 1, failures });
});

Deno.test("connect times and SYN loss have thresholds of their own", () => {
  const of = named("db", {
    sent: 8,
    answered: 8,
    synCounted: 8,
    synRepeated: 2,
    rtt: flat(1000),
    connect: flat(1_024_000),
  });
  assertEquals(verdictOn([of], { synLossPercent: 25, connectP99Ms: 1024 }).code, 0);
  assertEquals(verdictOn([of], { synLossPercent: 24.9, connectP99Ms: 20 }).failures, [
    "FAIL db: SYN loss 25.0% is above 24.9%; connect p99 1024.000 ms is above 20 ms",
  ]);
});

Deno.test("what stands for the delays in the table is what is judged", () => {
  const asked: Thresholds = { ...NO_THRESHOLDS, p99Ms: 5 };
  const once = named("once", { cold: flat(4000), connect: flat(6000) });
  assertEquals(crossed(once, asked), []);
  assertEquals(crossed({ ...once, cold: flat(5001) }, asked), ["p99"]);
  assertEquals(crossed({ ...once, cold: null }, asked), ["p99"]);
});

Deno.test("a target's thresholds stand in one line, target by target", () => {
  const slow = named("slow", { sent: 4, answered: 2, lost: 2, rtt: flat(9000) });
  const { failures } = verdictOn([slow, LOSSY], { lossPercent: 5, p50Ms: 2, p99Ms: 1 });
  assertEquals(failures, [
    "FAIL slow: loss 50.0% is above 5%; p50 9.000 ms is above 2 ms; p99 9.000 ms is above 1 ms",
    "FAIL lossy: loss 10.0% is above 5%; no sample for --fail-p50 2 ms; " +
    "no sample for --fail-p99 1 ms",
  ]);
});

Deno.test("of many failing targets the first have a line each, the others a number", () => {
  const all = (count: number) =>
    verdictOn(Array.from({ length: count }, (_, i) => named(`n${i}`, { sent: 9, lost: 9 })));
  assertEquals(all(MAX_FAILURES).failures.length, MAX_FAILURES);
  const { code, failures } = all(10_000);
  assertEquals([code, failures.length], [1, MAX_FAILURES + 1]);
  assertEquals(failures.at(-1), `FAIL and ${10_000 - MAX_FAILURES} more targets`);
});

Deno.test("what the total crossed fails the run, under its name", () => {
  const thresholds: Thresholds = { ...NO_THRESHOLDS, lossPercent: 1, on: "total" };
  const lost: Threshold[] = ["loss"];
  const all = total({ sent: 100, lost: 2, answered: 98, crossed: lost });
  const run = runOf([GOOD, LOSSY], { totals: [total({ group: ["az", "a"] }), all] });
  assertEquals(verdict(run, thresholds), {
    code: 1,
    failures: ["FAIL total: loss 2.0% is above 1%"],
  });
});
