/** Slow pairs that neither a slow node nor a slow block explains, and nodes that are slow with all of a zone. */
import { counted } from "../../text/words.ts";
import type { Steps } from "../../time/slices.ts";
import { median, spread } from "../../stats/quantile.ts";
import { FACTOR, MIN_EXCESS_US } from "../../domain/matrix.ts";
import { MAX_PAIRS } from "./drops.ts";
import type { Finding } from "../../domain/finding.ts";
import { millisOf, millisWithUnit } from "../../text/number.ts";
import type { Blocks } from "./blocks.ts";
import { type MeshView, MIN_PAIRS, nodeMedians, type PairFigure, PairSet } from "./mesh_view.ts";
import { IN_LAST_BURSTS } from "./latency_now.ts";
import { SPREADS } from "./outliers.ts";

interface SlowPair {
  readonly from: number;
  readonly to: number;
  readonly valueUs: number;
  readonly usualUs: number;
  readonly both: boolean;
  /** When that was, for a text. */
  readonly when: string;
}

/** A pair slow in one direction only is slow by this factor. */
const ONE_WAY_FACTOR = 3;
const BACK_FACTOR = 1.5;

/** Pairs that neither a node nor a block explains. */
export function* slowPairs(
  view: MeshView,
  usual: Blocks,
  slow: ReadonlySet<number>,
  changed: PairSet,
): Steps<Finding[]> {
  const isExplained = (from: number, to: number) =>
    slow.has(from) || slow.has(to) || changed.has(from, to);
  const ofWindow = yield* compared(view, usual, (from, to) => view.steady(from, to), isExplained);
  const ofBursts = yield* compared(view, usual, (from, to) => view.now(from, to), isExplained);
  const found: SlowPair[] = [];
  for (const from of view.all()) {
    yield;
    for (const to of view.all()) {
      const inWindow = ofWindow.isSlow(from, to) ? isBothWays(view, ofWindow, from, to) : null;
      const isSlowNow = isSlowBothWays(ofBursts, from, to);
      if (inWindow === null && !isSlowNow) continue;
      const both = isSlowNow || inWindow === true;
      const of = inWindow === null ? ofBursts : ofWindow;
      // The two directions are one finding.
      if (both && found.some((pair) => pair.from === to && pair.to === from)) continue;
      const when = inWindow === null ? IN_LAST_BURSTS : "";
      const [valueUs, usualUs] = [of.rtt(from, to), of.expected(from, to)];
      found.push({ from, to, valueUs, usualUs, both, when });
    }
  }
  const far = farFromZones(view, found);
  const explained = new PairSet(view.size).with(far);
  const findings = far.slice(0, MAX_PAIRS);
  const more = far.length - MAX_PAIRS;
  const last = findings[MAX_PAIRS - 1];
  if (more > 0) {
    findings[MAX_PAIRS - 1] = {
      ...last,
      text: `${last.text}; and ${counted(more, "more node")} like it`,
    };
  }
  const others = found.filter(({ from, to }) => !explained.has(from, to));
  return [...findings, ...pairFindings(view, others)];
}

/** Round trips of pairs against what their zones and their nodes let expect. */
interface Compared {
  readonly rtt: PairFigure;
  readonly expected: PairFigure;
  readonly factor: PairFigure;
  readonly isSlow: (from: number, to: number) => boolean;
}

function* compared(
  view: MeshView,
  usual: Blocks,
  rtt: PairFigure,
  isExplained: (from: number, to: number) => boolean,
): Steps<Compared> {
  const excess = (from: number, to: number) =>
    isExplained(from, to) ? NaN : rtt(from, to) - usual.usual(from, to);
  const medians = yield* nodeMedians(view, excess, 1);
  const spreads = yield* blockSpreads(view, excess);
  const expected = (from: number, to: number) =>
    usual.usual(from, to) + Math.max(0, medians.rows[from]) + Math.max(0, medians.columns[to]);
  const factor = (from: number, to: number) => rtt(from, to) / expected(from, to);
  const isSlow = (from: number, to: number) => {
    const above = excess(from, to);
    return above >= MIN_EXCESS_US && above >= spreads(from, to) && factor(from, to) >= FACTOR;
  };
  return { rtt, expected, factor, isSlow };
}

/**
 * Whether a pair that is slow by its window is so in both directions; null where it is so in one, and
 * too little.
 */
function isBothWays(view: MeshView, of: Compared, from: number, to: number): boolean | null {
  // The last two bursts tell it before the window's median does.
  const back = Math.max(of.factor(to, from), (view.now(to, from) || 0) / of.expected(to, from));
  if (back >= BACK_FACTOR) return true;
  return Number.isNaN(back) || of.factor(from, to) >= ONE_WAY_FACTOR ? false : null;
}

/**
 * A burst may be late as a whole by one event, and the median of two bursts is then the other one's. So
 * both bursts of both directions are slow, four in all: with 1 of 1,000 bursts late by chance that is
 * 1 in 10^12. Fewer than two bursts could not tell it from chance.
 */
function isSlowBothWays(of: Compared, from: number, to: number): boolean {
  return of.isSlow(from, to) && of.isSlow(to, from);
}

