import { assertEquals } from "@std/assert";
import { NONE, type ProbeRecord } from "../../../src/domain/probe_record.ts";
import { type Summary, synLossRatio } from "../../../src/domain/summary.ts";
import { TargetStats } from "../../../src/stats/target_stats.ts";
import { established, record, target } from "../fixtures.ts";
import { property } from "../random.ts";

function summaryOf(...records: readonly ProbeRecord[]): Summary {
  const stats = new TargetStats(target("db"));
  for (const each of records) stats.add(each);
  return stats.summary(0);
}

/** A word of a run, letter by letter: `.` answered, `x` lost, `u` unreachable, `e` not sent. */
function runOf(word: string): ProbeRecord[] {
  return [...word].map((letter, i) => {
    const seq = i + 1;
    if (letter === "x") return record({ seq, outcome: "timeout" });
    if (letter === "u") return record({ seq, outcome: "unreachable", error: "no route" });
    if (letter === "e") return record({ seq, outcome: "error", error: "no buffers" });
    return established(seq, 1000 * seq);
  });
}

Deno.test("a target nothing was sent to has counts of zero and no figures", () => {
  const { target: of, address, lastError, synRetransmits, exportDropped, ...rest } = summaryOf();
  assertEquals([of.name, address, lastError, synRetransmits, exportDropped], [
    "db",
    "",
    null,
    null,
    0,
  ]);
  const { rtt, connect, cold, delayVariation, lag, ...counts } = rest;
  assertEquals([rtt, connect, cold, delayVariation, lag], [null, null, null, null, null]);
  assertEquals(new Set(Object.values(counts)), new Set([0]));
});

Deno.test("a refusal is an answer with a connect time, not a loss", () => {
  const figures = summaryOf(
    record({ outcome: "refused", connectUs: 400, rttUs: 400, rttSource: "clock" }),
  );
  assertEquals([figures.sent, figures.answered, figures.lost, figures.refused], [1, 1, 0, 1]);
  assertEquals(figures.connect?.p50Us, 400);
  assertEquals(figures.rtt, null);
});

Deno.test("timeouts and unreachable targets are lost, and the latter counted apart", () => {
  const figures = summaryOf(...runOf(".xu."));
  assertEquals([figures.sent, figures.answered, figures.lost, figures.unreachable], [4, 2, 2, 1]);
});

Deno.test("what was not sent is an error, neither sent nor lost, and has no lag", () => {
  const figures = summaryOf(
    record({ seq: 1, outcome: "error", lagUs: 9000 }),
    record({ seq: 2, outcome: "unresolved", address: "", lagUs: 9000 }),
    record({ seq: 3, outcome: "timeout", lagUs: 50 }),
  );
  assertEquals([figures.sent, figures.lost, figures.notSent], [1, 1, 2]);
  assertEquals([figures.lag?.count, figures.lag?.maxUs], [1, 50]);
});

Deno.test("skipped slots add up", () => {
  const stats = new TargetStats(target("db"));
  stats.skip(3);
  stats.skip(4);
  assertEquals(stats.summary(0).skipped, 7);
});

Deno.test("the run's undelivered lines are passed on", () => {
  assertEquals(new TargetStats(target("db")).summary(12).exportDropped, 12);
});

Deno.test("the longest loss run is counted over the whole run", () => {
  assertEquals(summaryOf(...runOf("..xx.xxux..x")).longestLossRun, 4);
  assertEquals(summaryOf(...runOf("....")).longestLossRun, 0);
  assertEquals(summaryOf(...runOf("xxx")).longestLossRun, 3);
  assertEquals(summaryOf(...runOf("xxexx")).longestLossRun, 2);
});

Deno.test("delay variation pairs only consecutive steady answers of the kernel", () => {
  const figures = summaryOf(
    established(1, 9000, { cold: true }),
    established(2, 1000),
    established(3, 1030),
    record({ seq: 4, outcome: "timeout" }),
    established(5, 5000),
    established(6, 4900),
    established(7, 4950, { rttSource: "clock" }),
    established(8, 100),
  );
  assertEquals([figures.delayVariation?.count, figures.delayVariation?.minUs], [2, 30]);
  assertEquals(figures.delayVariation?.maxUs, 100);
});

Deno.test("cold handshakes are kept apart from steady ones", () => {
  const figures = summaryOf(
    established(1, 9000, { cold: true }),
    established(2, 1000),
    established(3, 1100),
    established(4, 8000, { cold: true }),
  );
  assertEquals([figures.cold?.count, figures.cold?.minUs, figures.cold?.maxUs], [2, 8000, 9000]);
  assertEquals([figures.rtt?.count, figures.rtt?.maxUs], [2, 1100]);
  assertEquals(figures.connect?.count, 4);
});

Deno.test("the clock's RTT stays out of rtt, and its connect time is in connect", () => {
  const figures = summaryOf(
    established(1, 1_030_000, { rttSource: "clock", connectUs: 1_030_000, synRetransmits: 1 }),
  );
  assertEquals([figures.rtt, figures.cold], [null, null]);
  assertEquals(figures.connect?.maxUs, 1_030_000);
  assertEquals(figures.synRetransmits, 1);
});

