/** Who is beyond reach: dead nodes, nodes that refuse, partitions between groups. */
import { blockDirections, blockParties, blockRegions, blockText } from "./blocks.ts";
import { type Finding, type Region, regionsOf } from "../../domain/finding.ts";
import { listText } from "../../text/words.ts";
import type { MeshView } from "./mesh_view.ts";

/** One prober's word is not enough to call a node dead. */
const MIN_PROBERS = 2;
/** A node whose row is missing and that lost so much of what was sent to it died in this window. */
const DYING_SHARE = 0.2;
/** So many of a block's pairs have no answer at all: the groups are cut off from each other. */
const CUT_SHARE = 0.95;
const MIN_CUT_PAIRS = 2;
const REFUSED_SHARE = 0.5;

/** Adds to `view.gone` what the other rules need not look at any more. */
export function reachability(view: MeshView): Finding[] {
  const sides = sidesOf(view);
  const main = sides[0] ?? [];
  const alone = sides.slice(1).filter((side) => side.length === 1).flat();
  const dead = [...alone.filter((node) => isProbed(view, node)), ...dying(view, main)];
  const parts = sides.filter((side) => side.length > 1);
  for (const node of dead) view.gone.add(node);
  return [
    ...(parts.length > 1 ? [splitFinding(view, parts)] : []),
    ...dead.map((node) => deadFinding(view, node)),
    ...cutBlocks(view, parts),
    ...oneWay(view, "to"),
    ...oneWay(view, "from"),
    ...refusing(view),
  ];
}

/** Whether so many nodes tried it that their silence says something. */
function isProbed(view: MeshView, node: number): boolean {
  return view.all().filter((from) => view.probed(from, node)).length >= MIN_PROBERS;
}

/** Nodes that answer each other, directly or by others; the largest such set first. */
function sidesOf(view: MeshView): number[][] {
  const { matrix } = view;
  const answered = (from: number, to: number) =>
    view.fresh(from) && matrix.figure("answered", from, to) > 0;
  const left = new Set(view.all());
  const sides: number[][] = [];
  for (const start of view.all()) {
    if (!left.delete(start)) continue;
    const side = [start];
    for (const node of side) {
      for (const other of left) {
        if (!answered(node, other) && !answered(other, node)) continue;
        left.delete(other);
        side.push(other);
      }
    }
    sides.push(side.sort((a, b) => a - b));
  }
  return sides.sort((a, b) => b.length - a.length);
}

/** Without a row, and much of what was sent to them lost, though not all: they stopped in between. */
function dying(view: MeshView, side: readonly number[]): number[] {
  return side.filter((node) => {
    if (view.fresh(node) || !isProbed(view, node)) return false;
    const { sent, lost } = sentTo(view, node);
    return lost >= DYING_SHARE * sent;
  });
}

/** What all nodes with a fresh row sent to one, and what of it was lost. */
function sentTo(
  view: MeshView,
  node: number,
): { readonly sent: number; readonly lost: number; readonly probers: number } {
  const probers = view.all().filter((from) => view.fresh(from) && view.matrix.probed(from, node));
  const sum = (figure: "sent" | "lost") =>
    probers.reduce((total, from) => total + view.matrix.figure(figure, from, node), 0);
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
    text: `node ${view.name(node)} does not answer: ${lost} of ${sent} probes ` +
      `of ${probers} nodes were lost, ${row}`,
    regions: regionsOf([node], "both"),
    weight: probers,
  };
}

function splitFinding(view: MeshView, parts: readonly (readonly number[])[]): Finding {
  const [main, ...others] = parts;
  const sides = parts.map((side) => sideText(view, side));
  return {
    kind: "partition",
    severity: "critical",
    layer: "reachability",
    direction: "both",
    nodes: others.flat(),
    groups: parts.map((side) => zonesOf(view, side)).flatMap((zones) => zones ?? []),
    evidence: { parts: parts.length, nodes: others.flat().length },
    text: `the mesh is in ${parts.length} parts that do not reach each other: ${
      sides.join(" | ")
    }; within each part handshakes are answered`,
    regions: others.flatMap((
      side,
    ): Region[] => [{ from: main, to: side }, { from: side, to: main }]),
    weight: others.flat().length,
  };
}

