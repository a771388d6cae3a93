/**
 * Nodes and pairs that refuse connections: the network works, but nothing listens, or a firewall
 * refuses.
 */
import type { Steps } from "../../time/slices.ts";
import {
  type BlockDirection,
  blockDirections,
  blockParties,
  blockRegions,
  blockText,
  whileText,
} from "./blocks.ts";
import { type Direction, type Finding, gravest, regionsOf } from "../../domain/finding.ts";
import { counted } from "../../text/words.ts";
import { MAX_PAIRS } from "./drops.ts";
import { RECENT_BURSTS } from "../../domain/matrix.ts";
import { type MeshView, PairSet } from "./mesh_view.ts";
import { MIN_PROBERS } from "./reach.ts";
import {
  BLOCK_SHARE,
  MIN_BLOCK_PAIRS,
  NODE_SHARE,
  type NodePair,
  pairsOf,
  type PairTest,
} from "./shares.ts";

/**
 * A pair that refuses this share of a window is a finding, unless its last two bursts were not
 * refused.
 */
const MIN_SHARE = 0.1;

/** The share of a finding's pairs that were refused in their last two bursts, while it lasts. */
const STILL_SHARE = 0.25;

/**
 * Pairs that are refused, and those that tell some of it: while a refusal begins or ends, each pair of a node
 * or a block tells it at its own next burst. One that is refused and the others' part are enough for both.
 */
interface Refused {
  readonly is: PairTest;
  readonly tells: PairTest;
}

/** `explained`: pairs that are beyond reach. */
export function* refusals(view: MeshView, explained: PairSet): Steps<Finding[]> {
  const [refused, telling] = [new PairSet(view.size), new PairSet(view.size)];
  let some = false;
  for (const from of view.all()) {
    yield;
    for (const to of view.all()) {
      if (explained.has(from, to)) continue;
      const pair = { from: [from], to: [to] };
      const is = isRefused(view, from, to);
      if (is) refused.add(pair);
      if (is || tellsRefusals(view, from, to)) telling.add(pair);
      some ||= is || isRefusedWithoutRow(view, from, to);
    }
  }
  if (!some) return [];
  const all: Refused = {
    is: (from, to) => refused.has(from, to),
    tells: (from, to) => telling.has(from, to),
  };
  const isStill = (finding: Finding) => isStillTold(view, telling, finding);
  const nodes = bothWays(
    view,
    refusedNodes(view, all, "to"),
    refusedNodes(view, all, "from"),
  );
  const blocks = refusedBlocks(view, all, explained.with(nodes.filter(isStill)));
  const found = [...nodes, ...blocks];
  const now = found.filter(isStill);
  const [byNow, byAny] = [explained.with(now), explained.with(found)];
  // Of what is over but for some pairs, those are named that are refused still.
  const isSingle = (from: number, to: number) =>
    all.is(from, to) && !byNow.has(from, to) &&
    (view.state(from, to) === "refused" || !byAny.has(from, to));
  return [...now, ...refusedPairs(view, isSingle)];
}

/**
 * Whether the last two bursts of enough of a finding's pairs tell it too. While a refusal ends, those of some
 * pairs do not any more; a pair that is refused for a reason of its own is not enough.
 */
function isStillTold(view: MeshView, telling: PairSet, { regions }: Finding): boolean {
  let [told, recent] = [0, 0];
  for (const { from, to } of regions) {
    for (const i of from ?? view.all()) {
      for (const j of to ?? view.all()) {
        if (!telling.has(i, j)) continue;
        told++;
        if (view.recently("refused", i, j)) recent++;
      }
    }
  }
  return recent >= Math.max(STILL_SHARE * told, Math.min(2, told - 1));
}

/** Whether a pair was refused in its last two bursts, or much in its window. */
function tellsRefusals(view: MeshView, from: number, to: number): boolean {
  return view.recently("refused", from, to) ||
    view.state(from, to) !== "unmeasured" && shareOf(view, from, to) >= MIN_SHARE;
}

/** Refusals of one burst alone are no finding: the node had not started yet. */
function isRefused(view: MeshView, from: number, to: number): boolean {
  // Rows of old nodes do not tell their last bursts: NaN is not less.
  const single = view.matrix.figure("recentBursts", from, to) < RECENT_BURSTS;
  if (view.state(from, to) === "refused") return !single;
  return isOftenRefused(view, from, to) && !isOfOneBurst(view, from, to);
}

