import { assertEquals, assertLessOrEqual, assertMatch, assertStringIncludes } from "@std/assert";
import type { ProbeRecord } from "../../../src/domain/probe_record.ts";
import type { RunSummary, Summary } from "../../../src/domain/summary.ts";
import type { Target } from "../../../src/domain/target.ts";
import { NAMING, textIntroduction } from "../../../src/format/naming.ts";
import { type Paint, plain } from "../../../src/format/paint.ts";
import { TextFormat } from "../../../src/format/text.ts";
import { goneLine } from "../../../src/format/text_summary.ts";
import { columnsOf } from "../../../src/text/columns.ts";
import { established, flat, record, runOf, summary, target, total, windowOf } from "../fixtures.ts";
import { written } from "./written.ts";

/** Colours that can be read. */
const marked: Paint = { bad: (text) => `<bad ${text}>`, warn: (text) => `<warn ${text}>` };

function formatFor(targets: readonly Target[], paint: Paint): TextFormat {
  return new TextFormat(targets, { timestamps: false, paint, columns: 200, brief: false });
}

function lineOf(of: ProbeRecord, paint = plain): string {
  const format = formatFor([of.target], paint);
  return written((out) => format.record(out, of));
}

function runText(run: RunSummary, paint = plain): string {
  const targets = Array.from(run.targets, (of) => of.target);
  const format = formatFor(targets, paint);
  return written((out) => {
    for (const step of format.summary(run)) step(out);
  });
}

/** Two targets and a single one, with something to say in every column, at a width. */
function busyTexts(columns: number): string[] {
  const busy = {
    sent: 1000,
    answered: 970,
    lost: 20,
    waiting: 10,
    refused: 7,
    unreachable: 3,
    skipped: 12,
    notSent: 4,
    synCounted: 960,
    synRepeated: 5,
    synRetransmits: 9,
    longestLossRun: 4,
    exportDropped: 3,
    rtt: flat(12_345_678, 900),
    cold: flat(59_999_999, 9),
    connect: flat(12_345_678, 970),
  };
  const name = "replica-3.postgres.prod.eu-central-1.internal.example:5432";
  const one = summary({ target: target(name), address: "2001:db8:1:2:3:4:5:6", ...busy });
  const other = summary({ target: target("db"), ...busy });
  const style = { timestamps: false, paint: plain, columns, brief: false };
  return [runOf([one]), runOf([one, other], { totals: [total(busy)] })].map((run) =>
    written((out) => {
      const format = new TextFormat(Array.from(run.targets, (of) => of.target), style);
      for (const step of format.summary(run)) step(out);
    })
  );
}

Deno.test("a summary fits 60, 80 and 200 columns, and keeps what matters most", () => {
  for (const columns of [60, 80, 200]) {
    for (const text of busyTexts(columns)) {
      for (const line of text.split("\n")) assertLessOrEqual(columnsOf(line), columns, line);
      for (const word of ["sent", "lost", "refused", "waiting", "skipped", "not sent"]) {
        assertStringIncludes(text, word);
      }
      const quantiles = columns === 60 ? [] : ["p99", "max"];
      for (const word of quantiles) assertStringIncludes(text, word);
    }
  }
});

/** The titles of the table of these targets' columns, in their order. */
function titlesAt(columns: number, summaries: readonly Summary[]): string[] {
  const format = new TextFormat(summaries.map((of) => of.target), {
    timestamps: false,
    paint: plain,
    columns,
    brief: false,
  });
  const text = written((out) => {
    for (const step of format.summary(runOf(summaries))) step(out);
  });
  return text.trim().split("\n")[0].split(/ {2,}/);
}

Deno.test("a count that is not 0 in some line keeps its column, and quantiles make room for it", () => {
  const fast = summary({ target: target("x".repeat(32)), sent: 20, answered: 20, rtt: flat(31) });
  const shown = (more: Parameters<typeof summary>[0]) =>
    titlesAt(80, [fast, summary({ target: target("b"), sent: 20, ...more })]);
  const delays = ["p50", "p99", "max ms"];
  assertEquals(shown({ answered: 20 }), ["target", "sent", "answered", "lost", ...delays]);
  assertEquals(
    shown({ answered: 19, refused: 19, waiting: 1 }),
    ["target", "sent", "lost", "refused", "waiting", "p99", "max ms"],
  );
  assertEquals(
    shown({ answered: 9, refused: 1, lost: 1, waiting: 10, skipped: 1, notSent: 1 }),
    ["target", "sent", "lost", "refused", "waiting", "skipped", "not sent", "p99", "max ms"],
  );
});