Deno.test("an established probe without any RTT is answered and has a connect time", () => {
  const figures = summaryOf(established(1, 0, { rttUs: NONE, rttSource: null, connectUs: 700 }));
  assertEquals([figures.answered, figures.rtt, figures.connect?.minUs], [1, null, 700]);
});

Deno.test("SYN retransmits are unknown until the kernel has told of one handshake", () => {
  assertEquals(summaryOf(established(1, 1, { synRetransmits: NONE })).synRetransmits, null);
  assertEquals(summaryOf(established(1, 1, { synRetransmits: 0 })).synRetransmits, 0);
  const mixed = [
    established(1, 1, { synRetransmits: 2 }),
    established(2, 1, { synRetransmits: NONE }),
    established(3, 1, { synRetransmits: 3 }),
  ];
  assertEquals(summaryOf(...mixed).synRetransmits, 5);
});

Deno.test("a retransmit of a handshake that came too late still counts", () => {
  const figures = summaryOf(record({ outcome: "timeout", synRetransmits: 2 }));
  assertEquals([figures.lost, figures.synRetransmits], [1, 2]);
});

Deno.test("the address shown is the one last used", () => {
  const moved = summaryOf(established(1, 1), established(2, 1, { address: "192.0.2.9" }));
  assertEquals(moved.address, "192.0.2.9");
});

Deno.test("a slow loss between quick answers breaks their pair once it is known", () => {
  const figures = summaryOf(
    established(1, 100),
    established(3, 900),
    record({ seq: 2, outcome: "timeout" }),
  );
  assertEquals([figures.delayVariation, figures.longestLossRun], [null, 1]);
});

Deno.test("SYN loss counts a handshake once, however often its SYN was repeated", () => {
  const figures = summaryOf(
    established(1, 1, { synRetransmits: 0 }),
    established(2, 1, { synRetransmits: 3, rttSource: "clock" }),
    established(3, 1, { synRetransmits: 1, rttSource: "clock" }),
    established(4, 1, { synRetransmits: NONE }),
    established(5, 1, { synRetransmits: 0 }),
    record({ seq: 6, outcome: "timeout" }),
    record({ seq: 7, outcome: "refused", connectUs: 9 }),
  );
  assertEquals([figures.synRetransmits, figures.synCounted, figures.synRepeated], [4, 4, 2]);
  assertEquals(synLossRatio(figures), 0.5);
});

Deno.test("SYN loss is unknown where the kernel counted no handshake's SYNs", () => {
  const figures = summaryOf(
    established(1, 1, { synRetransmits: NONE }),
    record({ seq: 2, outcome: "timeout" }),
  );
  assertEquals(synLossRatio(figures), null);
});

/** The longest runs of two statistics, the second of which follow the first. */
function runsOf(first: readonly ProbeRecord[], second: readonly ProbeRecord[]): number[] {
  const before = new TargetStats(target("db"));
  for (const each of first) before.add(each);
  const { longestLossRun } = before.summary(0);
  const after = new TargetStats(before.target, before);
  for (const each of second) after.add(each);
  return [longestLossRun, after.summary(0).longestLossRun];
}

const lostAt = (seq: number) => record({ seq, outcome: "timeout" });

Deno.test("a loss that waits for an earlier probe is in the run of one span alone", () => {
  // Probe 1 is still under way at the boundary, 2 and 3 are lost already.
  assertEquals(runsOf([lostAt(2), lostAt(3)], []), [2, 0]);
  assertEquals(runsOf([lostAt(2), lostAt(3)], [established(1, 5)]), [2, 0]);
  assertEquals(runsOf([lostAt(2), lostAt(3)], [established(1, 5), established(4, 5)]), [2, 0]);
});

Deno.test("a run that waited and goes on belongs to both spans", () => {
  assertEquals(runsOf([lostAt(2), lostAt(3)], [lostAt(1)]), [2, 3]);
  assertEquals(runsOf([lostAt(2), lostAt(3)], [lostAt(4)]), [2, 3]);
  assertEquals(runsOf([lostAt(2), lostAt(3)], [established(1, 5), lostAt(4)]), [2, 3]);
  assertEquals(runsOf([lostAt(1), lostAt(3)], [established(2, 5), lostAt(4)]), [1, 2]);
  assertEquals(runsOf([lostAt(1)], [lostAt(2), established(3, 5)]), [1, 2]);
});

property("results in any order give the figures of the same results in order", 200, (random) => {
  const size = random.int(1, 60);
  const records = Array.from({ length: size }, (_, i) => {
    const seq = i + 1;
    switch (random.int(0, 5)) {
      case 0:
        return record({ seq, outcome: "timeout" });
      case 1:
        return record({ seq, outcome: "refused", connectUs: 50 });
      case 2:
        return record({ seq, outcome: "error" });
      default:
        return established(seq, random.int(1, 200), { cold: random.int(0, 5) === 0 });
    }
  });
  const inOrder = summaryOf(...records);
  const shuffled = summaryOf(...random.order(size).map((i) => records[i]));
  const counts = (
    { sent, lost, longestLossRun, notSent }: Summary,
  ) => [sent, lost, longestLossRun, notSent];
  assertEquals(counts(shuffled), counts(inOrder));
  const variation = (
    { delayVariation: of }: Summary,
  ) => [of?.count, of?.minUs, of?.maxUs, of?.p50Us];
  assertEquals(variation(shuffled), variation(inOrder));
});
