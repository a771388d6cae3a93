/**
 * Slow nodes, blocks and tails by their steady handshakes. What is slow is said against what
 * is usual between the same two zones, never against the mesh as a whole: zones lie apart.
 */
import type { Steps } from "../../time/slices.ts";
import { median } from "../../stats/quantile.ts";
import { FACTOR, MIN_EXCESS_US } from "../../domain/matrix.ts";
import { type Finding, regionsOf } from "../../domain/finding.ts";
import { millisOf, millisWithUnit } from "../../text/number.ts";
import {
  type BlockDirection,
  blockDirections,
  blockParties,
  blockRegions,
  Blocks,
  blockText,
} from "./blocks.ts";
import { type MeshView, MIN_PAIRS, nodeMedians, type PairFigure, PairSet } from "./mesh_view.ts";
import { IN_LAST_BURSTS, type Now, slowNow } from "./latency_now.ts";
import { type Outlier, outliersOf, SPREADS } from "./outliers.ts";
import { slowPairs } from "./slow_pairs.ts";

export interface Latency {
  readonly findings: readonly Finding[];
  /** Nodes whose slowness explains that of their pairs. */
  readonly slow: ReadonlySet<number>;
  /** What is usual between zones, without the slow nodes. */
  readonly usual: Blocks;
  /** What is usual near a node: within its zone, else to the nearest one. */
  readonly nearby: (node: number) => number;
  /** Pairs whose last two bursts contradict the window: the window's other figures are mixed. */
  readonly changed: PairSet;
}

export function* latency(view: MeshView): Steps<Latency> {
  const p50 = (from: number, to: number) => view.steady(from, to);
  const slowNodes = yield* slowNodesOf(view, p50);
  const newlySlow = yield* slowNodesOf(view, (from, to) => view.now(from, to));
  const slow = new Set([...slowNodes, ...newlySlow].map(({ node }) => node));
  const usual = yield* Blocks.steps(view, p50, (node) => slow.has(node));
  const nearby = nearbyOf(view, usual);
  const now = yield* slowNow(view, slow);
  const changed = new PairSet(view.size, now.regions);
  const known = new Set(slowNodes.map(({ node }) => node));
  const fresh = newlySlow.filter(({ node }) => !known.has(node));
  const blocks = slowBlocks(view, usual).filter((block) => !covered(view, block, now));
  return {
    findings: [
      ...slowNodes.map((found) => nodeFinding(view, found, nearby(found.node), "")),
      ...fresh.map((found) => nodeFinding(view, found, nearby(found.node), IN_LAST_BURSTS)),
      ...blocks.map((found) => blockFinding(view, found, usual)),
      ...now.findings,
      ...yield* slowPairs(view, usual, slow, changed),
      ...yield* tails(view, slow),
    ],
    slow,
    usual,
    nearby,
    changed,
  };
}

/**
 * Whether the last two bursts already name the cause of a slow block: the block itself, or one of
 * its zones.
 */
function covered(view: MeshView, block: BlockDirection, { regions }: Now): boolean {
  const cells = new PairSet(view.size, regions);
  return blockRegions(view, block).every(({ from, to }) =>
    (from ?? view.all()).every((i) => (to ?? view.all()).every((j) => i === j || cells.has(i, j)))
  );
}

function nearbyOf(view: MeshView, usual: Blocks): (node: number) => number {
  const insides = view.zones.map((_, zone) => usual.of(zone, zone)).filter((us) => us >= 0);
  return (node) => {
    const zone = view.zoneOf[node];
    // In a small zone one slow node is most of it: then the other zones say what is usual.
    const within = Math.min(usual.of(zone, zone), median(insides));
    if (!Number.isNaN(within)) return within;
    const around = view.zones.flatMap((_, other) => [usual.of(zone, other), usual.of(other, zone)])
      .filter((us) => !Number.isNaN(us));
    return around.length > 0 ? Math.min(...around) : median(usual.all());
  };
}

/** By the medians of a window, or of the last bursts. */
function* slowNodesOf(view: MeshView, rtt: PairFigure): Steps<Outlier[]> {
  const usual = yield* Blocks.steps(view, rtt);
  const nearby = nearbyOf(view, usual);
  const excess = (from: number, to: number) => rtt(from, to) - usual.usual(from, to);
  // Twice the usual means an excess of the usual itself.
  const threshold = (node: number) => Math.max(MIN_EXCESS_US, (FACTOR - 1) * nearby(node));
  return outliersOf(yield* nodeMedians(view, excess, MIN_PAIRS), threshold, SPREADS);
}

/** Whose handshakes a node's direction speaks of. */
const HANDSHAKES = {
  from: "its own handshakes",
  to: "handshakes to it",
  both: "handshakes to and from it",
} as const;

function nodeFinding(view: MeshView, found: Outlier, usualUs: number, when: string): Finding {
  const { node, direction, excessUs } = found;
  const only = direction === "both"
    ? "that node's network: its interface, its host, or the way to it"
    : direction === "from"
    ? "only what it sends itself is slow: its way out, not its way in"
    : "only what is sent to it is slow: its way in, or its kernel's answering";
  const longer = `${HANDSHAKES[direction]} take ${millisWithUnit(excessUs)} longer${when} than ` +
    `between other nodes of the same zones (nearby ${millisWithUnit(usualUs)} is usual)`;
  return {
    ...slowNode(found, usualUs),
    kind: "slow-node",
    evidence: { excess_ms: millisOf(excessUs), usual_ms: millisOf(usualUs) },
    text: `node ${view.name(node)} is slow: ${longer}; ${only}`,
  };
}

