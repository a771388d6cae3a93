import { assertEquals } from "@std/assert";
import { blankRecord } from "../../../src/domain/probe_record.ts";
import { TargetStats } from "../../../src/stats/target_stats.ts";
import { warmUpStatistics } from "../../../src/stats/warm_up.ts";

Deno.test("a warm-up leaves nothing behind in statistics made before or after it", () => {
  const record = { ...blankRecord(), outcome: "established" as const, connectUs: 7, seq: 1 };
  const before = new TargetStats(record.target);
  before.add(record);
  warmUpStatistics();
  const after = new TargetStats(record.target);
  after.add(record);
  assertEquals(before.summary(0), after.summary(0));
  assertEquals([after.sent, after.summary(0).connect?.maxUs], [1, 7]);
});
