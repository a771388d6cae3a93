/**
 * Nodes and pairs beyond reach now: dead nodes, partitions, nodes that answer nobody, silent pairs.
 */
import type { Steps } from "../../time/slices.ts";
import { blockDirections, blockParties, blockRegions, blockText, whileText } from "./blocks.ts";
import { type Finding, type Region, regionsOf } from "../../domain/finding.ts";
import { counted, listText } from "../../text/words.ts";
import { type MeshView, PairSet } from "./mesh_view.ts";
import type { PairState } from "../../domain/matrix.ts";
import { MAX_PAIRS } from "./drops.ts";
import { BLOCK_SHARE, MIN_BLOCK_PAIRS, pairsOf, type PairTest, Shares } from "./shares.ts";

/** One prober's word is not enough to call a node dead. */
export const MIN_PROBERS = 2;
/**
 * A node whose row is missing, and to which this share of the probes was lost, died in this window.
 */
const DYING_SHARE = 0.2;
/** Where one direction of two zones is silent, this share of the other's pairs tells that it is as well. */
const ALSO_SHARE = 0.5;
/** A single pair is silent when it lost this many probes, one way or both: two bursts may be chance. */
const MIN_SILENT_LOST = 3;

/** Adds to `view.gone` what the other rules need not look at any more. */
export function* reachability(view: MeshView): Steps<Finding[]> {
  const parts = partsOf(view);
  yield;
  const main = parts[0] ?? [];
  // Where no two nodes reach each other, none of them is more alone than the others.
  const isAnyPart = main.length > 1;
  const alone = parts.slice(isAnyPart ? 1 : 0).filter((part) => part.length === 1).flat();
  const dead = [
    ...alone.filter((node) => isProbed(view, node)),
    ...isAnyPart ? dying(view, main) : [],
  ];
  const several = parts.filter((part) => part.length > 1);
  const split = several.length > 1 ? [splitFinding(view, several)] : [];
  for (const node of dead) view.leaveOut(node);
  // Rows of old nodes do not tell their last bursts: NaN is not more.
  const isLosing = (from: number, to: number) => view.matrix.figure("recentLost", from, to) > 0;
  const losing = yield* Shares.steps(view, isLosing);
  const changing = yield* Shares.steps(
    view,
    (from, to) => isLosing(from, to) && view.state(from, to) !== "silent",
  );
  const nodes = [...oneWay(view, losing, "to"), ...oneWay(view, losing, "from")];
  const found = [
    ...split,
    ...dead.map((node) => deadFinding(view, node)),
    // A zone whose only node answers nobody is not cut off from every other zone.
    ...cutBlocks(view, several, losing, new PairSet(view.size).with(nodes)),
    ...nodes,
  ];
  yield;
  const explained = new PairSet(view.size).with(found);
  const isPart = (from: number, to: number) =>
    explained.has(from, to) || losing.around(from, to, changing);
  return [...found, ...silentPairs(view, isPart)];
}

/** The nodes whose probes of one are known. */
function probersOf(view: MeshView, node: number): number[] {
  return view.all().filter((from) => view.state(from, node) !== "unmeasured");
}

/** Whether enough nodes probed it for their silence to count. */
function isProbed(view: MeshView, node: number): boolean {
  return probersOf(view, node).length >= MIN_PROBERS;
}

function isAnswer(state: PairState): boolean {
  return state === "established" || state === "refused";
}

/** Nodes that answer each other, directly or by others; the largest such set first. */
function partsOf(view: MeshView): number[][] {
  const answers = (from: number, to: number) => isAnswer(view.state(from, to));
  const left = new Set(view.all());
  const parts: number[][] = [];
  for (const start of view.all()) {
    if (!left.delete(start)) continue;
    const part = [start];
    for (const node of part) {
      for (const other of left) {
        if (!answers(node, other) && !answers(other, node)) continue;
        left.delete(other);
        part.push(other);
      }
    }
    parts.push(part.sort((a, b) => a - b));
  }
  return parts.sort((a, b) => b.length - a.length);
}

/**
 * Nodes without a row that answer nobody any more, though they answered in the window. Where rows tell the
 * last two bursts: each prober lost some of them, and one of them both, be it with another node of that
 * zone which is in the same case. A node that answers another prober as ever is cut off from here alone.
 */