Deno.test("a quantile of too few samples is the maximum, with a mark that is explained once", () => {
  const distribution = { ...flat(5, 99), p99Us: 4, maxUs: 7 };
  const text = (count: number) => summaryText([summary({ rtt: { ...distribution, count } })]);
  assertStringIncludes(text(99), "0.007*");
  assertEquals(text(99).split("* too few samples").length, 2);
  assertEquals(/^rtt .* 0\.004 /m.test(text(100)), true);
});

Deno.test("a quiet summary is a line a target, with the same keys in every line", () => {
  const style = { timestamps: false, paint: plain, columns: 80, brief: true };
  const run = runOf([
    summary({ address: "192.0.2.1", sent: 2, answered: 2, rtt: flat(31, 2) }),
    summary({ target: target("b c") }),
  ]);
  const format = new TextFormat(Array.from(run.targets, (of) => of.target), style);
  const lines = written((out) => {
    for (const step of format.summary(run)) step(out);
  });
  assertEquals(
    lines,
    "db address=192.0.2.1:5432 sent=2 answered=2 lost=0 loss=0.0% refused=0 waiting=0 skipped=0 " +
      "not_sent=0 min_ms=0.031 p50_ms=0.031 p99_ms=0.031 max_ms=0.031\n" +
      "b c address=- sent=0 answered=0 lost=0 loss=- refused=0 waiting=0 skipped=0 not_sent=0 " +
      "min_ms=- p50_ms=- p99_ms=- max_ms=-\n",
  );
});

Deno.test("a quiet line has no times where refusals' connect times would stand in for RTTs", () => {
  const style = { timestamps: false, paint: plain, columns: 80, brief: true };
  const line = (more: Parameters<typeof summary>[0]) =>
    written((out) => {
      const run = runOf([summary({ sent: 5, answered: 5, ...more })]);
      for (const step of new TextFormat([target("db")], style).summary(run)) step(out);
    });
  const none = "min_ms=- p50_ms=- p99_ms=- max_ms=-\n";
  const times = "min_ms=0.031 p50_ms=0.031 p99_ms=0.031 max_ms=0.031\n";
  assertStringIncludes(line({ refused: 5, connect: flat(31, 5) }), none);
  assertStringIncludes(line({ refused: 4, connect: flat(31, 5) }), none);
  assertStringIncludes(line({ refused: 4, rtt: flat(31, 1), connect: flat(70, 5) }), times);
  assertStringIncludes(line({ connect: flat(31, 5) }), times);
});

Deno.test("the last summary of a target that is gone has its counts in one line", () => {
  const of = { sent: 13, answered: 12, refused: 9, waiting: 1, connect: flat(5, 12) };
  assertEquals(
    goneLine(summary({ target: target("a\tb"), ...of })),
    "a?b gone: 13 sent, 12 answered, 0 lost (0.0%), 9 refused, 1 waiting",
  );
});

function summaryText(summaries: readonly Summary[], paint = plain): string {
  return runText(runOf(summaries), paint);
}

Deno.test("an answered probe shows RTT and connect time, and no source when it is the kernel's", () => {
  assertEquals(lineOf(established(1, 1234)), "db  seq=1      1.234 ms      connect 1.334\n");
});

Deno.test("a value of the clock says so, and retransmits are named", () => {
  const slow = established(7, 1_030_000, { rttSource: "clock", synRetransmits: 1 });
  assertMatch(
    lineOf(slow),
    /^db {2}seq=7 {6}1030\.000 ms +connect 1030\.100 {2}\(by the clock\) {2}1 SYN retransmit\n$/,
  );
  assertStringIncludes(lineOf({ ...slow, synRetransmits: 2 }, marked), "<warn 2 SYN retransmits>");
});

Deno.test("what was not measured has no number", () => {
  assertEquals(lineOf(record({ outcome: "timeout" })), "db  seq=1      timeout\n");
  const kernelOnly = established(1, 5, { rttUs: -1, rttSource: null });
  assertStringIncludes(lineOf(kernelOnly), "no kernel RTT");
});