/** A node that is slow with all the nodes of a zone, and these pairs. */
interface FarNode {
  readonly node: number;
  readonly zone: number;
  readonly slow: readonly SlowPair[];
  readonly valueUs: number;
  readonly usualUs: number;
}

/** Nodes whose pairs with all the nodes of a zone, at least MIN_PAIRS, are slow: one finding each, not one a pair. */
function farFromZones(view: MeshView, found: readonly SlowPair[]): Finding[] {
  const slowWith = new Map<number, Map<number, SlowPair>>();
  for (const pair of found) {
    for (const [node, other] of [[pair.from, pair.to], [pair.to, pair.from]]) {
      slowWith.set(node, (slowWith.get(node) ?? new Map()).set(other, pair));
    }
  }
  return [...slowWith].flatMap(([node, pairs]) =>
    view.zones.flatMap(({ nodes }, zone): FarNode[] => {
      const others = nodes.filter((other) => other !== node && view.probed(node, other));
      const slow = others.flatMap((other) => pairs.get(other) ?? []);
      if (slow.length < Math.max(MIN_PAIRS, others.length)) return [];
      const valueUs = median(slow.map((pair) => pair.valueUs));
      return [{ node, zone, slow, valueUs, usualUs: median(slow.map((pair) => pair.usualUs)) }];
    })
  ).sort((a, b) => b.valueUs / b.usualUs - a.valueUs / a.usualUs).map((one) =>
    farFinding(view, one)
  );
}

/** The direction that all the pairs of a node are slow in. */
function directionOf(node: number, slow: readonly SlowPair[]): Finding["direction"] {
  if (slow.every(({ from, both }) => !both && from === node)) return "from";
  return slow.every(({ to, both }) => !both && to === node) ? "to" : "both";
}

/** How it is told, by direction. */
const WAYS = {
  from: { word: "to", way: "its way to that zone" },
  to: { word: "from", way: "the way from that zone to it" },
  both: { word: "with", way: "its way to that zone" },
} as const;

function farFinding(view: MeshView, { node, zone, slow, valueUs, usualUs }: FarNode): Finding {
  const isOwn = view.zoneOf[node] === zone;
  const others = view.zones[zone].nodes.filter((other) => other !== node);
  const direction = directionOf(node, slow);
  const { word, way } = WAYS[direction];
  return {
    kind: "slow-pair",
    severity: "warning",
    layer: "data plane",
    direction,
    nodes: [node],
    groups: [],
    evidence: { p50_ms: millisOf(valueUs), usual_ms: millisOf(usualUs), pairs: slow.length },
    text: `node ${view.name(node)} is far from ${isOwn ? "its own zone, " : ""}` +
      `${view.zoneText(zone)}: ${millisWithUnit(valueUs)} ${word} each of ` +
      `${counted(slow.length, "node")} there, where ${millisWithUnit(usualUs)} is usual; ` +
      (isOwn && direction === "both"
        ? "its zone is not the one that is told, or its way there is slow"
        : way),
    regions: [
      ...(direction === "to" ? [] : [{ from: [node], to: others }]),
      ...(direction === "from" ? [] : [{ from: others, to: [node] }]),
    ],
    weight: valueUs / usualUs,
  };
}

/** How far a pair of a block may lie from its median, by the block's own spread. */
function* blockSpreads(
  view: MeshView,
  excess: PairFigure,
): Steps<PairFigure> {
  const spreads: number[][] = [];
  for (const from of view.zones) {
    const row: number[] = [];
    for (const to of view.zones) {
      yield;
      const values = from.nodes.flatMap((i) => to.nodes.map((j) => excess(i, j)));
      row.push(SPREADS * spread(values.filter((value) => !Number.isNaN(value))));
    }
    spreads.push(row);
  }
  return (from, to) => spreads[view.zoneOf[from]][view.zoneOf[to]];
}

function pairFindings(view: MeshView, found: readonly SlowPair[]): Finding[] {
  const worst = found.toSorted((a, b) => b.valueUs / b.usualUs - a.valueUs / a.usualUs);
  const more = worst.length - MAX_PAIRS;
  return worst.slice(0, MAX_PAIRS).map(({ from, to, valueUs, usualUs, both, when }, i) => ({
    kind: "slow-pair",
    severity: "warning",
    layer: "data plane",
    direction: both ? "both" : "from",
    nodes: [from, to],
    groups: [],
    evidence: { p50_ms: millisOf(valueUs), usual_ms: millisOf(usualUs) },
    text:
      `${view.name(from)} ${both ? "and" : "to"} ${view.name(to)}: ${
        millisWithUnit(valueUs)
      }${when}, where ` +
      `${millisWithUnit(usualUs)} is usual; the path of this pair, its nodes are fine with others` +
      (i === MAX_PAIRS - 1 && more > 0 ? `; and ${counted(more, "more pair")} like it` : ""),
    regions: both
      ? [{ from: [from], to: [to] }, { from: [to], to: [from] }]
      : [{ from: [from], to: [to] }],
    weight: valueUs / usualUs,
  }));
}
