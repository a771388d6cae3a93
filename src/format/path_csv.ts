/** A trace as CSV: a line a hop and address, with a header. Pure. */
import { type Hop, type HopAddress, isReached, type TraceReport } from "../domain/path.ts";
import { shareOf } from "../domain/summary.ts";
import { millisOf, roundedShare } from "../text/number.ts";
import { quoted } from "./csv.ts";
import { isoTime } from "./path_json.ts";

export const TRACE_CSV_HEADER =
  "time,target,address,port,protocol,rounds,reached,hop,hop_address," +
  "name,asn,detail,sent,answered,not_sent,lost,loss_ratio,rtt_last_ms,rtt_min_ms,rtt_avg_ms," +
  "rtt_max_ms,rtt_stddev_ms,jitter_last_ms,jitter_avg_ms,jitter_max_ms,return_hops,mpls\n";

/** The lines of a trace; a silent hop has one, without an address. */
export function traceCsv(report: TraceReport): string {
  return report.hops.flatMap((hop) =>
    hop.addresses.length === 0
      ? [line(report, hop, null)]
      : hop.addresses.map((of) => line(report, hop, of))
  ).join("");
}

function line(report: TraceReport, hop: Hop, of: HopAddress | null): string {
  const lost = hop.sent - hop.answered;
  const rtt = of?.rtt.distribution() ?? null;
  const { name, origin } = of === null ? { name: null, origin: null } : report.namesOf(of.address);
  const fields: (string | number | boolean | null)[] = [
    isoTime(report),
    quoted(report.host),
    report.address,
    report.port,
    report.protocol,
    report.rounds,
    isReached(report),
    hop.hops,
    of?.address ?? null,
    name === null ? null : quoted(name),
    origin === null ? null : origin.numbers.join(" "),
    of?.detail ?? null,
    hop.sent,
    hop.answered,
    hop.notSent,
    lost,
    roundedShare(shareOf(lost, hop.sent)),
    ...[of?.lastUs, rtt?.minUs, rtt?.avgUs, rtt?.maxUs, rtt?.stddevUs].map((us) => millisOf(us)),
    ...[of?.jitter.lastUs, of?.jitter.avgUs, of?.jitter.maxUs].map((us) => millisOf(us)),
    of?.returnHops ?? null,
    of === null ? null : of.extensions.labels.map(({ label }) => label).join(" "),
  ];
  return `${fields.map((field) => field ?? "").join(",")}\n`;
}
