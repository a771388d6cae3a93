/** A comparison as one JSON object on a line: schema wire-probe.compare.v1. */
import { millisOf, roundedShare } from "../text/number.ts";
import { shareOf, type Summary } from "../domain/summary.ts";
import type { Comparison, Drops, Finding } from "../domain/comparison.ts";
import { sentenceOf, verdictSentence } from "./compare_sentences.ts";
import { figures } from "./json.ts";

/** The line, its end included. */
export function comparisonJson(comparison: Comparison): string {
  const { target, address, schedule, handshake, ping, knock, leftOut, findings } = comparison;
  return JSON.stringify({
    schema: "wire-probe.compare.v1",
    target: target.name,
    address: address === "" ? null : address,
    port: target.port,
    count: schedule.count,
    interval_ms: schedule.intervalMs,
    burst: schedule.burst,
    verdict: findings[0]?.answer ?? null,
    sentence: verdictSentence(comparison),
    handshake: measured(handshake),
    ping: ping === null ? null : measured(ping),
    knock: knock === null ? null : measured(knock),
    left_out: { ping: leftOut.ping ?? null, knock: leftOut.knock ?? null },
    findings: findings.map(ofFinding),
  }) + "\n";
}

/** A summary's figures, with all quantiles of the cold RTT too. */
function measured(summary: Summary): Record<string, unknown> {
  const { rtt_ms } = figures({ ...summary, rtt: summary.cold });
  return { ...figures(summary), cold_rtt_ms: rtt_ms };
}

function ofFinding(finding: Finding): Record<string, unknown> {
  return {
    question: finding.question,
    answer: finding.answer,
    sentence: sentenceOf(finding),
    by: finding.by,
    pairs: finding.pairs,
    p50_ms: millisOf(finding.firstUs),
    against_p50_ms: millisOf(finding.secondUs),
    margin_ms: millisOf(finding.marginUs),
    slower: finding.slower,
    faster: finding.faster,
    drops: drops(finding.firstDrops),
    against_drops: drops(finding.secondDrops),
  };
}

function drops({ sent, lost }: Drops): Record<string, number | null> {
  return { sent, lost, ratio: roundedShare(shareOf(lost, sent)) };
}
