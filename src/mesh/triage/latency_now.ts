/**
 * Zones and blocks that have become slow: the last two bursts against what is usual for the same pairs.
 * A window's median follows only when half of the window is over; and a zone whose ways to all others are
 * slow looks, to a rule that compares zones, as one that is far away.
 */
import type { Steps } from "../../time/slices.ts";
import type { Finding, Region } from "../../domain/finding.ts";
import { millisOf, millisWithUnit } from "../../text/number.ts";
import { listText } from "../../text/words.ts";
import {
  type BlockDirection,
  blockDirections,
  blockParties,
  blockRegions,
  Blocks,
  blockText,
} from "./blocks.ts";
import { FACTOR, MIN_EXCESS_US } from "../../domain/matrix.ts";
import type { MeshView } from "./mesh_view.ts";

export const IN_LAST_BURSTS = " in the last two bursts";

/** What has become slow, and its cells. */
export interface Now {
  readonly findings: readonly Finding[];
  readonly regions: readonly Region[];
}

/** `slow`: nodes whose slowness is their own. */
export function* slowNow(view: MeshView, slow: ReadonlySet<number>): Steps<Now> {
  const leftOut = (node: number) => slow.has(node);
  const both = (figure: (from: number, to: number) => number) => (from: number, to: number) =>
    Number.isNaN(view.now(from, to) + view.before(from, to)) ? NaN : figure(from, to);
  const now = yield* Blocks.steps(view, both((from, to) => view.now(from, to)), leftOut);
  const before = yield* Blocks.steps(view, both((from, to) => view.before(from, to)), leftOut);
  // A round trip is both ways at once: the lower one has less of what is new in it.
  const usualUs = (from: number, to: number) => {
    const [there, back] = [before.of(from, to), before.of(to, from)];
    return back < there ? back : there;
  };
  const rise = (from: number, to: number) => {
    const [nowUs, beforeUs] = [now.of(from, to), usualUs(from, to)];
    return nowUs >= FACTOR * beforeUs && nowUs - beforeUs >= MIN_EXCESS_US ? nowUs / beforeUs : 0;
  };
  const zones = slowZones(view, now, rise);
  const blocks = blockDirections(
    view,
    (from, to) => zones.includes(from) || zones.includes(to) ? 0 : rise(from, to),
  );
  const findings = [
    ...zones.length === 0 ? [] : [zoneFinding(view, zones, now, usualUs)],
    ...blocks.map((block) => blockFinding(view, block, now, usualUs)),
  ];
  return { findings, regions: findings.flatMap(({ regions }) => regions) };
}

type Rise = (from: number, to: number) => number;

/**
 * The zones whose ways to all others have become slow, while other zones reach each other as before: one
 * as a rule. Where no two zones do so, all of them.
 */
function slowZones(view: MeshView, now: Blocks, rise: Rise): number[] {
  const all = view.zones.map((_, zone) => zone);
  const between = all.flatMap((from) =>
    all.filter((to) => to !== from && !Number.isNaN(now.of(from, to))).map((to) => [from, to])
  );
  const risen = between.filter(([from, to]) => rise(from, to) > 0);
  // Of two zones it cannot be said which one it is.
  if (risen.length === 0 || new Set(between.flat()).size < 3) return [];
  if (risen.length === between.length) return all;
  return all.filter((zone) => {
    const own = between.filter((block) => block.includes(zone));
    const peers = new Set(own.flat()).size - 1;
    return peers >= 2 && own.every(([from, to]) => rise(from, to) > 0);
  });
}

function zoneFinding(
  view: MeshView,
  zones: readonly number[],
  now: Blocks,
  usualUs: (from: number, to: number) => number,
): Finding {
  const nodes = zones.flatMap((zone) => view.zones[zone].nodes);
  const groups = zones.map((zone) => view.zoneText(zone));
  const [first] = zones;
  const ratio = (from: number, to: number) => now.of(from, to) / usualUs(from, to);
  const worst = view.zones.map((_, other) => other).filter((other) => other !== first)
    .reduce(
      (most, other) => ratio(first, other) > ratio(first, most) ? other : most,
      first === 0 ? 1 : 0,
    );
  const [nowUs, beforeUs] = [now.of(first, worst), usualUs(first, worst)];
  const where = zones.length === view.zones.length
    ? "between all zones"
    : `to and from ${listText(groups)}`;
  return {
    ...common(nowUs, beforeUs),
    direction: "both",
    nodes,
    groups,
    text: `handshakes ${where} have become slow: ${millisWithUnit(nowUs)}${IN_LAST_BURSTS} with ` +
      `${view.zoneText(worst)}, where ${millisWithUnit(beforeUs)} is usual; ` +
      (zones.length === view.zones.length
        ? "what all zones share"
        : "that zone's network, none of its nodes alone"),
    regions: [{ from: nodes, to: null }, { from: null, to: nodes }],
  };
}

function blockFinding(
  view: MeshView,
  block: BlockDirection,
  now: Blocks,
  usualUs: (from: number, to: number) => number,
): Finding {
  const [nowUs, beforeUs] = [now.of(block.from, block.to), usualUs(block.from, block.to)];
  return {
    ...common(nowUs, beforeUs),
    direction: block.direction,
    ...blockParties(view, block),
    text: `handshakes ${blockText(view, block)} have become slow: ${millisWithUnit(nowUs)}` +
      `${IN_LAST_BURSTS}, where ${millisWithUnit(beforeUs)} is usual; ` +
      (block.from === block.to ? "that zone's network" : "the link or route between them"),
    regions: blockRegions(view, block),
  };
}

function common(
  nowUs: number,
  beforeUs: number,
): Pick<Finding, "kind" | "severity" | "layer" | "evidence" | "weight"> {
  return {
    kind: "slow-block",
    severity: "warning",
    layer: "data plane",
    evidence: { p50_ms: millisOf(nowUs), usual_ms: millisOf(beforeUs) },
    weight: nowUs / beforeUs,
  };
}
