/** What is not the data plane: flow set-up, the prober's own CPU, ICMP's second class. */
import type { Steps } from "../../time/slices.ts";
import { median } from "../../stats/quantile.ts";
import type { Quantiles } from "../../domain/mesh_row.ts";
import { type Direction, type Finding, regionsOf } from "../../domain/finding.ts";
import { millisOf, millisWithUnit } from "../../text/number.ts";
import type { Latency } from "./latency.ts";
import { blockDirections, blockParties, blockRegions, Blocks, blockText } from "./blocks.ts";
import { type MeshView, MIN_PAIRS, nodeMedians, type PairFigure } from "./mesh_view.ts";
import { type Outlier, outliersOf, SPREADS } from "./outliers.ts";

const MIN_EXCESS_US = 100;
/**
 * Flow set-up that costs a whole mesh this much, and as much as a steady handshake, is a finding.
 */
const MIN_MESH_COLD_US = 1000;
/** A prober's own share of the connect time: against the others', and in itself. */
const MIN_BUSY_P50_US = 500;
const MIN_BUSY_P99_US = 3000;
const BUSY_P50_FACTOR = 2;
const BUSY_P99_FACTOR = 3;
/** This much is too much, even where all nodes are alike. */
const BUSY_ANYWAY_US = 5000;
const MIN_BUSY_SAMPLES = 30;
/** With fewer samples, a single late one is the p99, such as the first one of a program. */
const MIN_BUSY_P99_SAMPLES = 200;
/** ICMP against TCP on the same pair. */
const ICMP_FACTOR = 2;
const MIN_ICMP_US = 100;
const MIN_ICMP_SENT = 5;
const ICMP_LOST_SHARE = 0.5;
const ICMP_PAIR_SHARE = 0.5;

/** Cold handshakes are slow where steady ones are not: what sets flows up, not what carries them. */
export function* coldStarts(view: MeshView, latency: Latency): Steps<Finding[]> {
  const { slow, usual, changed } = latency;
  const known = (figure: PairFigure) => (from: number, to: number) =>
    slow.has(from) || slow.has(to) || changed.has(from, to) ? NaN : figure(from, to);
  const ofWindow = known((from, to) => view.coldExcess(from, to));
  // A window's median follows when half of the window is over; many pairs' last two bursts tell it before.
  const ofBursts = known((from, to) => view.coldExcessNow(from, to));
  const window = yield* coldNodes(view, latency, ofWindow);
  const bursts = yield* coldNodes(view, latency, ofBursts);
  const nodes = bothReadings(window.nodes, bursts.nodes, ({ node }) => node);
  // In a small zone one node's pairs are most of the block's.
  const cold = new Set(nodes.map(({ node }) => node));
  const isCold = (node: number) => cold.has(node);
  const blocks = bothReadings(
    coldBlocks(view, yield* Blocks.steps(view, ofWindow, isCold), usual),
    coldBlocks(view, yield* Blocks.steps(view, ofBursts, isCold), usual),
    ({ groups }) => groups.toSorted().join(),
  );
  const ofMesh = [window, bursts].map((reading) => reading.typicalUs).filter((us) => us >= 0);
  return [
    ...nodes.map((found) => coldNode(view, found)),
    ...blocks,
    ...coldMesh(Math.max(0, ...ofMesh), median(usual.all())),
  ];
}

/** What either of two readings shows; of one that both show, the one in both directions. */
function bothReadings<T extends { readonly direction: Direction }>(
  ofWindow: readonly T[],
  ofBursts: readonly T[],
  key: (of: T) => unknown,
): T[] {
  const found = new Map(ofWindow.map((one) => [key(one), one]));
  for (const one of ofBursts) {
    if (one.direction === "both" || !found.has(key(one))) found.set(key(one), one);
  }
  return [...found.values()];
}

interface ColdNode extends Outlier {
  /** What flow set-up takes elsewhere, in µs, by the same reading. */
  readonly usualUs: number;
}