/** The zones that a set of nodes is made of, as texts; null when it is not made of whole zones. */
function zonesOf(view: MeshView, side: readonly number[]): string[] | null {
  const members = new Set(side);
  const touched = view.zones.flatMap((zone, i) =>
    zone.nodes.some((node) => members.has(node)) ? [i] : []
  );
  const whole = touched.every((zone) =>
    view.zones[zone].nodes.every((node) => members.has(node) || view.gone.has(node))
  );
  return whole ? touched.map((zone) => view.zoneText(zone)) : null;
}

function sideText(view: MeshView, side: readonly number[]): string {
  const zones = zonesOf(view, side);
  return `${listText(zones ?? view.names(side))} (${side.length} nodes)`;
}

/** Zones that do not reach each other although both reach others. */
function cutBlocks(view: MeshView, parts: readonly (readonly number[])[]): Finding[] {
  const partOf = new Map(parts.flatMap((side, part) => side.map((node) => [node, part] as const)));
  const cut = (from: number, to: number) => {
    let [pairs, silent] = [0, 0];
    for (const i of view.zones[from].nodes) {
      for (const j of view.zones[to].nodes) {
        if (!view.probed(i, j) || partOf.get(i) !== partOf.get(j)) continue;
        pairs++;
        if (view.matrix.unanswered(i, j)) silent++;
      }
    }
    return pairs >= MIN_CUT_PAIRS && silent >= CUT_SHARE * pairs ? silent : 0;
  };
  return blockDirections(view, cut).map((block) => ({
    kind: "partition",
    severity: "critical",
    layer: "reachability",
    direction: block.direction,
    ...blockParties(view, block),
    evidence: { silent_pairs: block.weight },
    text: `no handshake is answered ${blockText(view, block)}` +
      `${block.direction === "both" ? ", in neither direction" : ""} (${block.weight} pairs), ` +
      "while both answer others: a route, a firewall or a security group between them",
    regions: blockRegions(view, block),
    weight: block.weight,
  }));
}

/** Nodes that answer nobody though their own probes are answered, or the other way about. */
function oneWay(view: MeshView, direction: "from" | "to"): Finding[] {
  const pairsOf = (node: number, way: "from" | "to") =>
    view.all().map((other) => way === "from" ? [node, other] as const : [other, node] as const)
      .filter(([from, to]) => view.probed(from, to));
  return view.all().flatMap((node): Finding[] => {
    const pairs = pairsOf(node, direction);
    const silent = pairs.length >= MIN_PROBERS &&
      pairs.every(([from, to]) => view.matrix.unanswered(from, to));
    if (!silent || view.gone.has(node)) return [];
    const name = view.name(node);
    const sent = pairs.reduce((sum, [from, to]) => sum + view.matrix.figure("sent", from, to), 0);
    return [{
      kind: "loss",
      severity: "critical",
      layer: direction === "to" ? "responder" : "reachability",
      direction,
      nodes: [node],
      groups: [],
      evidence: { peers: pairs.length, sent, lost: sent },
      text: direction === "to"
        ? `node ${name} answers nobody (${sent} probes of ${pairs.length} nodes lost) though its ` +
          "own probes are answered: its responder, or a firewall before it"
        : `none of node ${name}'s own ${sent} probes to ${pairs.length} nodes is answered though ` +
          "it answers others: what it sends first is filtered",
      regions: regionsOf([node], direction),
      weight: pairs.length,
    }];
  });
}

/** Nodes on whose port nothing listens: the network is fine, the responder is not there. */
function refusing(view: MeshView): Finding[] {
  return view.all().flatMap((node): Finding[] => {
    let [answered, refused, probers] = [0, 0, 0];
    for (const from of view.all()) {
      if (!view.probed(from, node)) continue;
      probers++;
      answered += view.matrix.figure("answered", from, node);
      refused += view.matrix.figure("refused", from, node);
    }
    if (refused === 0 || refused < REFUSED_SHARE * answered) return [];
    return [{
      kind: "refused",
      severity: "warning",
      layer: "responder",
      direction: "to",
      nodes: [node],
      groups: [],
      evidence: { probers, answered, refused },
      text: `node ${view.name(node)} refuses connections (${refused} of ${answered} answers): ` +
        "it is reachable, but nothing listens on its port",
      regions: regionsOf([node], "to"),
      weight: refused,
    }];
  });
}
