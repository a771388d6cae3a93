/**
 * Lost packets, as handshakes show them: probes without any answer, and handshakes whose SYN had to
 * be sent again (which costs a client a second of waiting). A handshake counts once, however often
 * its SYN was sent. The chance of such drops is computed in bursts: handshakes that fail together,
 * as all of a burst at a full accept queue, are not independent events.
 */
import type { Steps } from "../../time/slices.ts";
import { counted } from "../../text/words.ts";
import { median, quantile } from "../../stats/quantile.ts";
import { upperTail } from "../../stats/significance.ts";
import {
  type BlockDirection,
  blockDirections,
  blockParties,
  blockRegions,
  blockText,
} from "./blocks.ts";
import { type Direction, type Finding, type Region, regionsOf } from "../../domain/finding.ts";
import { percentInWords, roundedShare } from "../../text/number.ts";
import { type DropCounts, dropCounts, OldDrops } from "./drop_counts.ts";
import { type MeshView, type PairSet } from "./mesh_view.ts";

/** Below this share of drops a mesh is as good as usual networks. */
const USUAL_SHARE = 0.001;
const USUAL_QUANTILE = 0.25;
/** How many times the mesh's own share is too much: the factor of Pingmesh. */
const FACTOR = 2;

export interface Drops {
  readonly sent: number;
  readonly lost: number;
  /** Handshakes repeated; for rows of old nodes, their SYN retransmits. */
  readonly repeated: number;
  /** Bursts, and those of them with a drop: what is drawn independently. */
  readonly trials: number;
  readonly events: number;
  /** Handshakes that the trials are of. */
  readonly drawn: number;
  /** (lost + repeated) / sent; NaN without any. */
  readonly share: number;
}

export function* packetLoss(view: MeshView, explained: PairSet): Steps<Finding[]> {
  const all = new DropSums(view, explained, yield* dropCounts(view));
  const rows: Drops[] = [];
  for (const node of view.all()) {
    yield;
    rows.push(all.sum([node], null));
  }
  const limit = limitOf(rows.filter(({ sent }) => sent > 0));
  // No single node makes a block, but a block makes its nodes look bad: blocks come first.
  const blocks = yield* lossyBlocks(view, all, limit);
  const byBlock = explained.with(blocks.map((block) => ({ regions: blockRegions(view, block) })));
  const nodes = yield* lossyNodes(view, all.without(byBlock), limit);
  const byNode = byBlock.with(
    nodes.map(({ node, direction }) => ({ regions: regionsOf([node], direction) })),
  );
  return [
    ...nodes.map((found) => nodeFinding(view, found, limit)),
    ...blocks.map((block) => blockFinding(view, block, all, limit)),
    ...yield* lossyPairs(view, all.without(byNode), limit),
  ];
}

/** What is tolerated: a share of the handshakes, and of the trials. */
interface Limit {
  readonly share: number;
  readonly events: number;
}

/** The better nodes say what is usual: two zones that lose everything between them are half a mesh. */
function limitOf(rows: readonly Drops[]): Limit {
  // Without any row these are no numbers, and there is nothing to judge either.
  const usual = (of: (row: Drops) => number) => quantile(rows.map(of), USUAL_QUANTILE) || 0;
  return {
    share: Math.max(USUAL_SHARE, FACTOR * usual(({ share }) => share)),
    events: FACTOR * usual(({ events, trials }) => events / trials),
  };
}

/** Drops over sets of pairs, without those that are explained or were hardly probed. */
class DropSums {
  #view: MeshView;
  #explained: PairSet;
  #counts: DropCounts;

  constructor(view: MeshView, explained: PairSet, counts: DropCounts) {
    this.#view = view;
    this.#explained = explained;
    this.#counts = counts;
  }