function dying(view: MeshView, part: readonly number[]): number[] {
  const fading = part.filter((node) => {
    if (view.fresh(node) || !isProbed(view, node)) return false;
    if (hasRecent(view, node)) {
      return probersOf(view, node).every((from) => view.recently("lost", from, node));
    }
    const { sent, lost } = sentTo(view, node);
    return lost >= DYING_SHARE * sent;
  });
  const isSilent = (node: number) =>
    probersOf(view, node).some((from) => view.state(from, node) === "silent");
  const isTold = (zone: number) => {
    const { nodes } = view.zones[zone];
    return nodes.every((node) => fading.includes(node)) && nodes.some(isSilent);
  };
  return fading.filter((node) =>
    !hasRecent(view, node) || isSilent(node) || isTold(view.zoneOf[node])
  );
}

function hasRecent(view: MeshView, node: number): boolean {
  return probersOf(view, node).some((from) => view.matrix.figure("recentBursts", from, node) > 0);
}

/** What all nodes with a fresh row sent to one, and what of it was lost. */
function sentTo(
  view: MeshView,
  node: number,
): { readonly sent: number; readonly lost: number; readonly probers: number } {
  const probers = view.all().filter((from) => view.fresh(from) && view.matrix.probed(from, node));
  const sum = (figure: "sent" | "lost") =>
    probers.reduce((total, from) => total + view.count(figure, from, node), 0);
  return { sent: sum("sent"), lost: sum("lost"), probers: probers.length };
}

function deadFinding(view: MeshView, node: number): Finding {
  const { sent, lost, probers } = sentTo(view, node);
  const row = view.fresh(node)
    ? "and its own probes get no answer either: it is cut off from the others"
    : `and its row is not to be had: it is down, or cut off from here too`;
  return {
    kind: "dead-node",
    severity: "critical",
    layer: "reachability",
    direction: "both",
    nodes: [node],
    groups: [],
    evidence: { probers, sent, lost },
    text: `node ${view.name(node)} does not answer: ${lost} of ${counted(sent, "probe")} ` +
      `of ${counted(probers, "node")} were lost, ${row}`,
    regions: regionsOf([node], "both"),
    weight: probers,
  };
}

function splitFinding(view: MeshView, parts: readonly (readonly number[])[]): Finding {
  const others = parts.slice(1);
  const texts = parts.map((part) => partText(view, part));
  return {
    kind: "partition",
    severity: "critical",
    layer: "reachability",
    direction: "both",
    nodes: others.flat(),
    groups: parts.map((part) => zonesOf(view, part)).flatMap((zones) => zones ?? []),
    evidence: { parts: parts.length, nodes: others.flat().length },
    text: `the mesh is in ${parts.length} parts that do not reach each other: ${
      texts.join(" | ")
    }; within each part handshakes are answered`,
    regions: parts.map((part): Region => ({
      from: part,
      to: parts.filter((other) => other !== part).flat(),
    })),
    weight: others.flat().length,
  };
}

/** The zones that a set of nodes is made of, as texts; null when it is not made of whole zones. */
function zonesOf(view: MeshView, part: readonly number[]): string[] | null {
  const members = new Set(part);
  const touched = view.zones.flatMap((zone, i) =>
    zone.nodes.some((node) => members.has(node)) ? [i] : []
  );
  const whole = touched.every((zone) =>
    view.zones[zone].nodes.every((node) => members.has(node) || view.gone.has(node))
  );
  return whole ? touched.map((zone) => view.zoneText(zone)) : null;
}

function partText(view: MeshView, part: readonly number[]): string {
  const zones = zonesOf(view, part);
  return `${listText(zones ?? view.names(part))} (${counted(part.length, "node")})`;
}

/** Zones that do not reach each other although both reach others. */
function cutBlocks(
  view: MeshView,
  parts: readonly (readonly number[])[],
  losing: Shares,
  byNode: PairSet,
): Finding[] {
  // A node that begins to be cut off is half of a zone of two.
  const isNodes = (node: number) => losing.from(node) && losing.to(node);
  const partOf = new Map(parts.flatMap((part, i) => part.map((node) => [node, i] as const)));
  const count = (from: number, to: number) => {
    let [pairs, silent] = [0, 0];
    for (const i of view.zones[from].nodes) {
      for (const j of view.zones[to].nodes) {
        const state = view.state(i, j);
        if (state === "unmeasured" || partOf.get(i) !== partOf.get(j)) continue;
        if (byNode.has(i, j) || from === to && (isNodes(i) || isNodes(j))) continue;
        pairs++;
        if (state === "silent") silent++;
      }
    }
    return { silent, share: pairs >= MIN_BLOCK_PAIRS ? silent / pairs : 0 };
  };
  const cut = (from: number, to: number) => {
    const [there, back] = [count(from, to), count(to, from)];
    const isCut = there.share >= BLOCK_SHARE ||
      there.share >= ALSO_SHARE && back.share >= BLOCK_SHARE;
    return isCut ? there.silent : 0;
  };
  return blockDirections(view, cut).map((block) => ({
    kind: "partition",
    severity: "critical",
    layer: "reachability",
    direction: block.direction,
    ...blockParties(view, block),
    evidence: { silent_pairs: block.weight },
    text: `no handshake is answered ${blockText(view, block)}` +
      `${block.direction === "both" ? ", in neither direction" : ""} (${
        counted(block.weight, "pair")
      })${whileText(view, block, "answer")}: a route, a firewall or a security group between them`,
    regions: blockRegions(view, block),
    weight: block.weight,
  }));
}

