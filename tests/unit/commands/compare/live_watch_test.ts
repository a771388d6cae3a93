import { assertEquals } from "@std/assert";
import { LiveTotals } from "../../../../src/commands/compare/live_watch.ts";
import type { ConnectionGroup, ConnectionReport } from "../../../../src/domain/connection.ts";
import { aGroup, aReport } from "../../connections/reports.ts";

/** Four quiet connections with a peer, and what is different. */
function reported(more: Partial<ConnectionGroup>): ConnectionReport {
  return aReport([aGroup({ connections: 4, minRttUs: 2000, observedUs: 1_000_000, ...more })]);
}

function spread(us: number): NonNullable<ConnectionGroup["rtt"]> {
  return { count: 2, minUs: us - 100, p50Us: us, p99Us: us + 50, maxUs: us + 100, sumUs: 2 * us };
}

Deno.test("readings of live connections add up, and the last evidence of a verdict is told", () => {
  const totals = new LiveTotals();
  totals.begin(reported({}));
  totals.add(reported({ segmentsOut: 100, segmentsRetransmitted: 2, replyRtt: spread(30_000) }));
  const verdicts = [{
    verdict: "loss",
    evidence: "the path lost 3 of 90 segments (3.3%)",
  }] as const;
  totals.add(reported({ segmentsOut: 90, segmentsRetransmitted: 3, verdicts, minRttUs: 1900 }));
  totals.add(reported({ replyRtt: spread(34_000) }));
  assertEquals(totals.get(), {
    connections: 4,
    readings: 3,
    segmentsOut: 190,
    segmentsRetransmitted: 5,
    minRttUs: 1900,
    rtt: null,
    replyRtt: { count: 4, minUs: 29_900, p50Us: 30_000, maxUs: 34_100, medians: [30_000, 34_000] },
    loss: "the path lost 3 of 90 segments (3.3%)",
    queueing: null,
  });
});

Deno.test("connections that were not there at the start are not told of: our handshakes linger", () => {
  const totals = new LiveTotals();
  totals.begin(reported({ connections: 0 }));
  totals.add(reported({ connections: 36, rtt: spread(4000) }));
  assertEquals(totals.get(), null);
});

Deno.test("what this machine accepted is no connection to the target", () => {
  const totals = new LiveTotals();
  totals.begin(reported({ direction: "in" }));
  totals.add(reported({ direction: "in", rtt: spread(4000) }));
  assertEquals(totals.get(), null);
});
