/**
 * Packets that did not come through, as handshakes show them: probes without any answer, and
 * handshakes whose SYN had to be sent again (which a client meets as a second of waiting). A handshake
 * counts once however often its SYN was sent, and what chance may do is reckoned in bursts: handshakes
 * that fail together, as all of a burst at a full accept queue, are no independent events.
 */
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
import { type Direction, type Finding, regionsOf } from "../../domain/finding.ts";
import { percentInWords, roundedShare } from "../../text/number.ts";
import type { Figure } from "../../domain/matrix.ts";
import type { MeshView } from "./mesh_view.ts";

/** Below this a mesh is as good as networks are. */
const USUAL_SHARE = 0.001;
const USUAL_QUANTILE = 0.25;
/** How many times the mesh's own share is too much: the paper's factor. */
const FACTOR = 2;
/** Less than this is not worth a message about a node or a block, and about a pair. */
const MIN_SHARE = 0.005;
const MIN_PAIR_SHARE = 0.02;
/** Without any one node a lossy block loses this much of what it loses with it, or it is that node. */
const EVEN_SHARE = 0.6;
/** The chance that a healthy node or block is accused, and any healthy pair of the mesh. */
const CHANCE = 1e-6;
const PAIRS_CHANCE = 1e-3;
/** Of fewer pairs with drops nobody can say whether these come in runs. */
const MIN_RUN_PAIRS = 4;
/** Five handshakes of a burst, each SYN sent again three times. */
const MAX_RUN = 15;
/** Runs may be so much longer than the mean one. */
const LONG_RUNS = 2;
/** More pairs than this are counted, not listed. */
export const MAX_PAIRS = 5;

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

/** Whether a pair is left out: another finding explains it. */
type Explained = (from: number, to: number) => boolean;

export function packetLoss(view: MeshView, explained: Explained): Finding[] {
  const all = new DropSums(view, explained);
  const shares = view.all().map((node) => all.sum([node], null).share);
  // The better nodes say what is usual: two zones that lose everything between them are half a mesh.
  const usual = quantile(shares.filter((share) => !Number.isNaN(share)), USUAL_QUANTILE);
  // Without any row that is no number, and there is nothing to judge either.
  const limit = Math.max(USUAL_SHARE, FACTOR * (usual || 0));
  // No single node makes a block, but a block makes its nodes look bad: blocks come first.
  const blocks = lossyBlocks(view, all, limit);
  const inBlock = new Set(blocks.flatMap(({ from, to, direction }) => [
    `${from} ${to}`,
    ...(direction === "both" ? [`${to} ${from}`] : []),
  ]));
  const byBlock: Explained = (from, to) =>
    explained(from, to) || inBlock.has(`${view.zoneOf[from]} ${view.zoneOf[to]}`);
  const nodes = lossyNodes(view, new DropSums(view, byBlock), limit);
  const [rows, columns] = (["from", "to"] as const).map((way) =>
    new Set(
      nodes.flatMap(({ node, direction }) =>
        direction === way || direction === "both" ? [node] : []
      ),
    )
  );
  const byNode: Explained = (from, to) => rows.has(from) || columns.has(to) || byBlock(from, to);
  return [
    ...nodes.map((found) => nodeFinding(view, found, limit)),
    ...blocks.map((block) => blockFinding(view, block, all, limit)),
    ...lossyPairs(view, new DropSums(view, byNode), limit),
  ];
}

/** Drops over sets of pairs, without those that are explained or were hardly probed. */
class DropSums {
  #view: MeshView;
  #explained: Explained;
  #run: number;
  #all: readonly number[];

  constructor(view: MeshView, explained: Explained) {
    this.#view = view;
    this.#explained = explained;
    this.#run = runOf(view);
    this.#all = view.all();
  }

