import { assertEquals, assertNotEquals } from "@std/assert";
import { hostPort, type Target, targetKey } from "../../../src/domain/target.ts";
import { lossRatio } from "../../../src/domain/summary.ts";
import { blankRecord, NONE } from "../../../src/domain/probe_record.ts";
import { summary, target } from "../fixtures.ts";

Deno.test("host and port are joined with brackets around IPv6 only", () => {
  assertEquals(hostPort("db.example", 5432), "db.example:5432");
  assertEquals(hostPort("192.0.2.1", 1), "192.0.2.1:1");
  assertEquals(hostPort("fe80::1%eth0", 22), "[fe80::1%eth0]:22");
});

Deno.test("equal targets share a key, and a difference in any field changes it", () => {
  const labels = [["rack", "r1"], ["role", "db"]] as const;
  const one = target("db", { labels });
  assertEquals(targetKey(one), targetKey({ ...one, labels: [...labels] }));
  const others: Partial<Target>[] = [
    { name: "db2" },
    { host: "192.0.2.2" },
    { port: 5433 },
    { az: "b" },
    { labels: [] },
    { labels: [["rack", "r1"]] },
    { labels: [["rack", "r2"], ["role", "db"]] },
  ];
  for (const other of others) assertNotEquals(targetKey(one), targetKey({ ...one, ...other }));
});

Deno.test("the loss ratio is lost over sent, and undefined when nothing was sent", () => {
  assertEquals(lossRatio(summary({ sent: 8, lost: 2 })), 0.25);
  assertEquals(lossRatio(summary({ sent: 3, lost: 3 })), 1);
  assertEquals(lossRatio(summary({ sent: 0, lost: 0, notSent: 4 })), null);
});

Deno.test("a blank record holds no measured value", () => {
  const { rttUs, connectUs, synRetransmits, rttSource, error } = blankRecord();
  assertEquals([rttUs, connectUs, synRetransmits], [NONE, NONE, NONE]);
  assertEquals([rttSource, error], [null, null]);
});
