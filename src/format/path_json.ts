/** A trace as one JSON object on a line: schema wire-probe.trace.v1. Fields are always there, null where undefined. */
import { millisOf, roundedShare } from "../text/number.ts";
import { shareOf } from "../domain/summary.ts";
import {
  hasAnswered,
  type Hop,
  type HopAddress,
  type IcmpExtensions,
  isReached,
  type PathEnd,
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
    end: end === null ? null : endObject(end),
    silent_tail: report.silentTail,
    mtu: mtu === null ? null : {
      bytes: mtu.arrivedBytes,
      steps: mtu.steps.map(({ hops, address, mtuBytes }) => ({
        hop: hops,
        address,
        bytes: mtuBytes === 0 ? null : mtuBytes,
      })),
    },
    mtu_search: mtu === null ? null : {
      arrived_bytes: mtu.arrivedBytes,
      not_arrived_bytes: mtu.lostBytes,
      first_link_bytes: mtu.linkBytes,
      hop: mtu.hops,
      address: mtu.address,
    },
    not_sent_reason: report.refusal,
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
    not_sent: hop.notSent,
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
    jitter_ms: {
      last: millisOf(of.jitter.lastUs),
      avg: millisOf(of.jitter.avgUs),
      max: millisOf(of.jitter.maxUs),
    },
    return_hops: of.returnHops,
    nat: of.translation,
    ...extensionFields(of.extensions),
  };
}

function extensionFields({ labels, interfaces, others }: IcmpExtensions): Record<string, unknown> {
  return {
    mpls: labels.map(({ label, trafficClass, ttl }) => ({
      label,
      traffic_class: trafficClass,
      ttl,
    })),
    interfaces: interfaces.map(({ role, index, address, name, mtuBytes }) => ({
      role,
      index,
      address,
      name,
      mtu: mtuBytes,
    })),
    other_extensions: others,
  };
}

function endObject(end: PathEnd): Record<string, unknown> {
  const { hops, address, detail, rttUs, isAtMost, returnHops, synAck } = end;
  return {
    hop: hops,
    at_most: isAtMost,
    address,
    detail,
    rtt_ms: millisOf(rttUs),
    return_hops: returnHops,
    syn_ack: synAck === null ? null : {
      mss: synAck.maxSegmentBytes,
      window: synAck.windowBytes,
      window_scale: synAck.windowScale,
    },
  };
}

export function isoTime({ wallSeconds, wallNanos }: TraceReport): string {
  const out = new ByteWriter(TIME_BYTES);
  writeIsoTime(out, wallSeconds, wallNanos);
  return new TextDecoder().decode(out.takeCopy());
}
