/** A report of connections in Influx line protocol: a line a group (tcp_connections), one for the whole (tcp_connections_total). */
import type { ConnectionGroup, ConnectionReport, RttSpread } from "../domain/connection.ts";
import { retransmittedRatio, shareOf } from "../domain/connection.ts";
import type { ByteWriter } from "./byte_writer.ts";
import {
  countField as count,
  type LineFields as Fields,
  type LineTags as Tags,
  millisField as millis,
  shareField as ratio,
  writeInfluxLine as writeLine,
} from "./influx_line.ts";

/** A writing step a line. The host is a tag: the same peer seen from two hosts is two series. */
export function* connectionsInflux(
  report: ConnectionReport,
  host: string,
): Iterable<(out: ByteWriter) => void> {
  for (const group of report.groups) {
    const tags = tagsOf(group, host);
    yield (out) => writeLine(out, "tcp_connections", tags, groupFields(group), report);
  }
  const tags = [["host", host]] as const;
  yield (out) => writeLine(out, "tcp_connections_total", tags, totalFields(report), report);
}

function tagsOf(group: ConnectionGroup, host: string): Tags {
  return [
    ["host", host],
    ["group", group.group],
    ["direction", group.direction],
    ["local_port", text(group.localPort)],
    ["peer", group.peer],
    ["peer_port", text(group.peerPort)],
    ["peer_name", group.peerName],
    ["process", group.owner],
  ];
}

function groupFields(group: ConnectionGroup): Fields {
  return [
    ["connections", count(group.connections)],
    ["opened", count(group.opened)],
    ["closed", count(group.closed)],
    ...spread("rtt", group.rtt),
    ...spread("reply_rtt", group.replyRtt),
    ...spread("handshake", group.handshake),
    ["min_rtt_ms", millis(group.minRttUs)],
    ["rtt_variance_ms", millis(group.rttVarianceUs)],
    ["segments_out", count(group.segmentsOut)],
    ["segments_retransmitted", count(group.segmentsRetransmitted)],
    ["retransmitted_ratio", ratio(retransmittedRatio(group))],
    ["bytes_in", count(group.bytesIn)],
    ["bytes_out", count(group.bytesOut)],
    ["busy_ratio", ratio(shareOf(group.busyUs, group))],
    ["receiver_limited_ratio", ratio(shareOf(group.receiverLimitedUs, group))],
    ["send_buffer_limited_ratio", ratio(shareOf(group.sendBufferLimitedUs, group))],
    ["connecting", count(group.connecting)],
    ["close_wait", count(group.closeWait)],
    ["accept_queue", count(group.acceptQueues?.waiting)],
    ["accept_queue_limit", count(group.acceptQueues?.limit)],
    ["listen_drops", count(group.acceptQueues?.drops)],
    ["verdicts", `"${group.verdicts.map(({ verdict }) => verdict).join(",")}"`],
  ];
}

function totalFields({ totals }: ConnectionReport): Fields {
  return [
    ["connections", count(totals.connections)],
    ["connecting", count(totals.connecting)],
    ["opened", count(totals.opened)],
    ["closed", count(totals.closed)],
    ["groups", count(totals.groups)],
    ["groups_in_others", count(totals.groupsInOthers)],
    ["active_opens", count(totals.activeOpens)],
    ["passive_opens", count(totals.passiveOpens)],
    ["listen_overflows", count(totals.listenOverflows)],
    ["listen_drops", count(totals.listenDrops)],
    ["untracked", count(totals.untracked)],
  ];
}

function spread(name: string, of: RttSpread | null): Fields {
  if (of === null) return [];
  return [
    [`${name}_count`, count(of.count)],
    [`${name}_min_ms`, millis(of.minUs)],
    [`${name}_p50_ms`, millis(of.p50Us)],
    [`${name}_p99_ms`, millis(of.p99Us)],
    [`${name}_max_ms`, millis(of.maxUs)],
  ];
}

function text(value: number | null): string | null {
  return value === null ? null : String(value);
}