/** Where the node's row is missing too, one burst is enough: nothing there has started since. */
function isRefusedWithoutRow(view: MeshView, from: number, to: number): boolean {
  return !view.fresh(to) &&
    (view.state(from, to) === "refused" || isOftenRefused(view, from, to));
}

function isOftenRefused(view: MeshView, from: number, to: number): boolean {
  return view.state(from, to) === "established" &&
    view.matrix.figure("recentRefused", from, to) !== 0 &&
    shareOf(view, from, to) >= MIN_SHARE;
}

/** Whether a single burst may have had all refusals of a window; its last burst may be under way. */
function isOfOneBurst({ matrix }: MeshView, from: number, to: number): boolean {
  const others = matrix.figure("bursts", from, to) - 1;
  return matrix.figure("refused", from, to) * others <= matrix.figure("sent", from, to);
}

function shareOf(view: MeshView, from: number, to: number): number {
  const refused = view.matrix.figure("refused", from, to);
  return refused / view.matrix.figure("answered", from, to);
}

/** Nodes that refuse nearly everybody, their own zone too, or that nearly everybody refuses. */
function refusedNodes(view: MeshView, refused: Refused, direction: "from" | "to"): Finding[] {
  return view.all().flatMap((node): Finding[] => {
    const pairs = view.all()
      .map((other) => direction === "to" ? [other, node] as const : [node, other] as const)
      .filter(([from, to]) => view.state(from, to) !== "unmeasured");
    const telling = pairs.filter(([from, to]) => refused.tells(from, to));
    const within = pairs.filter(([from, to]) => view.zoneOf[from] === view.zoneOf[to]);
    const enough = (of: typeof pairs) =>
      of.length === 0 ||
      of.filter(([from, to]) => refused.tells(from, to)).length >= NODE_SHARE * of.length;
    const named = telling.length >= MIN_PROBERS && enough(pairs) && enough(within) &&
      telling.some(([from, to]) => refused.is(from, to));
    if (!named && !(direction === "to" && isDown(view, node))) return [];
    // A node that refuses all peers is the cause itself.
    const accepts = (to: number) =>
      view.all().some((from) => view.state(from, to) === "established");
    if (direction === "from" && !telling.some(([, to]) => accepts(to))) return [];
    return [nodeFinding(view, node, direction, telling)];
  });
}

/** What is refused to a node and from it is one finding about it. */
function bothWays(view: MeshView, to: readonly Finding[], from: readonly Finding[]): Finding[] {
  const of = (findings: readonly Finding[], { nodes: [node] }: Finding) =>
    findings.find(({ nodes }) => nodes[0] === node);
  const toAlone = to.filter((one) => of(from, one) === undefined);
  return [
    ...toAlone,
    ...from.map((one): Finding => {
      const other = of(to, one);
      return other === undefined ? one : {
        ...other,
        severity: gravest([one, other]),
        direction: "both",
        regions: [...other.regions, ...one.regions],
        text:
          `node ${view.name(one.nodes[0])} refuses others and is refused by them, though they ` +
          "accept each other: a firewall at its host rejects what comes and what goes",
      };
    }),
  ];
}

/**
 * Whether the process of a node without a row is down: one refusal is enough, since the others' bursts will
 * tell the same soon. Once one had the time for two bursts, a node that accepts another prober as ever is not
 * down: something on the way refuses.
 */
export function isDown(view: MeshView, node: number): boolean {
  if (!view.all().some((from) => isRefusedWithoutRow(view, from, node))) return false;
  if (!view.all().some((from) => view.well(from, node))) return true;
  const mates = view.zones[view.zoneOf[node]].nodes.filter((mate) => !view.fresh(mate));
  return !view.all().some((from) => mates.some((mate) => isRefused(view, from, mate)));
}