  /** The same with other pairs left out. */
  without(explained: PairSet): DropSums {
    return new DropSums(this.#view, explained, this.#counts);
  }

  /** The same with more pairs left out. */
  besides(regions: readonly Region[]): DropSums {
    return this.without(this.#explained.with([{ regions }]));
  }

  /** Whether a pair has any drop. */
  dropped(from: number, to: number): boolean {
    const at = from * this.#view.size + to;
    return this.#counts.lost[at] + this.#counts.repeated[at] > 0;
  }

  /** From each of these nodes to each of those; null for every node. */
  sum(from: readonly number[] | null, to: readonly number[] | null): Drops {
    const { sent, lost, repeated, bursts, burstsWithDrops, runs } = this.#counts;
    let [allSent, allLost, allRepeated, trials, events, drawn] = [0, 0, 0, 0, 0, 0];
    const old = new OldDrops();
    for (const i of from ?? this.#view.all()) {
      for (const j of to ?? this.#view.all()) {
        const at = i * this.#view.size + j;
        if (sent[at] === 0 || this.#explained.has(i, j)) continue;
        allSent += sent[at];
        allLost += lost[at];
        allRepeated += repeated[at];
        drawn += sent[at];
        if (bursts[at] > 0) {
          trials += bursts[at];
          events += burstsWithDrops[at];
          continue;
        }
        old.add(sent[at], lost[at] + repeated[at]);
      }
    }
    if (old.sent > 0) {
      const length = old.run(runs);
      trials += old.sent / length;
      events += old.drops / length;
    }
    const share = (allLost + allRepeated) / allSent;
    return { sent: allSent, lost: allLost, repeated: allRepeated, trials, events, drawn, share };
  }
}

interface LossyNode {
  readonly node: number;
  readonly direction: Direction;
  readonly drops: Drops;
}

/** The worst first; of the others only what they lose with nodes that are not named yet. */
function* lossyNodes(view: MeshView, sums: DropSums, limit: Limit): Steps<LossyNode[]> {
  const suspects: LossyNode[] = [];
  for (const node of view.all()) {
    yield;
    const suspect = lossyNode(view, sums, node, limit);
    if (suspect !== null) suspects.push(suspect);
  }
  suspects.sort((a, b) => b.drops.share - a.drops.share);
  const found: LossyNode[] = [];
  let rest = sums;
  for (const suspect of suspects) {
    yield;
    const still = found.length === 0 ? suspect : lossyNode(view, rest, suspect.node, limit);
    if (still === null) continue;
    found.push(still);
    rest = rest.besides(regionsOf([still.node], "both"));
  }
  return found;
}

function lossyNode(
  view: MeshView,
  sums: DropSums,
  node: number,
  limit: Limit,
): LossyNode | null {
  const there = (others: readonly number[] | null) => sums.sum([node], others);
  const here = (others: readonly number[] | null) => sums.sum(others, [node]);
  const out = lossyDirection(view, there, limit);
  const back = lossyDirection(view, here, limit);
  if (out === null && back === null) return null;
  const [row, column] = [there(null), here(null)];
  if (isAlso(out === null ? row : column, limit)) {
    return { node, direction: "both", drops: plus(row, column) };
  }
  return out !== null
    ? { node, direction: "from", drops: out }
    : { node, direction: "to", drops: column };
}

/**
 * Once one direction loses too much, this weaker evidence is enough for the other direction: few
 * faults are of one direction alone.
 */
const ALSO_CHANCE = 1e-3;

function isAlso(drops: Drops, limit: Limit): boolean {
  return tooMuch(drops, limit, MIN_SHARE, ALSO_CHANCE);
}

/** A row's or column's drops where they are too much, and not only with one zone or few peers. */
function lossyDirection(
  view: MeshView,
  sumWith: (others: readonly number[] | null) => Drops,
  limit: Limit,
): Drops | null {
  const whole = sumWith(null);
  if (!tooMuch(whole, limit, MIN_SHARE, CHANCE)) return null;
  const perZone = view.zones.map(({ nodes }) => sumWith(nodes).share);
  if (!(median(perZone.filter((share) => share >= 0)) >= MIN_SHARE / 2)) return null;
  const peers = view.all().map((node) => sumWith([node])).filter(({ sent }) => sent > 0)
    .sort((a, b) => a.share - b.share);
  // Without the worst tenth, and at least one, it must still be too much: else it is those pairs.
  const rest = peers.slice(0, -Math.max(1, Math.ceil(peers.length / 10)));
  const { share } = rest.reduce(plus, NO_DROPS);
  return share >= Math.max(MIN_SHARE / 2, whole.share / 4) ? whole : null;
}

const NO_DROPS: Drops = {
  sent: 0,
  lost: 0,
  repeated: 0,
  trials: 0,
  events: 0,
  drawn: 0,
  share: NaN,
};

function plus(a: Drops, b: Drops): Drops {
  const [sent, lost, repeated] = [a.sent + b.sent, a.lost + b.lost, a.repeated + b.repeated];
  const [trials, events] = [a.trials + b.trials, a.events + b.events];
  const drawn = a.drawn + b.drawn;
  return { sent, lost, repeated, trials, events, drawn, share: (lost + repeated) / sent };
}

/** Less than this is not worth a message about a node or a block, and about a pair. */
const MIN_SHARE = 0.005;
const MIN_PAIR_SHARE = 0.02;
/** The chance that a healthy node or block is accused, and any healthy pair of the mesh. */
const CHANCE = 1e-6;
const PAIRS_CHANCE = 1e-3;

/**
 * Whether there are more drops than tolerated, and more events than chance makes at the tolerated
 * share.
 */
function tooMuch(drops: Drops, limit: Limit, least: number, chance: number): boolean {
  const { trials, events, drawn, share } = drops;
  if (!(share >= Math.max(least, limit.share))) return false;
  const eventLimit = Math.max(limit.events, 1 - (1 - USUAL_SHARE) ** (drawn / trials));
  return upperTail(Math.floor(events), Math.floor(trials), eventLimit) < chance;
}

/** Blocks that lose too much at most of their nodes, also without any one of these: none is to blame. */
function* lossyBlocks(view: MeshView, sums: DropSums, limit: Limit): Steps<BlockDirection[]> {
  if (view.zones.length < 2) return [];
  const shares: number[][] = [];
  for (const { nodes: from } of view.zones) {
    const row: number[] = [];
    for (const { nodes: to } of view.zones) {
      yield;
      row.push(lossyBlock(sums, from, to, limit));
    }
    shares.push(row);
  }
  return blockDirections(view, (from, to) => {
    if (shares[from][to] > 0 || !(shares[to][from] > 0)) return shares[from][to];
    const drops = sums.sum(view.zones[from].nodes, view.zones[to].nodes);
    return isAlso(drops, limit) ? drops.share : 0;
  });
}

/** Without any one node a lossy block loses this much of what it loses with it, or it is that node. */
const EVEN_SHARE = 0.6;

/** The share of drops from these nodes to those where it is too much; else 0. */
function lossyBlock(
  sums: DropSums,
  from: readonly number[],
  to: readonly number[],
  limit: Limit,
): number {
  const whole = sums.sum(from, to);
  if (!tooMuch(whole, limit, MIN_SHARE, CHANCE)) return 0;
  // A zone of one node cannot be told from its node.
  if (from.length < 2 || to.length < 2) return 0;
  // Where two of several nodes lose, or a node and a pair, most nodes of the block lose as little as others.
  const isHigh = (shares: readonly number[]) =>
    median(shares.filter((share) => share >= 0)) >= Math.max(limit.share, MIN_SHARE / 2);
  if (!isHigh(from.map((node) => sums.sum([node], to).share))) return 0;
  if (!isHigh(to.map((node) => sums.sum(from, [node]).share))) return 0;
  const drops = (of: Drops) => of.lost + of.repeated;
  const without = [...new Set([...from, ...to])].map((node) => {
    const row = from.includes(node) ? sums.sum([node], to) : NO_DROPS;
    const column = to.includes(node) ? sums.sum(from, [node]) : NO_DROPS;
    return (drops(whole) - drops(row) - drops(column)) / (whole.sent - row.sent - column.sent);
  });
  const least = Math.max(limit.share, EVEN_SHARE * whole.share);
  return Math.min(...without) >= least ? whole.share : 0;
}

/** More pairs than this are counted, not listed. */
export const MAX_PAIRS = 5;

function* lossyPairs(view: MeshView, sums: DropSums, limit: Limit): Steps<Finding[]> {
  let pairs = 0;
  const high: { readonly from: number; readonly to: number; readonly drops: Drops }[] = [];
  for (const from of view.all()) {
    yield;
    for (const to of view.all()) {
      if (!view.probed(from, to)) continue;
      pairs++;
      // Most pairs lose nothing.
      if (!sums.dropped(from, to)) continue;
      const drops = sums.sum([from], [to]);
      if (drops.share >= MIN_PAIR_SHARE) high.push({ from, to, drops });
    }
  }
  const chance = PAIRS_CHANCE / Math.max(1, pairs);
  const found = high.filter(({ drops }) => tooMuch(drops, limit, MIN_PAIR_SHARE, chance))
    .sort((a, b) => b.drops.share - a.drops.share);
  const more = found.length - MAX_PAIRS;
  return found.slice(0, MAX_PAIRS).map(({ from, to, drops }, i) => ({
    ...common(drops, limit),
    direction: "from",
    nodes: [from, to],
    groups: [],
    text: `${view.name(from)} to ${view.name(to)} loses packets: ${dropsText(drops)}` +
      (i === MAX_PAIRS - 1 && more > 0 ? `; and ${counted(more, "more pair")} like it` : ""),
    regions: [{ from: [from], to: [to] }],
  }));
}

function nodeFinding(
  view: MeshView,
  { node, direction, drops }: LossyNode,
  limit: Limit,
): Finding {
  const where = direction === "both"
    ? "of handshakes to and from it, with peers of every zone"
    : direction === "from"
    ? "of its own handshakes, not of those to it"
    : "of the handshakes to it, not of its own";
  const cause = direction === "to"
    ? "its accept queue, a firewall, or its way in"
    : direction === "from"
    ? "its connection tracking, or its way out"
    : "its link, or its host";
  return {
    ...common(drops, limit),
    direction,
    nodes: [node],
    groups: [],
    text: `node ${view.name(node)} loses packets ${where}: ${dropsText(drops)}; look at ${cause}`,
    regions: regionsOf([node], direction),
  };
}

function blockFinding(
  view: MeshView,
  block: BlockDirection,
  sums: DropSums,
  limit: Limit,
): Finding {
  const regions = blockRegions(view, block);
  const drops = regions.map(({ from, to }) => sums.sum(from, to)).reduce(plus);
  return {
    ...common(drops, limit),
    direction: block.direction,
    ...blockParties(view, block),
    text: `packets are lost ${blockText(view, block)}, whichever nodes there: ` +
      dropsText(drops),
    regions,
  };
}

function common(
  drops: Drops,
  limit: Limit,
): Pick<Finding, "kind" | "severity" | "layer" | "evidence" | "weight"> {
  const { sent, lost, repeated, share } = drops;
  const evidence = { sent, lost, repeated_handshakes: repeated, share: roundedShare(share, 5) };
  return {
    kind: "loss",
    severity: share >= 0.5 ? "critical" : "warning",
    layer: "packet loss",
    evidence: { ...evidence, limit: roundedShare(limit.share, 5) },
    weight: share,
  };
}

function dropsText({ sent, lost, repeated, share }: Drops): string {
  const parts = [
    ...(lost > 0 || repeated === 0 ? [`${lost} lost`] : []),
    ...(repeated > 0 ? [`${counted(repeated, "handshake")} repeated`] : []),
  ];
  return `${parts.join(" and ")} of ${sent} (${percentInWords(share)})`;
}
