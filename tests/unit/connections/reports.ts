/** Reports of connections as tests need them. */
import type {
  ConnectionGroup,
  ConnectionReport,
  RttSpread,
} from "../../../src/domain/connection.ts";
import { literalEndpoint } from "../../../src/domain/address.ts";
import type { Endpoint } from "../../../src/domain/target.ts";

export function endpoint(address: string, port: number): Endpoint {
  return literalEndpoint(address, port)!;
}

export function aSpread(p50Us: number, count = 10): RttSpread {
  return {
    count,
    minUs: p50Us - 500,
    p50Us,
    p99Us: p50Us + 1500,
    maxUs: p50Us + 2000,
    sumUs: count * p50Us,
  };
}

export function aGroup(fields: Partial<ConnectionGroup> = {}): ConnectionGroup {
  return {
    group: "10.0.0.5:5432",
    direction: "out",
    localPort: null,
    peer: "10.0.0.5",
    peerPort: 5432,
    owner: null,
    peerName: null,
    connections: 10,
    opened: 0,
    closed: 0,
    rtt: null,
    replyRtt: null,
    handshake: null,
    minRttUs: null,
    rttVarianceUs: null,
    segmentsOut: 0,
    segmentsRetransmitted: 0,
    bytesIn: 0,
    bytesOut: 0,
    observedUs: 0,
    busyUs: 0,
    receiverLimitedUs: 0,
    sendBufferLimitedUs: 0,
    connecting: 0,
    closeWait: 0,
    acceptQueues: null,
    verdicts: [],
    slowestPeer: null,
    mostRetransmittedPeer: null,
    ...fields,
  };
}

/** 2026-11-21T09:00:01.25Z, over one second. */
export function aReport(
  groups: readonly ConnectionGroup[],
  more: Partial<ConnectionReport> = {},
): ConnectionReport {
  return {
    wallSeconds: 1_795_251_601,
    wallNanos: 250_000_000,
    intervalMs: 1000,
    groups,
    listening: [],
    totals: {
      connections: groups.reduce((sum, { connections }) => sum + connections, 0),
      connecting: 0,
      opened: 0,
      closed: 0,
      groups: groups.length,
      groupsInOthers: 0,
      activeOpens: 3,
      passiveOpens: 4,
      listenOverflows: 0,
      listenDrops: 0,
      untracked: 0,
      incomplete: false,
    },
    ...more,
  };
}
