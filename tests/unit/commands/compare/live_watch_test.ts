import { assertEquals } from "@std/assert";
import { LiveTotals } from "../../../../src/commands/compare/live_watch.ts";
import type { ConnectionGroup, ConnectionReport } from "../../../../src/domain/connection.ts";

const QUIET: ConnectionGroup = {
  group: "192.0.2.7:5432",
  direction: "out",
  localPort: null,
  peer: "192.0.2.7",
  peerPort: 5432,
  owner: null,
  peerName: null,
  connections: 4,
  opened: 0,
  closed: 0,
  rtt: null,
  replyRtt: null,
  handshake: null,
  minRttUs: 2000,
  rttVarianceUs: null,
  segmentsOut: 0,
  segmentsRetransmitted: 0,
  bytesIn: 0,
  bytesOut: 0,
  observedUs: 1_000_000,
  busyUs: 0,
  receiverLimitedUs: 0,
  sendBufferLimitedUs: 0,
  connecting: 0,
  closeWait: 0,
  acceptQueues: null,
  verdicts: [],
  slowestPeer: null,
  mostRetransmittedPeer: null,
};

function reported(more: Partial<ConnectionGroup>): ConnectionReport {
  const totals = {
    connections: 4,
    connecting: 0,
    opened: 0,
    closed: 0,
    groups: 1,
    groupsInOthers: 0,
    activeOpens: null,
    passiveOpens: null,
    listenOverflows: null,
    listenDrops: null,
    untracked: 0,
    incomplete: false,
  };
  const groups = [{ ...QUIET, ...more }];
  return { wallSeconds: 0, wallNanos: 0, intervalMs: 1000, groups, listening: [], totals };
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