Deno.test("failures are coloured and followed by the reason", () => {
  const failed = record({ outcome: "unreachable", error: "No route to host (os error 113)" });
  assertEquals(
    lineOf(failed, marked),
    "db  seq=1      <bad unreachable>  No route to host (os error 113)\n",
  );
  assertStringIncludes(
    lineOf(record({ outcome: "refused", connectUs: 400 }), marked),
    "<warn refused> after 0.4 ms\n",
  );
  assertStringIncludes(lineOf(record({ outcome: "timeout" }), marked), "<bad timeout>\n");
});

Deno.test("a cold handshake says so", () => {
  assertMatch(lineOf(established(1, 5, { cold: true })), / {2}cold\n$/);
});

Deno.test("lines of several targets are aligned, however long the names and numbers", () => {
  const targets = [target("a"), target("database-primary"), target("x".repeat(60))];
  const format = new TextFormat(targets, {
    timestamps: false,
    paint: plain,
    columns: 200,
    brief: false,
  });
  const [short, long, longest] = targets.map((of, i) =>
    written((out) => format.record(out, established(10 ** i, 10 ** (2 * i + 1), { target: of })))
  );
  assertEquals(short.indexOf("seq="), long.indexOf("seq="));
  assertEquals(short.indexOf("connect"), long.indexOf("connect"));
  assertEquals(longest.indexOf("seq="), 62);
});

Deno.test("a summary at 100 % loss has its counts and no figures but the lag", () => {
  const lost = summary({ sent: 4, lost: 4, longestLossRun: 4, lag: flat(100, 4) });
  const text = summaryText([lost]);
  assertStringIncludes(text, "4 sent, 0 answered, 4 lost (100.0%, at most 4 in a row)");
  assertEquals(text.split("\n").filter((line) => /^(rtt|cold|connect|variation)/.test(line)), []);
  assertMatch(text, /\nlag +4 +0\.100/);
});

Deno.test("a summary of nothing sent has a dash for its loss", () => {
  assertStringIncludes(summaryText([summary()]), "0 sent, 0 answered, 0 lost (-)");
});

Deno.test("counts that are not zero are all there", () => {
  const of = summary({
    sent: 9,
    answered: 7,
    lost: 2,
    refused: 3,
    unreachable: 1,
    skipped: 5,
    notSent: 6,
    synRetransmits: 1,
    synCounted: 7,
    synRepeated: 1,
    longestLossRun: 1,
    exportDropped: 8,
  });
  assertEquals(
    summaryText([of], marked).split("\n")[2],
    "9 sent, 7 answered, <bad 2 lost (22.2%, at most 1 in a row)>, <warn 3 refused>, " +
      "1 unreachable, <warn 5 skipped>, <bad 6 not sent>, <warn 1 SYN retransmit (SYN loss 14.3%)>, " +
      "<bad 8 not exported>",
  );
});

Deno.test("the title names the target once, with its address where that says more", () => {
  const literal = target("192.0.2.1:5432");
  assertStringIncludes(
    summaryText([summary({ target: literal, address: "192.0.2.1" })]),
    "--- 192.0.2.1:5432 ---",
  );
  const named = target("db", { host: "db.example" });
  assertStringIncludes(summaryText([summary({ target: named })]), "--- db (db.example:5432) ---");
  assertStringIncludes(
    summaryText([summary({ target: named, address: "2001:db8::1" })]),
    "--- db ([2001:db8::1]:5432) ---",
  );
});

Deno.test("several targets get a line each, in columns under one head", () => {
  const text = summaryText([
    summary({ target: target("a"), sent: 100_000, answered: 100_000, synRetransmits: 0 }),
    summary({ target: target("database"), sent: 10, lost: 10, longestLossRun: 10 }),
  ], marked);
  const lines = text.trim().split("\n");
  assertEquals(lines.length, 3);
  assertMatch(lines[1], /^a {9}100000 +100000 +0 +0\.0% +0 +0 +0 +0 +0( +-){5}$/);
  assertMatch(lines[2], /^<bad database +10 +0 +10 +100\.0% +0 +0 +0 +0 +-( +-){5}>$/);
});

Deno.test("a run starts by saying what it probes", () => {
  const one = target("db", { host: "db.example" });
  assertEquals(
    textIntroduction([one], "every 1s", NAMING.probe),
    "probing db (db.example:5432), every 1s",
  );
  assertEquals(
    textIntroduction([one, target("b")], "every 1s", NAMING.probe),
    "probing 2 targets, every 1s",
  );
  assertEquals(
    textIntroduction([target("192.0.2.1:5432")], "every 1s", NAMING.probe),
    "probing 192.0.2.1:5432, every 1s",
  );
});