/** The text that every finding of a slow node has. */
function slowNode(
  { node, direction, excessUs }: Outlier,
  usualUs: number,
): Omit<Finding, "kind" | "evidence" | "text"> {
  return {
    severity: "warning",
    layer: "data plane",
    direction,
    nodes: [node],
    groups: [],
    regions: regionsOf([node], direction),
    weight: excessUs / usualUs,
  };
}

/**
 * Zones whose pairs are slow as a whole. Distance is no fault. So a block is compared with the way
 * by another zone, which a direct way is shorter than; and the inside of a zone with the insides of
 * the others.
 */
function slowBlocks(view: MeshView, usual: Blocks): BlockDirection[] {
  return blockDirections(view, (from, to) => {
    const value = usual.of(from, to);
    const reference = from === to
      ? insideReference(view, usual, from)
      : betweenReference(view, usual, from, to);
    if (reference === null || !(value - reference.usualUs >= MIN_EXCESS_US)) return 0;
    const high = value >= FACTOR * reference.usualUs && value >= reference.leastUs;
    return high ? value / reference.usualUs : 0;
  });
}

interface Reference {
  readonly usualUs: number;
  /** Below this, distance may explain it. */
  readonly leastUs: number;
}

function insideReference(view: MeshView, usual: Blocks, zone: number): Reference | null {
  const others = view.zones.map((_, other) => other).filter((other) => other !== zone);
  const insides = others.map((other) => usual.of(other, other)).filter((us) => us >= 0);
  const between = others.flatMap((other) => [usual.of(zone, other), usual.of(other, zone)])
    .filter((us) => us >= 0);
  if (insides.length === 0 || between.length === 0) return null;
  return { usualUs: median(insides), leastUs: Math.min(...between) };
}

/** A way by another zone is longer as a rule. The direct way must exceed it by this factor. */
const DETOUR_FACTOR = 1.25;

function betweenReference(
  view: MeshView,
  usual: Blocks,
  from: number,
  to: number,
): Reference | null {
  // A round trip is both ways at once: the better direction stands for the way by another zone.
  const leg = (a: number, b: number) => Math.min(usual.of(a, b), usual.of(b, a));
  let [usualUs, detourUs] = [Infinity, Infinity];
  for (let by = 0; by < view.zones.length; by++) {
    if (by === from || by === to) continue;
    const [first, second] = [leg(from, by), leg(by, to)];
    if (Number.isNaN(first + second)) continue;
    usualUs = Math.min(usualUs, Math.max(first, second));
    detourUs = Math.min(detourUs, first + second);
  }
  return usualUs === Infinity ? null : { usualUs, leastUs: DETOUR_FACTOR * detourUs };
}

function blockFinding(view: MeshView, block: BlockDirection, usual: Blocks): Finding {
  const { from, to, direction, weight } = block;
  const value = usual.of(from, to);
  const reference = from === to
    ? insideReference(view, usual, from)
    : betweenReference(view, usual, from, to);
  const usualUs = reference?.usualUs ?? NaN;
  const leastUs = reference?.leastUs ?? NaN;
  const where = `handshakes ${blockText(view, block)} are slow: ${millisWithUnit(value)}`;
  const text = from === to
    ? `${where}, against ${
      millisWithUnit(usualUs)
    } within the other zones; that zone's network, none of ` +
      "its nodes alone"
    : `${where}, while the way by another zone takes ${
      millisWithUnit(leastUs / DETOUR_FACTOR)
    } in sum; ` +
      "the link or route between them";
  return {
    kind: "slow-block",
    severity: "warning",
    layer: "data plane",
    direction,
    ...blockParties(view, block),
    evidence: { p50_ms: millisOf(value), usual_ms: millisOf(usualUs) },
    text,
    regions: blockRegions(view, block),
    weight,
  };
}

const MIN_TAIL_PAIRS = 6;
/** The p99 of fewer samples is their largest. */
const MIN_TAIL_SAMPLES = 100;
/** Tails differ by this much for many reasons. */
const MIN_TAIL_US = 500;
const TAIL_SPREADS = 6;

/** Nodes whose median is as it should be, and whose slowest hundredth is not. */
function* tails(view: MeshView, slow: ReadonlySet<number>): Steps<Finding[]> {
  const p99 = (from: number, to: number) => {
    const enough = view.matrix.figure("rttCount", from, to) >= MIN_TAIL_SAMPLES;
    return enough ? view.steadyP99(from, to) : NaN;
  };
  const usual = yield* Blocks.steps(view, p99);
  const excess = (from: number, to: number) => p99(from, to) - usual.usual(from, to);
  // The noise of a p99 grows with the distance: against what is usual for the node's own pairs.
  const { rows: own } = yield* nodeMedians(
    view,
    (from, to) => usual.usual(from, to),
    MIN_TAIL_PAIRS,
  );
  const threshold = (node: number) => Math.max(MIN_TAIL_US, (FACTOR - 1) * own[node]);
  return outliersOf(yield* nodeMedians(view, excess, MIN_TAIL_PAIRS), threshold, TAIL_SPREADS)
    .filter(({ node }) => !slow.has(node))
    .map((found) => tailFinding(view, found, own[found.node]));
}

function tailFinding(view: MeshView, found: Outlier, usualUs: number): Finding {
  const { node, direction, excessUs } = found;
  return {
    ...slowNode(found, usualUs),
    kind: "slow-tail",
    evidence: { p99_excess_ms: millisOf(excessUs), usual_p99_ms: millisOf(usualUs) },
    text: `node ${view.name(node)} is slow now and then: the p99 of ${HANDSHAKES[direction]} is ` +
      `${millisWithUnit(excessUs)} above other nodes' while its median is as theirs: a queue ` +
      "that fills, or a host that is busy at times",
  };
}
