/** A report of connections in collectd's plain text protocol: PUTVAL lines of types that collectd knows (types.db(5)). */
import {
  type ConnectionGroup,
  type ConnectionReport,
  retransmittedRatio,
} from "../domain/connection.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { millisOf, roundedShare } from "../text/number.ts";
import { MAX_PART_BYTES, writePrefix } from "./collectd.ts";

/** The part behind the host, split at its first hyphen: plugin `wire`, and the group in the instance. */
const PLUGIN = "wire-probe-connections";

export interface ConnectionsCollectdOptions {
  /** The host part of the identifiers. */
  readonly host: string;
  readonly intervalMs: number;
}

/** A writing step a group, and one for the whole. */
export function* connectionsCollectd(
  report: ConnectionReport,
  options: ConnectionsCollectdOptions,
): Iterable<(out: ByteWriter) => void> {
  for (const group of report.groups) {
    yield (out) => writeValues(out, options, instanceOf(group.group), groupValues(group));
  }
  yield (out) => writeValues(out, options, "total", totalValues(report));
}

type Values = readonly (readonly [type: string, value: number | null])[];

function writeValues(
  out: ByteWriter,
  options: ConnectionsCollectdOptions,
  instance: string,
  values: Values,
): void {
  for (const [type, value] of values) {
    if (value === null) continue;
    writePrefix(out, options, `${PLUGIN}-${instance}/${type}`);
    out.ascii(`${value}\n`);
  }
}

function groupValues(group: ConnectionGroup): Values {
  return [
    ["tcp_connections-open", group.connections],
    ["tcp_connections-connecting", group.connecting],
    ["tcp_connections-close_wait", group.closeWait],
    ["count-opened", group.opened],
    ["count-closed", group.closed],
    ["latency-rtt_p50", millisOf(group.rtt?.p50Us)],
    ["latency-rtt_p99", millisOf(group.rtt?.p99Us)],
    ["latency-reply_rtt_p50", millisOf(group.replyRtt?.p50Us)],
    ["latency-reply_rtt_p99", millisOf(group.replyRtt?.p99Us)],
    ["latency-handshake_p50", millisOf(group.handshake?.p50Us)],
    ["latency-min_rtt", millisOf(group.minRttUs)],
    ["count-segments_out", group.segmentsOut],
    ["count-segments_retransmitted", group.segmentsRetransmitted],
    ["gauge-retransmitted_ratio", roundedShare(retransmittedRatio(group))],
    ["bytes-in", group.bytesIn],
    ["bytes-out", group.bytesOut],
    ["queue_length-accept", group.acceptQueues?.waiting ?? null],
    ["queue_length-accept_limit", group.acceptQueues?.limit ?? null],
    ["count-listen_drops", group.acceptQueues?.drops ?? null],
    ["count-verdicts", group.verdicts.length],
  ];
}

function totalValues({ totals }: ConnectionReport): Values {
  return [
    ["tcp_connections-open", totals.connections],
    ["tcp_connections-connecting", totals.connecting],
    ["count-active_opens", totals.activeOpens],
    ["count-passive_opens", totals.passiveOpens],
    ["count-listen_overflows", totals.listenOverflows],
  ];
}

/** A group's name as the part of an identifier that it can be: no slash, not too long. */
function instanceOf(group: string): string {
  return group.replaceAll("/", "_").slice(0, MAX_PART_BYTES - PLUGIN.length - 1);
}