/** Nodes whose flow set-up stands out, by what cold handshakes take more than steady ones; and what is typical. */
function* coldNodes(
  view: MeshView,
  { nearby }: Latency,
  excess: PairFigure,
): Steps<{ readonly nodes: readonly ColdNode[]; readonly typicalUs: number }> {
  const blocks = yield* Blocks.steps(view, excess);
  const typicalUs = median(blocks.all());
  const above = (from: number, to: number) => excess(from, to) - blocks.usual(from, to);
  // Twice the usual cold handshake, which is a usual steady one and the usual flow set-up.
  const threshold = (node: number) =>
    Math.max(MIN_EXCESS_US, nearby(node) + Math.max(0, typicalUs));
  const medians = yield* nodeMedians(view, above, MIN_PAIRS);
  const usualUs = Math.max(0, typicalUs);
  const nodes = outliersOf(medians, threshold, SPREADS).map((found) => ({ ...found, usualUs }));
  return { nodes, typicalUs };
}

function coldNode(view: MeshView, found: ColdNode): Finding {
  const { node, direction, excessUs, usualUs } = found;
  const which = direction === "from"
    ? "its own first handshakes"
    : direction === "to"
    ? "first handshakes to it"
    : "first handshakes to and from it";
  return {
    kind: "cold",
    severity: "warning",
    layer: "flow set-up",
    direction,
    nodes: [node],
    groups: [],
    evidence: { cold_excess_ms: millisOf(excessUs), usual_set_up_ms: millisOf(usualUs) },
    text:
      `node ${view.name(node)}: ${which} of a flow take ${
        millisWithUnit(excessUs)
      } longer than other ` +
      `nodes' while steady ones are normal: flow set-up on its host, not the data plane`,
    regions: regionsOf([node], direction),
    weight: excessUs,
  };
}

/** Blocks whose flow set-up stands out from that of the other blocks. */
function coldBlocks(view: MeshView, cold: Blocks, usual: Blocks): Finding[] {
  const typical = Math.max(0, median(cold.all()));
  if (cold.all().length < 3) return [];
  const excessOf = (from: number, to: number) => {
    const excess = cold.of(from, to) - typical;
    return excess >= Math.max(MIN_EXCESS_US, usual.of(from, to) + typical) ? excess : 0;
  };
  return blockDirections(view, excessOf).map((block) => {
    const excessUs = excessOf(block.from, block.to);
    return {
      kind: "cold",
      severity: "warning",
      layer: "flow set-up",
      direction: block.direction,
      ...blockParties(view, block),
      evidence: { cold_excess_ms: millisOf(excessUs), usual_set_up_ms: millisOf(typical) },
      text:
        `first handshakes of a flow ${blockText(view, block)} take ${
          millisWithUnit(excessUs)
        } longer ` +
        "than elsewhere while steady ones are normal: flow set-up there (a gateway, a firewall), " +
        "not the data plane",
      regions: blockRegions(view, block),
      weight: excessUs,
    };
  });
}

function coldMesh(typicalUs: number, steadyUs: number): Finding[] {
  if (!(typicalUs >= Math.max(MIN_MESH_COLD_US, steadyUs))) return [];
  return [{
    kind: "cold",
    severity: "warning",
    layer: "flow set-up",
    direction: "both",
    nodes: [],
    groups: [],
    evidence: { set_up_ms: millisOf(typicalUs), steady_ms: millisOf(steadyUs) },
    text:
      `the first handshake of a flow takes ${millisWithUnit(typicalUs)} longer than later ones ` +
      `(${
        millisWithUnit(steadyUs)
      }) all over the mesh: flow set-up, which clients that connect anew ` +
      "each time pay in full",
    regions: [],
    weight: typicalUs,
  }];
}

