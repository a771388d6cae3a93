/** A report of connections in Influx line protocol: a line a group (tcp_connections), one for the whole (tcp_connections_total). */
import type { ConnectionGroup, ConnectionReport, RttSpread } from "../domain/connection.ts";
import { retransmittedRatio, shareOf } from "../domain/connection.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { escapeTag } from "./influx.ts";
import { millisOf, roundedShare } from "../text/number.ts";

type Fields = readonly (readonly [name: string, value: string | null])[];

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

type Tags = readonly (readonly [key: string, value: string | null])[];

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

function writeLine(
  out: ByteWriter,
  measurement: string,
  tags: Tags,
  fields: Fields,
  { wallSeconds, wallNanos }: ConnectionReport,
): void {
  out.ascii(measurement);
  for (const [key, value] of tags) {
    // An empty tag value, or one that ends in a backslash, cannot be written.
    const kept = value?.replace(/\\+$/, "") ?? "";
    if (kept !== "") out.utf8(`,${key}=${escapeTag(kept)}`);
  }
  const given = fields.filter(([, value]) => value !== null);
  out.ascii(` ${given.map(([name, value]) => `${name}=${value}`).join(",")} `);
  out.int(wallSeconds);
  out.padded(wallNanos, 9);
  out.ascii("\n");
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

function count(value: number | null | undefined): string | null {
  return value === null || value === undefined ? null : `${value}i`;
}

function millis(us: number | null): string | null {
  return text(millisOf(us));
}

function ratio(value: number | null): string | null {
  return text(roundedShare(value));
}