function nodeFinding(
  view: MeshView,
  node: number,
  direction: "from" | "to",
  pairs: readonly (readonly [from: number, to: number])[],
): Finding {
  const sum = (figure: "answered" | "refused") =>
    pairs.reduce((total, [from, to]) => total + view.count(figure, from, to), 0);
  const [answered, refused] = [sum("answered"), sum("refused")];
  const counts = `${refused} of ${counted(answered, "answer")} to ${counted(pairs.length, "node")}`;
  const isTotal = pairs.every(([from, to]) => view.state(from, to) !== "established");
  const missing = direction === "to" && isDown(view, node)
    ? ", and its row is not to be had: its process is down"
    : "";
  return {
    ...common(direction, refused, isTotal),
    nodes: [node],
    groups: [],
    evidence: { peers: pairs.length, answered, refused },
    text: direction === "to"
      ? `node ${view.name(node)} refuses connections (${counts}): it is reachable, but nothing ` +
        `listens on its port${missing}`
      : `node ${
        view.name(node)
      } is refused by others that listen (${counts}): a firewall rejects ` +
        "what it sends",
    regions: regionsOf([node], direction),
  };
}

/** Zones that refuse each other, whichever nodes there; `byNode`: pairs that a node explains. */
function refusedBlocks(view: MeshView, refused: Refused, byNode: PairSet): Finding[] {
  const count = (from: number, to: number) => {
    let [pairs, telling, bad] = [0, 0, 0];
    for (const i of view.zones[from].nodes) {
      for (const j of view.zones[to].nodes) {
        if (view.state(i, j) === "unmeasured" || byNode.has(i, j)) continue;
        pairs++;
        if (refused.tells(i, j)) telling++;
        if (refused.is(i, j)) bad++;
      }
    }
    const isMost = pairs >= MIN_BLOCK_PAIRS && telling >= BLOCK_SHARE * pairs;
    return isMost ? { telling, bad } : { telling: 0, bad: 0 };
  };
  const measure = (from: number, to: number) => {
    const [there, back] = [count(from, to), count(to, from)];
    return there.bad + back.bad > 0 ? there.telling : 0;
  };
  return blockDirections(view, measure).map((block) => ({
    ...common(block.direction, block.weight, isWhole(view, block)),
    ...blockParties(view, block),
    evidence: { refused_pairs: block.weight },
    text: `connections are refused ${blockText(view, block)}, whichever nodes there ` +
      `(${counted(block.weight, "pair")})${
        whileText(view, block, "accept")
      }: a firewall rejects them`,
    regions: blockRegions(view, block),
  }));
}

/** Whether no pair of a block is accepted now. */
function isWhole(view: MeshView, block: BlockDirection): boolean {
  return blockRegions(view, block).every(({ from, to }) =>
    from?.every((i) => to?.every((j) => view.state(i, j) !== "established"))
  );
}

function refusedPairs(view: MeshView, refused: PairTest): Finding[] {
  const sum = (figure: "answered" | "refused", { regions }: NodePair) =>
    regions.reduce((total, { from: [a], to: [b] }) => total + view.count(figure, a, b), 0);
  const found = pairsOf(view, refused)
    .map((pair) => ({ pair, count: sum("refused", pair), answered: sum("answered", pair) }))
    .sort((a, b) => b.count - a.count);
  const accepts = (node: number, but: number) =>
    view.all().some((other) => other !== but && view.state(other, node) === "established");
  const more = found.length - MAX_PAIRS;
  return found.slice(0, MAX_PAIRS).map(({ pair, count, answered }, i) => {
    const { from, to, direction, regions } = pair;
    const [a, b] = [view.name(from), view.name(to)];
    const isBoth = direction === "both";
    const accepting = accepts(to, from) && (!isBoth || accepts(from, to));
    return {
      ...common(direction, count, false),
      nodes: [from, to],
      groups: [],
      evidence: { answered, refused: count },
      text: (isBoth ? `${a} and ${b} refuse each other` : `${b} refuses ${a}`) +
        ` (${count} of ${counted(answered, "answer")})` +
        (accepting
          ? `, though ${
            isBoth ? "both accept" : "it accepts"
          } others: a firewall, or a listener that ` +
            "comes and goes"
          : ": a firewall, or nothing listens there") +
        (i === MAX_PAIRS - 1 && more > 0 ? `; and ${counted(more, "more pair")} like it` : ""),
      regions,
    };
  });
}

/** `isTotal`: nothing is accepted there now. */
function common(
  direction: Direction,
  weight: number,
  isTotal: boolean,
): Pick<Finding, "kind" | "severity" | "layer" | "direction" | "weight"> {
  const severity = isTotal ? "critical" : "warning";
  return { kind: "refused", severity, layer: "responder", direction, weight };
}