Deno.test("a single target that crossed its thresholds says so in the last line", () => {
  const of = { ...summary({ sent: 2, lost: 1 }), crossed: ["loss", "p99"] as const };
  assertMatch(runText(runOf([of]), marked), /\n<bad over threshold: loss, p99>\n$/);
});

Deno.test("in a table the rows that crossed are marked, targets and totals alike", () => {
  const good = summary({ target: target("good"), sent: 9, answered: 9, rtt: flat(5) });
  const slow = { ...good, target: target("slow"), crossed: ["p50", "p99"] as const };
  const totals = [total({ sent: 18, answered: 18, crossed: ["p99"] })];
  const lines = runText(runOf([good, slow], { totals }), marked).trim().split("\n");
  assertMatch(lines[1], /^good .* 0\.005$/);
  assertMatch(lines[2], /^<bad slow .* 0\.005>$/);
  assertEquals(lines[3], "");
  assertMatch(lines[4], /^<bad total \(2 targets\) .* ->$/);
});

Deno.test("groups stand between the targets and the total, in the same columns", () => {
  const totals = [total({ group: ["rack", "r1"], targets: 2, sent: 7 }), total({ sent: 8 })];
  const text = runText(runOf([summary(), summary({ target: target("b") })], { totals }));
  const [head, , , , group, all] = text.trim().split("\n");
  assertMatch(group, /^rack=r1 \(2 targets\) +7 /);
  assertMatch(all, /^total \(2 targets\) +8 /);
  const end = head.indexOf("sent") + "sent".length;
  assertEquals([group.slice(end - 1, end), all.slice(end - 1, end)], ["7", "8"]);
});

Deno.test("a label whose groups have one target each makes no lines, one with a larger group has all", () => {
  const group = (key: string, value: string, targets: number) =>
    total({ group: [key, value], targets });
  const totals = [
    group("rack", "r1", 1),
    group("rack", "r2", 1),
    group("role", "app", 1),
    group("role", "db", 2),
    total({ targets: 3 }),
  ];
  const targets = ["a", "b", "c"].map((name) => summary({ target: target(name) }));
  const lines = runText(runOf(targets, { totals })).trim().split("\n").slice(5);
  assertEquals(lines.map((line) => line.split(" (")[0]), ["role=app", "role=db", "total"]);
});

Deno.test("below many targets the totals get a head of their own", () => {
  const heads = (count: number) => {
    const targets = Array.from({ length: count }, (_, i) => summary({ target: target(`n${i}`) }));
    return runText(runOf(targets, { totals: [total()] })).match(/sent {2}answered/g)?.length;
  };
  assertEquals([heads(20), heads(21)], [1, 2]);
});

Deno.test("a rare SYN loss is not shown as none", () => {
  const lossOf = (synRepeated: number) => {
    const figures = { synRetransmits: synRepeated, synCounted: 1_000_000, synRepeated };
    return /SYN loss ([^)]*)/.exec(summaryText([summary({ sent: 1, ...figures })]))?.[1];
  };
  assertEquals([1, 20, 400, 20_000].map(lossOf), ["<0.001%", "0.002%", "0.04%", "2.0%"]);
});

function windowText(more: Parameters<typeof windowOf>[0], paint = plain): string {
  const of = windowOf(more);
  const format = formatFor([of.target], paint);
  return written((out) => format.window(out, of));
}

Deno.test("a window names what stands in for steady round trips, and its refusals", () => {
  const times = "min 0.005  p50 0.005  p99 0.005  max 0.005 ms";
  const counts = { sent: 3, answered: 3 };
  assertEquals(windowText({ ...counts, rtt: flat(5) }), `db  10s: 3 sent, 0 lost, ${times}\n`);
  assertEquals(
    windowText({ ...counts, cold: flat(5), connect: flat(7) }),
    `db  10s: 3 sent, 0 lost, ${times}  cold\n`,
  );
  assertEquals(
    windowText({ ...counts, refused: 3, connect: flat(5) }, marked),
    `db  10s: 3 sent, 0 lost, <warn 3 refused>, ${times}  connect\n`,
  );
  assertEquals(windowText({ sent: 1, lost: 1 }), "db  10s: 1 sent, 1 lost, no answer\n");
});
