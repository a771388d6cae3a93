/**
 * A mesh's row for Prometheus: gauges of the last window, quantiles among them. Histograms would be
 * the usual way, but one for each pair is some thirty series: too many with a thousand peers.
 */
import { shareOf } from "../domain/summary.ts";
import { RECENT_BURSTS } from "../domain/matrix.ts";
import { RESOURCE_NAMES, RESOURCES } from "../domain/host_pressure.ts";
import type { MeshRow, PeerFigures } from "../domain/mesh_row.ts";
import { escapeValue, writeFamily, writeSeconds } from "./prometheus.ts";
import type { Step } from "./record_format.ts";

interface Gauge<T> {
  readonly name: string;
  readonly help: string;
  /** µs for a name that ends in `_seconds`, else as it is; null for no line. */
  readonly of: (from: T) => number | null;
}

/** Of each pair, with the labels node, az (the node's) and peer. */
export const PAIR_GAUGES: readonly Gauge<PeerFigures>[] = [
  {
    name: "wire_probe_mesh_rtt_p50_seconds",
    help: "Median kernel RTT of steady handshakes over the last window.",
    of: ({ rtt }) => rtt?.p50Us ?? null,
  },
  {
    name: "wire_probe_mesh_rtt_p99_seconds",
    help: "The 99th percentile of the same.",
    of: ({ rtt }) => rtt?.p99Us ?? null,
  },
  {
    name: "wire_probe_mesh_cold_rtt_p50_seconds",
    help: "Median kernel RTT of the first handshakes of bursts, which pay for flow set-up.",
    of: ({ cold }) => cold?.p50Us ?? null,
  },
  {
    name: "wire_probe_mesh_loss_ratio",
    help: "Probes without an answer as a share of those sent over the last window.",
    of: ({ lost, sent }) => shareOf(lost, sent),
  },
  {
    name: "wire_probe_mesh_refused_ratio",
    help: "Refusals as a share of the probes sent over the last window.",
    of: ({ refused, sent }) => shareOf(refused, sent),
  },
  {
    name: "wire_probe_mesh_up",
    help:
      "Whether any handshake of the last two bursts was established; absent for a peer that left.",
    of: ({ recent, left }) =>
      recent === null || recent.bursts < RECENT_BURSTS || left
        ? null
        : Number(recent.answered > recent.refused),
  },
  {
    name: "wire_probe_mesh_last_answer_age_seconds",
    help: "How long ago the peer last answered; a refusal is an answer.",
    of: ({ answeredAgeMs }) => answeredAgeMs === null ? null : answeredAgeMs * 1000,
  },
  {
    name: "wire_probe_mesh_last_established_age_seconds",
    help: "How long ago a handshake with the peer was last established.",
    of: ({ establishedAgeMs }) => establishedAgeMs === null ? null : establishedAgeMs * 1000,
  },
  {
    name: "wire_probe_mesh_day_established_ratio",
    help: "Handshakes established as a share of those sent over the last day.",
    of: ({ day }) => day === null ? null : shareOf(day.established, day.sent),
  },
  {
    name: "wire_probe_mesh_slo_met_ratio",
    help: "Five-minute windows of the last day whose mean RTT met the target, as a share of all.",
    of: ({ day }) => day === null || day.met === null ? null : shareOf(day.met, day.windows),
  },
  {
    name: "wire_probe_mesh_repeated_handshakes_ratio",
    help: "Answered handshakes whose SYN was sent more than once, of the probes sent.",
    of: ({ repeated, sent }) => repeated === null ? null : shareOf(repeated, sent),
  },
  {
    name: "wire_probe_mesh_syn_retransmits_ratio",
    help: "SYN retransmits per probe sent over the last window.",
    of: ({ synRetransmits, sent }) =>
      synRetransmits === null ? null : shareOf(synRetransmits, sent),
  },
];

/** Of a node itself, with the labels node and az. */
export const NODE_GAUGES: readonly Gauge<MeshRow>[] = [
  {
    name: "wire_probe_mesh_lag_p99_seconds",
    help: "How late this node sent its probes, 99th percentile over the last window.",
    of: ({ lagP99Us }) => lagP99Us,
  },
  {
    name: "wire_probe_mesh_connect_excess_p99_seconds",
    help: "Connect time beyond the kernel RTT: this node's own share, 99th percentile.",
    of: ({ connectExcess }) => connectExcess?.p99Us ?? null,
  },
  ...RESOURCE_NAMES.map((key) => ({
    name: `wire_probe_mesh_host_${key}_ratio`,
    help: RESOURCES[key].help,
    of: ({ pressure }: MeshRow) => pressure?.[key] ?? null,
  })),
  {
    name: "wire_probe_mesh_window_seconds",
    help: "The span that the figures of the mesh are from.",
    of: ({ windowMs }) => Math.round(windowMs * 1000),
  },
];

/** The row's part of a page, for a page's own steps to follow or precede. */
export function* prometheusMesh(row: MeshRow): Iterable<Step> {
  const own = `node="${escapeValue(row.node)}",az="${escapeValue(row.az)}"`;
  for (const gauge of NODE_GAUGES) {
    yield* family(gauge, [[row, own]]);
  }
  const pairs = row.peers.map((figures): [PeerFigures, string] => [
    figures,
    `${own},peer="${escapeValue(figures.peer)}"`,
  ]);
  for (const gauge of PAIR_GAUGES) yield* family(gauge, pairs);
}

function* family<T>(
  { name, help, of }: Gauge<T>,
  lines: readonly (readonly [from: T, labels: string])[],
): Iterable<Step> {
  yield (out) => writeFamily(out, name, "gauge", help);
  for (const [from, labels] of lines) {
    const value = of(from);
    if (value === null) continue;
    yield (out) => {
      out.utf8(`${name}{${labels}} `);
      if (name.endsWith("_seconds")) writeSeconds(out, Math.round(value));
      else out.ascii(String(Math.round(value * 1e6) / 1e6));
      out.ascii("\n");
    };
  }
}
