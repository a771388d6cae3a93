/** A comparison as one JSON object on a line: schema wire-probe.compare.v1. */
import { millisOf, roundedShare } from "../text/number.ts";
import { type Share, shareOf, type Summary } from "../domain/summary.ts";
import type {
  Comparison,
  Finding,
  LiveFigures,
  LiveSpread,
  Side,
  Sides,
} from "../domain/comparison.ts";
import { headline } from "./compare_headline.ts";
import { sentenceOf } from "./compare_sentences.ts";
import { figures } from "./json.ts";

/** The line, its end included. */
export function comparisonJson(comparison: Comparison): string {
  return JSON.stringify(comparisonObject(comparison)) + "\n";
}

/** The same as an object, for callers that add fields to it. */
export function comparisonObject(comparison: Comparison): Record<string, unknown> {
  const { target, address, schedule, handshake, ping, knock, live, leftOut, findings, conclusion } =
    comparison;
  const { sides } = comparison;
  return {
    schema: "wire-probe.compare.v1",
    target: target.name,
    address: address === "" ? null : address,
    port: target.port,
    count: schedule.count,
    interval_ms: schedule.intervalMs,
    burst: schedule.burst,
    verdict: conclusion?.verdict ?? null,
    cause: conclusion?.cause ?? null,
    sentence: headline(comparison),
    unseen_ratio: roundedShare(conclusion?.unseenShare ?? null),
    enough_count: conclusion?.enoughSlots ?? null,
    handshake: handshakes(handshake, sides),
    ping: ping === null ? null : extra(ping, sides.ping),
    knock: knock === null ? null : extra(knock, sides.knock),
    connections: live === null ? null : connections(live),
    left_out: { ping: leftOut.ping ?? null, knock: leftOut.knock ?? null },
    findings: findings.map((finding) => ofFinding(finding, comparison)),
  };
}

/** Counts and delays as in the table: the delays are those of the sides, exactly. */
function handshakes(
  summary: Summary,
  { handshake, cold, connect }: Sides,
): Record<string, unknown> {
  const { rtt_ms } = figures({ ...summary, rtt: cold.delays });
  const shown = { ...summary, rtt: handshake.delays, connect: connect.delays };
  return { ...figures(shown), cold_rtt_ms: rtt_ms, spikes: shareJson(handshake.spikes) };
}

function extra(summary: Summary, side: Side | null): Record<string, unknown> {
  const shown = { ...summary, rtt: side?.delays ?? null, cold: null };
  return { ...figures(shown), spikes: side === null ? null : shareJson(side.spikes) };
}

function connections(live: LiveFigures): Record<string, unknown> {
  const { segmentsOut, segmentsRetransmitted } = live;
  return {
    connections: live.connections,
    readings: live.readings,
    segments_out: segmentsOut,
    segments_retransmitted: segmentsRetransmitted,
    min_rtt_ms: millisOf(live.minRttUs),
    rtt_ms: spread(live.rtt),
    reply_rtt_ms: spread(live.replyRtt),
  };
}

function spread(of: LiveSpread | null): Record<string, unknown> | null {
  if (of === null) return null;
  const { count, minUs, p50Us, maxUs } = of;
  return { count, min: millisOf(minUs), p50: millisOf(p50Us), max: millisOf(maxUs) };
}

function ofFinding(finding: Finding, comparison: Comparison): Record<string, unknown> {
  const { first, second } = finding;
  return {
    aspect: finding.aspect,
    question: finding.question,
    answer: finding.answer,
    sentence: sentenceOf(finding, comparison),
    by: finding.by,
    first: shareJson(first),
    second: second === null ? null : shareJson(second),
    first_ms: millisOf(finding.firstUs),
    second_ms: millisOf(finding.secondUs),
    pairs: finding.pairs,
    margin_ms: millisOf(finding.marginUs),
    slower: finding.slower,
    faster: finding.faster,
    chance: roundedShare(finding.chance),
    enough_count: finding.enoughSlots,
  };
}

function shareJson({ count, of }: Share): Record<string, number | null> {
  return { count, of, ratio: roundedShare(shareOf(count, of)) };
}
