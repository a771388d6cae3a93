/**
 * A report of connections as JSON, one object a line: a line a group (schema wire-probe.connections.v1)
 * and one for the whole (wire-probe.connections_total.v1). Fields are always there, null where undefined.
 */
import type { ConnectionGroup, ConnectionReport, RttSpread } from "../domain/connection.ts";
import { retransmittedRatio, shareOf } from "../domain/connection.ts";
import { isoTimeText } from "./byte_writer.ts";
import { millisOf, roundedShare } from "../text/number.ts";

export function connectionsJson(report: ConnectionReport): string {
  const common = {
    time: isoTimeText(report),
    interval_ms: Math.round(report.intervalMs * 1000) / 1000,
  };
  const lines = report.groups.map((group) => JSON.stringify(groupObject(group, common)));
  return [...lines, JSON.stringify(totalObject(report, common)), ""].join("\n");
}

type Common = { readonly time: string; readonly interval_ms: number };

function groupObject(group: ConnectionGroup, common: Common): Record<string, unknown> {
  return {
    schema: "wire-probe.connections.v1",
    ...common,
    group: group.group,
    direction: group.direction,
    local_port: group.localPort,
    peer: group.peer,
    peer_port: group.peerPort,
    peer_name: group.peerName,
    "process": group.owner,
    connections: group.connections,
    opened: group.opened,
    closed: group.closed,
    rtt_ms: spreadObject(group.rtt),
    reply_rtt_ms: spreadObject(group.replyRtt),
    handshake_ms: spreadObject(group.handshake),
    min_rtt_ms: millisOf(group.minRttUs),
    rtt_variance_ms: millisOf(group.rttVarianceUs),
    segments_out: group.segmentsOut,
    segments_retransmitted: group.segmentsRetransmitted,
    retransmitted_ratio: roundedShare(retransmittedRatio(group)),
    bytes_in: group.bytesIn,
    bytes_out: group.bytesOut,
    busy_ratio: roundedShare(shareOf(group.busyUs, group)),
    receiver_limited_ratio: roundedShare(shareOf(group.receiverLimitedUs, group)),
    send_buffer_limited_ratio: roundedShare(shareOf(group.sendBufferLimitedUs, group)),
    connecting: group.connecting,
    close_wait: group.closeWait,
    accept_queue: group.acceptQueues?.waiting ?? null,
    accept_queue_limit: group.acceptQueues?.limit ?? null,
    listen_drops: group.acceptQueues?.drops ?? null,
    verdicts: group.verdicts,
  };
}

function totalObject(report: ConnectionReport, common: Common): Record<string, unknown> {
  const { totals, listening } = report;
  return {
    schema: "wire-probe.connections_total.v1",
    ...common,
    connections: totals.connections,
    connecting: totals.connecting,
    opened: totals.opened,
    closed: totals.closed,
    groups: totals.groups,
    groups_in_others: totals.groupsInOthers,
    active_opens: totals.activeOpens,
    passive_opens: totals.passiveOpens,
    listen_overflows: totals.listenOverflows,
    listen_drops: totals.listenDrops,
    untracked: totals.untracked,
    incomplete: totals.incomplete,
    listening: listening.map(({ port, waiting, limit, drops }) => ({
      port,
      accept_queue: waiting,
      accept_queue_limit: limit,
      listen_drops: drops,
    })),
  };
}

function spreadObject(spread: RttSpread | null): Record<string, number> | null {
  if (spread === null) return null;
  const { count, minUs, p50Us, p99Us, maxUs } = spread;
  return {
    count,
    min: millisOf(minUs),
    p50: millisOf(p50Us),
    p99: millisOf(p99Us),
    max: millisOf(maxUs),
  };
}