  /** From each of these nodes to each of those; null for every node. */
  sum(from: readonly number[] | null, to: readonly number[] | null): Drops {
    let sum = NO_DROPS;
    for (const i of from ?? this.#all) {
      for (const j of to ?? this.#all) {
        if (!this.#view.probed(i, j) || this.#explained(i, j)) continue;
        sum = plus(sum, dropsOf(this.#view, i, j, this.#run));
      }
    }
    return sum;
  }
}

interface LossyNode {
  readonly node: number;
  readonly direction: Direction;
  readonly drops: Drops;
}

function lossyNodes(view: MeshView, sums: DropSums, limit: number): LossyNode[] {
  return view.all().flatMap((node): LossyNode[] => {
    const out = lossyDirection(view, (others) => sums.sum([node], others), limit);
    const back = lossyDirection(view, (others) => sums.sum(others, [node]), limit);
    if (out !== null && back !== null) return [{ node, direction: "both", drops: plus(out, back) }];
    if (out !== null) return [{ node, direction: "from", drops: out }];
    return back === null ? [] : [{ node, direction: "to", drops: back }];
  });
}

/** A row's or column's drops where they are too much, and not only with one zone or few peers. */
function lossyDirection(
  view: MeshView,
  sumWith: (others: readonly number[] | null) => Drops,
  limit: number,
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

/** Of one pair; `run` is how many drops of an old node's row are one event. */
function dropsOf(view: MeshView, from: number, to: number, run: number): Drops {
  const count = (figure: Figure) => view.count(figure, from, to);
  const [sent, lost, bursts] = [count("sent"), count("lost"), count("bursts")];
  const isOld = bursts === 0;
  // No more handshakes can have been repeated than were answered.
  const repeated = Math.min(count(isOld ? "retransmits" : "repeated"), sent - lost);
  const trials = isOld ? sent / run : bursts;
  const events = isOld ? (lost + repeated) / run : count("burstsWithDrops");
  const drawn = isOld ? trials : sent;
  return { sent, lost, repeated, trials, events, drawn, share: (lost + repeated) / sent };
}

/**
 * How many drops are one event where bursts were not counted: twice as many as a pair has that has any,
 * up to a burst's. In a mesh where few have any, each counts for itself.
 */
function runOf(view: MeshView): number {
  const counts: number[] = [];
  for (const from of view.all()) {
    for (const to of view.all()) {
      const known = view.probed(from, to) && view.count("bursts", from, to) === 0;
      const { lost, repeated } = known ? dropsOf(view, from, to, 1) : NO_DROPS;
      if (lost + repeated > 0) counts.push(lost + repeated);
    }
  }
  if (counts.length < MIN_RUN_PAIRS) return 1;
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return Math.min(MAX_RUN, LONG_RUNS * mean);
}

/** Whether so many events are more than chance makes where `limit` is the share of drops that may be. */
function tooMuch(drops: Drops, limit: number, least: number, chance: number): boolean {
  const { trials, events, drawn, share } = drops;
  if (!(share >= least)) return false;
  const eventLimit = 1 - (1 - limit) ** (drawn / trials);
  return upperTail(Math.floor(events), Math.floor(trials), eventLimit) < chance;
}

/** Blocks that lose too much, also without any one of their nodes: none is to blame. */
function lossyBlocks(view: MeshView, sums: DropSums, limit: number): BlockDirection[] {
  if (view.zones.length < 2) return [];
  return blockDirections(view, (fromZone, toZone) => {
    const [from, to] = [view.zones[fromZone].nodes, view.zones[toZone].nodes];
    const whole = sums.sum(from, to);
    if (!tooMuch(whole, limit, MIN_SHARE, CHANCE)) return 0;
    // A zone of one node cannot be told from its node.
    if (from.length < 2 || to.length < 2) return 0;
    const without = [...new Set([...from, ...to])].map((node) => {
      const row = from.includes(node) ? sums.sum([node], to) : NO_DROPS;
      const column = to.includes(node) ? sums.sum(from, [node]) : NO_DROPS;
      const drops = (of: Drops) => of.lost + of.repeated;
      return (drops(whole) - drops(row) - drops(column)) / (whole.sent - row.sent - column.sent);
    });
    return Math.min(...without) >= EVEN_SHARE * whole.share ? whole.share : 0;
  });
}

function lossyPairs(view: MeshView, sums: DropSums, limit: number): Finding[] {
  const pairs = view.all().flatMap((from) =>
    view.all().map((to) => ({ from, to, drops: sums.sum([from], [to]) }))
      .filter(({ drops }) => drops.sent > 0)
  );
  const chance = PAIRS_CHANCE / Math.max(1, pairs.length);
  const found = pairs.filter(({ drops }) => tooMuch(drops, limit, MIN_PAIR_SHARE, chance))
    .sort((a, b) => b.drops.share - a.drops.share);
  const more = found.length - MAX_PAIRS;
  return found.slice(0, MAX_PAIRS).map(({ from, to, drops }, i) => ({
    ...common(drops, limit),
    direction: "from",
    nodes: [from, to],
    groups: [],
    text: `${view.name(from)} to ${view.name(to)} loses packets: ${dropsText(drops)}` +
      (i === MAX_PAIRS - 1 && more > 0 ? `; and ${more} more pairs like it` : ""),
    regions: [{ from: [from], to: [to] }],
  }));
}

function nodeFinding(
  view: MeshView,
  { node, direction, drops }: LossyNode,
  limit: number,
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
  limit: number,
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
  limit: number,
): Pick<Finding, "kind" | "severity" | "layer" | "evidence" | "weight"> {
  const { sent, lost, repeated, share } = drops;
  const evidence = { sent, lost, repeated_handshakes: repeated, share: roundedShare(share, 5) };
  return {
    kind: "loss",
    severity: share >= 0.5 ? "critical" : "warning",
    layer: "packet loss",
    evidence: { ...evidence, limit: roundedShare(limit, 5) },
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
