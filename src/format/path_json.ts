/** A trace as one JSON object on a line: schema wire-probe.trace.v1. Fields are always there, null where undefined. */
import { millisOf, roundedShare } from "../text/number.ts";
import { shareOf } from "../domain/summary.ts";
import {
  hasAnswered,
  type Hop,
  type HopAddress,
  isReached,
  type TraceReport,
} from "../domain/path.ts";
import { ByteWriter, writeIsoTime } from "./byte_writer.ts";

/** RFC 3339 with microseconds. */
const TIME_BYTES = 32;

export function traceJson(report: TraceReport): string {
  const { end, mtu, handshake } = report;
  const object = {
    schema: "wire-probe.trace.v1",
    time: isoTime(report),
    target: report.host,
    address: report.address,
    port: report.port,
    protocol: report.protocol,
    flow: report.flow,
    paths: report.paths,
    rounds: report.rounds,
    queries: report.queries,
    first_hop: report.firstHop,
    max_hops: report.maxHops,
    size_bytes: report.sizeBytes,
    duration_ms: millisOf(report.durationMs * 1000),
    reached: isReached(report),
    answered: hasAnswered(report),
    end: end === null
      ? null
      : { hop: end.hops, address: end.address, detail: end.detail, rtt_ms: millisOf(end.rttUs) },
    silent_tail: report.silentTail,
    mtu: mtu === null ? null : {
      bytes: mtu.bytes,
      steps: mtu.steps.map(({ hops, address, mtuBytes }) => ({
        hop: hops,
        address,
        bytes: mtuBytes,
      })),
    },
    handshake: handshake === null ? null : {
      port: handshake.port,
      outcome: handshake.outcome,
      rtt_ms: millisOf(handshake.rttUs),
      rtt_source: handshake.rttSource,
    },
    hops: report.hops.map((hop) => hopObject(hop, report)),
  };
  return `${JSON.stringify(object)}\n`;
}

function hopObject(hop: Hop, report: TraceReport): Record<string, unknown> {
  const lost = hop.sent - hop.answered;
  return {
    hop: hop.hops,
    sent: hop.sent,
    answered: hop.answered,
    lost,
    loss_ratio: roundedShare(shareOf(lost, hop.sent)),
    addresses: hop.addresses.map((of) => addressObject(of, report)),
    other_addresses: hop.others,
    probes: hop.samples.map(({ flow, query, address, rttUs, rttSource }) => ({
      flow: flow + 1,
      query: query + 1,
      address,
      rtt_ms: millisOf(rttUs),
      rtt_source: rttSource,
    })),
  };
}

function addressObject(of: HopAddress, report: TraceReport): Record<string, unknown> {
  const { name, origin } = report.namesOf(of.address);
  const rtt = of.rtt.distribution();
  return {
    address: of.address,
    name,
    asn: origin?.numbers ?? null,
    prefix: origin?.prefix ?? null,
    detail: of.detail,
    flows: [...of.flows].toSorted((a, b) => a - b).map((flow) => flow + 1),
    answered: of.answered,
    rtt_ms: {
      count: rtt?.count ?? 0,
      min: millisOf(rtt?.minUs),
      avg: millisOf(rtt?.avgUs),
      max: millisOf(rtt?.maxUs),
      stddev: millisOf(rtt?.stddevUs),
      last: millisOf(of.lastUs),
    },
    mpls: of.labels.map(({ label, trafficClass, ttl }) => ({
      label,
      traffic_class: trafficClass,
      ttl,
    })),
  };
}

function isoTime({ wallSeconds, wallNanos }: TraceReport): string {
  const out = new ByteWriter(TIME_BYTES);
  writeIsoTime(out, wallSeconds, wallNanos);
  return new TextDecoder().decode(out.takeCopy());
}
