/** A report of connections as CSV: a line a group. The verdicts are names joined by semicolons. */
import type { ConnectionGroup, ConnectionReport, RttSpread } from "../domain/connection.ts";
import { retransmittedRatio, shareOf } from "../domain/connection.ts";
import { isoTimeText } from "./byte_writer.ts";
import { quoted } from "./csv.ts";
import { millisOf, roundedShare } from "../text/number.ts";

const SPREADS = ["rtt", "reply_rtt", "handshake"].map((name) =>
  ["count", "min_ms", "p50_ms", "p99_ms", "max_ms"].map((part) => `${name}_${part}`).join(",")
).join(",");

export const CONNECTIONS_CSV_HEADER =
  "time,interval_ms,group,direction,local_port,peer,peer_port,peer_name,process,connections," +
  `opened,closed,${SPREADS},min_rtt_ms,rtt_variance_ms,segments_out,segments_retransmitted,` +
  "retransmitted_ratio,bytes_in,bytes_out,busy_ratio,receiver_limited_ratio," +
  "send_buffer_limited_ratio,connecting,close_wait,accept_queue,accept_queue_limit,listen_drops," +
  "verdicts\n";

export function connectionsCsv(report: ConnectionReport): string {
  const start = [isoTimeText(report), Math.round(report.intervalMs * 1000) / 1000];
  return report.groups.map((group) => {
    const fields = [...start, ...fieldsOf(group)];
    return fields.map((field) => field === null ? "" : quoted(String(field))).join(",") + "\n";
  }).join("");
}

function fieldsOf(group: ConnectionGroup): (string | number | null)[] {
  return [
    group.group,
    group.direction,
    group.localPort,
    group.peer,
    group.peerPort,
    group.peerName,
    group.owner,
    group.connections,
    group.opened,
    group.closed,
    ...spread(group.rtt),
    ...spread(group.replyRtt),
    ...spread(group.handshake),
    millisOf(group.minRttUs),
    millisOf(group.rttVarianceUs),
    group.segmentsOut,
    group.segmentsRetransmitted,
    roundedShare(retransmittedRatio(group)),
    group.bytesIn,
    group.bytesOut,
    roundedShare(shareOf(group.busyUs, group)),
    roundedShare(shareOf(group.receiverLimitedUs, group)),
    roundedShare(shareOf(group.sendBufferLimitedUs, group)),
    group.connecting,
    group.closeWait,
    group.acceptQueues?.waiting ?? null,
    group.acceptQueues?.limit ?? null,
    group.acceptQueues?.drops ?? null,
    group.verdicts.map(({ verdict }) => verdict).join(";"),
  ];
}

function spread(of: RttSpread | null): (number | null)[] {
  if (of === null) return [0, null, null, null, null];
  return [of.count, millisOf(of.minUs), millisOf(of.p50Us), millisOf(of.p99Us), millisOf(of.maxUs)];
}