/** Connect times far above the kernel's: a prober that is not scheduled in time. */
export function busyProbers(view: MeshView): Finding[] {
  const own = view.all().map((node) => {
    const row = view.matrix.row(node);
    const known = row.kind === "fresh" ? row.connectExcess : null;
    return known !== null && known.count >= MIN_BUSY_SAMPLES ? known : null;
  });
  const known = own.filter((excess) => excess !== null);
  const usual = {
    p50Us: median(known.map(({ p50Us }) => p50Us)),
    p99Us: median(known.map(({ p99Us }) => p99Us)),
  };
  return own.flatMap((excess, node): Finding[] => {
    if (excess === null || view.gone.has(node) || !isBusy(excess, usual)) return [];
    const row = view.matrix.row(node);
    const lagUs = row.kind === "missing" ? null : row.lagP99Us;
    return [{
      kind: "busy-prober",
      severity: "warning",
      layer: "prober's CPU",
      direction: "from",
      nodes: [node],
      groups: [],
      evidence: {
        connect_excess_p50_ms: millisOf(excess.p50Us),
        connect_excess_p99_ms: millisOf(excess.p99Us),
        usual_p50_ms: millisOf(usual.p50Us),
        usual_p99_ms: millisOf(usual.p99Us),
        ...(lagUs === null ? {} : { lag_p99_ms: millisOf(lagUs) }),
      },
      text:
        `node ${view.name(node)} is short of CPU: its connects take ${
          millisWithUnit(excess.p50Us)
        } ` +
        `(p99 ${millisWithUnit(excess.p99Us)}) more than the kernel's round trips, where ` +
        `${millisWithUnit(usual.p50Us)} (p99 ${millisWithUnit(usual.p99Us)}) is usual` +
        (lagUs === null ? "" : `, and its probes leave ${millisWithUnit(lagUs)} late (p99)`) +
        "; the network is not to blame",
      regions: regionsOf([node], "from"),
      weight: excess.p99Us,
    }];
  });
}

function isBusy(excess: Quantiles, usual: Omit<Quantiles, "count">): boolean {
  const above = (own: number, others: number, factor: number, least: number) =>
    own >= factor * others && own - others >= least;
  return excess.p50Us >= BUSY_ANYWAY_US ||
    above(excess.p50Us, usual.p50Us, BUSY_P50_FACTOR, MIN_BUSY_P50_US) ||
    excess.count >= MIN_BUSY_P99_SAMPLES &&
      above(excess.p99Us, usual.p99Us, BUSY_P99_FACTOR, MIN_BUSY_P99_US);
}

/** Pairs where ping and TCP differ: echoes are slow or lost, and handshakes are not. */
export function* icmpApart(view: MeshView, { slow, changed }: Latency): Steps<Finding[]> {
  const apart = (from: number, to: number) => {
    if (slow.has(from) || slow.has(to) || changed.has(from, to)) return NaN;
    const sent = view.probed(from, to) ? view.matrix.figure("icmpSent", from, to) : 0;
    const rttUs = view.steady(from, to);
    if (!(sent >= MIN_ICMP_SENT) || Number.isNaN(rttUs)) return NaN;
    if (view.matrix.figure("icmpLost", from, to) >= ICMP_LOST_SHARE * sent) return 1;
    const icmpUs = view.matrix.figure("icmpP50", from, to);
    return icmpUs >= ICMP_FACTOR * rttUs && icmpUs - rttUs >= MIN_ICMP_US ? 1 : 0;
  };
  const shareOf = (values: readonly number[], least: number) => {
    const known = values.filter((value) => !Number.isNaN(value));
    return known.length < least ? 0 : known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  const nodes = view.all();
  const [rows, columns]: [number[], number[]] = [[], []];
  for (const node of nodes) {
    yield;
    rows.push(shareOf(nodes.map((to) => apart(node, to)), MIN_PAIRS));
    columns.push(shareOf(nodes.map((from) => apart(from, node)), MIN_PAIRS));
  }
  const high = (share: number) => share > ICMP_PAIR_SHARE;
  if (columns.filter(high).length > nodes.length / 2) {
    return [icmpFinding([], "both", "all over the mesh ICMP is")];
  }
  return nodes.flatMap((node) => {
    if (!high(columns[node]) && !high(rows[node])) return [];
    const direction = !high(rows[node]) ? "to" : !high(columns[node]) ? "from" : "both";
    return [icmpFinding([node], direction, `node ${view.name(node)}'s ICMP is`)];
  });
}

function icmpFinding(nodes: readonly number[], direction: Direction, who: string): Finding {
  return {
    kind: "icmp",
    severity: "notice",
    layer: "ICMP",
    direction,
    nodes,
    groups: [],
    evidence: {},
    text:
      `${who} slow or lost while TCP handshakes on the same pairs are not: ping does not tell ` +
      "the truth there",
    regions: nodes.length === 0 ? [] : regionsOf(nodes, direction),
    weight: 1,
  };
}
