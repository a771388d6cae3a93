/**
 * Nodes and pairs that refuse connections: the network works, but nothing listens, or a firewall
 * refuses.
 */
import type { Steps } from "../../time/slices.ts";
import { blockDirections, blockParties, blockRegions, blockText, whileText } from "./blocks.ts";
import { type Direction, type Finding, regionsOf } from "../../domain/finding.ts";
import { counted } from "../../text/words.ts";
import { MAX_PAIRS } from "./drops.ts";
import { RECENT_BURSTS } from "../../domain/matrix.ts";
import { type MeshView, PairSet } from "./mesh_view.ts";
import { BLOCK_SHARE, MIN_BLOCK_PAIRS, MIN_PROBERS } from "./reach.ts";

/**
 * A pair that refuses this share of a window is a finding, unless its last two bursts were not
 * refused.
 */
const MIN_SHARE = 0.1;
/** A node is named when this share of its pairs is refused. */
const NODE_SHARE = 0.8;

/** `explained`: pairs that are beyond reach. */
export function* refusals(view: MeshView, explained: PairSet): Steps<Finding[]> {
  const refused = new PairSet(view.size);
  let some = false;
  for (const from of view.all()) {
    yield;
    for (const to of view.all()) {
      if (!isRefused(view, from, to) || explained.has(from, to)) continue;
      refused.add({ from: [from], to: [to] });
      some = true;
    }
  }
  if (!some) return [];
  const nodes = (["to", "from"] as const).flatMap((direction) =>
    refusedNodes(view, (from, to) => refused.has(from, to), direction)
  );
  const byNode = explained.with(nodes);
  const others = (from: number, to: number) => refused.has(from, to) && !byNode.has(from, to);
  const blocks = refusedBlocks(view, others);
  const byBlock = byNode.with(blocks);
  const single = refusedPairs(view, (from, to) => others(from, to) && !byBlock.has(from, to));
  return [...nodes, ...blocks, ...single];
}

/**
 * Refusals of one burst alone are no finding: the node had not started yet. Where its row is missing
 * too they are, since nothing there has started since.
 */
function isRefused(view: MeshView, from: number, to: number): boolean {
  const { matrix } = view;
  const state = view.state(from, to);
  // Rows of old nodes do not tell their last bursts: NaN is not less.
  const single = matrix.figure("recentBursts", from, to) < RECENT_BURSTS;
  if (state === "refused") return !single || !view.fresh(to);
  const recent = matrix.figure("recentRefused", from, to);
  const often = state === "established" && recent !== 0 && shareOf(view, from, to) >= MIN_SHARE;
  return often && (!isOfOneBurst(view, from, to) || !view.fresh(to));
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

/** A figure of each pair as yes or no. */
type PairTest = (from: number, to: number) => boolean;

/** Nodes that refuse nearly everybody, their own zone too, or that nearly everybody refuses. */
function refusedNodes(view: MeshView, refused: PairTest, direction: "from" | "to"): Finding[] {
  return view.all().flatMap((node): Finding[] => {
    const pairs = view.all()
      .map((other) => direction === "to" ? [other, node] as const : [node, other] as const)
      .filter(([from, to]) => view.state(from, to) !== "unmeasured");
    const bad = pairs.filter(([from, to]) => refused(from, to));
    const within = pairs.filter(([from, to]) => view.zoneOf[from] === view.zoneOf[to]);
    const enough = (of: typeof pairs) =>
      of.length === 0 ||
      of.filter(([from, to]) => refused(from, to)).length >= NODE_SHARE * of.length;
    // One refusal is enough where the row is missing too: the others' bursts will tell the same soon.
    const down = direction === "to" && !view.fresh(node) && bad.length > 0;
    if (!down && (bad.length < MIN_PROBERS || !enough(pairs) || !enough(within))) return [];
    // A node that refuses all peers is the cause itself.
    const accepts = (to: number) =>
      view.all().some((from) => view.state(from, to) === "established");
    if (direction === "from" && !bad.some(([, to]) => accepts(to))) return [];
    return [nodeFinding(view, node, direction, bad)];
  });
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
  const missing = view.fresh(node) ? "" : ", and its row is not to be had: its process is down";
  return {
    ...common(direction, refused),
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

/** Zones that refuse each other, whichever nodes there. */
function refusedBlocks(view: MeshView, refused: PairTest): Finding[] {
  const measure = (from: number, to: number) => {
    let [pairs, bad] = [0, 0];
    for (const i of view.zones[from].nodes) {
      for (const j of view.zones[to].nodes) {
        if (view.state(i, j) === "unmeasured") continue;
        pairs++;
        if (refused(i, j)) bad++;
      }
    }
    return pairs >= MIN_BLOCK_PAIRS && bad >= BLOCK_SHARE * pairs ? bad : 0;
  };
  return blockDirections(view, measure).map((block) => ({
    ...common(block.direction, block.weight),
    ...blockParties(view, block),
    evidence: { refused_pairs: block.weight },
    text: `connections are refused ${blockText(view, block)}, whichever nodes there ` +
      `(${counted(block.weight, "pair")}), ${whileText(block, "accept")}: a firewall rejects them`,
    regions: blockRegions(view, block),
  }));
}

function refusedPairs(view: MeshView, refused: PairTest): Finding[] {
  const found = view.all().flatMap((from) =>
    view.all().filter((to) => refused(from, to)).map((to) => ({
      from,
      to,
      count: view.count("refused", from, to),
      answered: view.count("answered", from, to),
    }))
  ).sort((a, b) => b.count - a.count);
  const more = found.length - MAX_PAIRS;
  return found.slice(0, MAX_PAIRS).map(({ from, to, count, answered }, i) => ({
    ...common("from", count),
    nodes: [from, to],
    groups: [],
    evidence: { answered, refused: count },
    text:
      `${view.name(to)} refuses ${view.name(from)} (${count} of ${
        counted(answered, "answer")
      }), though ` +
      "it accepts others: a firewall, or a listener that comes and goes" +
      (i === MAX_PAIRS - 1 && more > 0 ? `; and ${counted(more, "more pair")} like it` : ""),
    regions: [{ from: [from], to: [to] }],
  }));
}

function common(
  direction: Direction,
  weight: number,
): Pick<Finding, "kind" | "severity" | "layer" | "direction" | "weight"> {
  return { kind: "refused", severity: "warning", layer: "responder", direction, weight };
}