/** Nodes that answer no probe though their own are answered, or the reverse. */
function oneWay(view: MeshView, losing: Shares, direction: "from" | "to"): Finding[] {
  return view.all().flatMap((node): Finding[] => {
    const stateOf = (other: number) =>
      direction === "from" ? view.state(node, other) : view.state(other, node);
    // For most nodes the first pair decides.
    const answers = view.all().some((other) => isAnswer(stateOf(other)));
    if (answers || view.gone.has(node)) return [];
    // Both ways just begin or cease to be silent, which the bursts of one way tell first.
    if (direction === "from" ? losing.to(node) : losing.from(node)) return [];
    const peers = view.all().filter((other) => stateOf(other) === "silent");
    if (peers.length < MIN_PROBERS) return [];
    const name = view.name(node);
    const isKnown = view.all().some((other) => isAnswer(view.state(other, node)));
    const lost = peers.map((other) =>
      direction === "from" ? view.count("lost", node, other) : view.count("lost", other, node)
    ).reduce((sum, count) => sum + count);
    return [{
      kind: "loss",
      severity: "critical",
      layer: direction === "to" ? "responder" : "reachability",
      direction,
      nodes: [node],
      groups: [],
      evidence: { peers: peers.length, lost },
      text: direction === "to"
        ? `node ${name} answers nobody (${counted(lost, "probe")} of ${
          counted(peers.length, "node")
        } lost) though its ` +
          "own probes are answered: its responder, or a firewall before it"
        : `none of node ${name}'s own probes to ${
          counted(peers.length, "node")
        } is answered (${lost} lost)` +
          (isKnown
            ? " though it answers others: what it sends first is filtered"
            : ", and no row tells whether it answers others: it is cut off, or they are"),
      regions: regionsOf([node], direction),
      weight: peers.length,
    }];
  });
}

/**
 * Pairs without any answer now. `isPart`: whether a node or a block explains a pair, or what begins or ends at
 * one and is told by some bursts so far.
 */
function silentPairs(view: MeshView, isPart: PairTest): Finding[] {
  const isSilent = (from: number, to: number) =>
    view.state(from, to) === "silent" && !isPart(from, to);
  const lostOf = (from: number, to: number) =>
    isSilent(from, to) ? view.count("lost", from, to) : 0;
  const found = pairsOf(
    view,
    (from, to) => isSilent(from, to) && lostOf(from, to) + lostOf(to, from) >= MIN_SILENT_LOST,
  );
  const answersOthers = (node: number, but: number) =>
    view.all().some((other) => other !== but && isAnswer(view.state(other, node)));
  const more = found.length - MAX_PAIRS;
  return found.slice(0, MAX_PAIRS).map(({ from, to, direction, regions }, i) => {
    const lost = regions.reduce((sum, { from: [a], to: [b] }) => sum + view.count("lost", a, b), 0);
    const silent = direction === "both"
      ? `${view.name(from)} and ${view.name(to)} get no answer of each other`
      : `${view.name(from)} gets no answer of ${view.name(to)}`;
    const cause = answersOthers(from, to) && answersOthers(to, from)
      ? ", though both answer others: a route or a firewall between these two"
      : ": a route or a firewall between these two, or one of them is down";
    return {
      kind: "loss",
      severity: "critical",
      layer: "reachability",
      direction,
      nodes: [from, to],
      groups: [],
      evidence: { lost },
      text: `${silent} (${lost} lost)${cause}` +
        (i === MAX_PAIRS - 1 && more > 0 ? `; and ${counted(more, "more pair")} like it` : ""),
      regions,
      weight: lost,
    };
  });
}
