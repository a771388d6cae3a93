/**
 * A matrix as triage sees it: which cells count, which zones there are, and which nodes are beyond
 * reach.
 */
import type { Steps } from "../../time/slices.ts";
import type { Figure, Matrix, PairState } from "../../domain/matrix.ts";
import { MAX_WEIGHT, RECENT_BURSTS } from "../../domain/matrix.ts";
import type { Finding, Region } from "../../domain/finding.ts";
import { median, medianWithin } from "../../stats/quantile.ts";

/** Fewer samples say little about a pair. */
const MIN_SAMPLES = 10;
const MIN_COLD_SAMPLES = 3;
const MIN_SENT = 5;

/** The first is what a table of zeros says. */
const STATES: readonly PairState[] = ["unmeasured", "established", "refused", "silent"];

/** Figures that the rules ask for of each pair, again and again. */
type ManyRead = "sent" | "rttP99" | "usual" | "coldCount" | "coldP50" | "recentLeastCold";

/** The label that tells how far nodes are apart. */
const ZONE_KEY = "az";

export class MeshView {
  readonly matrix: Matrix;
  readonly size: number;
  readonly zoneKey: string;
  /** Each zone's value and its nodes. */
  readonly zones: readonly { readonly name: string; readonly nodes: readonly number[] }[];
  readonly zoneOf: readonly number[];
  /** Nodes that nothing is said of any more: they are beyond reach. */
  gone: ReadonlySet<number> = new Set();
  /** The most probes that a pair counts for. */
  #mostSent: number;
  /** Of each pair, row by row: whether it is judged by its window, and its state as an index of STATES. */
  #probed: Uint8Array;
  #states: Uint8Array;
  /** Median steady RTTs of the window and of the last two bursts; NaN where they are not known. */
  #steady: Float32Array;
  #now: Float32Array;
  readonly #nodes: readonly number[];
  /** The matrix's own. */
  readonly #cells: Readonly<Record<ManyRead, ArrayLike<number>>>;

  private constructor(matrix: Matrix) {
    this.matrix = matrix;
    this.size = matrix.size;
    this.#nodes = Array.from({ length: matrix.size }, (_, i) => i);
    this.#mostSent = MAX_WEIGHT * median(sentOf(matrix));
    this.#probed = new Uint8Array(matrix.size ** 2);
    this.#states = new Uint8Array(matrix.size ** 2);
    this.#steady = new Float32Array(matrix.size ** 2).fill(NaN);
    this.#now = new Float32Array(matrix.size ** 2).fill(NaN);
    this.#cells = {
      sent: matrix.cells("sent"),
      rttP99: matrix.cells("rttP99"),
      usual: matrix.cells("usual"),
      coldCount: matrix.cells("coldCount"),
      coldP50: matrix.cells("coldP50"),
      recentLeastCold: matrix.cells("recentLeastCold"),
    };
    const values = (key: string) => matrix.nodes.map(({ labels }) => labels.get(key) ?? "");
    // Zones where there are any, else the groups as they are drawn.
    this.zoneKey = new Set(values(ZONE_KEY)).size > 1 ? ZONE_KEY : matrix.key;
    const zoned = values(this.zoneKey);
    const names = [...new Set(zoned)];
    this.zones = names.map((name) => ({
      name,
      nodes: zoned.flatMap((value, i) => value === name ? [i] : []),
    }));
    this.zoneOf = zoned.map((name) => names.indexOf(name));
  }

  static *steps(matrix: Matrix): Steps<MeshView> {
    const view = new MeshView(matrix);
    for (const from of view.all()) {
      yield;
      if (view.fresh(from)) view.#readRow(from);
    }
    return view;
  }

  /** Whether there is a row whose figures are of the last window. */
  fresh(node: number): boolean {
    return this.matrix.row(node).kind === "fresh";
  }

  #readRow(from: number): void {
    for (const to of this.#nodes) {
      if (from === to) continue;
      const at = from * this.size + to;
      const probed = this.#cells.sent[at] >= MIN_SENT;
      const enough = this.matrix.figure("recentBursts", from, to) >= RECENT_BURSTS;
      this.#probed[at] = Number(probed);
      if (probed || enough) this.#states[at] = STATES.indexOf(this.matrix.state(from, to));
      if (!probed) continue;
      if (enough) this.#now[at] = this.matrix.figure("recentP50", from, to);
      if (this.matrix.figure("rttCount", from, to) < MIN_SAMPLES) continue;
      this.#steady[at] = this.matrix.figure("rttP50", from, to);
    }
  }

  /** Whether a pair was probed often enough to be judged, between nodes that are there. */
  probed(from: number, to: number): boolean {
    return this.#probed[from * this.size + to] !== 0;
  }

  /** How a pair is now; "unmeasured" where there is too little to judge. */
  state(from: number, to: number): PairState {
    return STATES[this.#states[from * this.size + to]];
  }

  /** Whether a handshake of the last two bursts was lost or refused; of the window where those are not known. */
  recently(what: "lost" | "refused", from: number, to: number): boolean {
    if (this.state(from, to) === "unmeasured") return false;
    const recent = this.matrix.figure(
      what === "lost" ? "recentLost" : "recentRefused",
      from,
      to,
    );
    return (Number.isNaN(recent) ? this.matrix.figure(what, from, to) : recent) > 0;
  }

  /** Whether all handshakes of the last two bursts were accepted. */
  well(from: number, to: number): boolean {
    return this.state(from, to) === "established" && !this.recently("lost", from, to) &&
      !this.recently("refused", from, to);
  }

  /** A count of a pair's window, within the bound on a pair's weight; 0 where it is not known. */
  count(figure: Figure, from: number, to: number): number {
    const share = Math.min(1, this.#mostSent / this.#cells.sent[from * this.size + to]);
    const count = this.matrix.figure(figure, from, to);
    return Number.isNaN(count) ? 0 : share === 1 ? count : Math.round(count * share);
  }

  /** Leaves a node out from now on, with its row and its column. */
  leaveOut(node: number): void {
    this.gone = new Set([...this.gone, node]);
    const tables: readonly (readonly [cells: Uint8Array | Float32Array, nothing: number])[] = [
      [this.#probed, 0],
      [this.#states, 0],
      [this.#steady, NaN],
      [this.#now, NaN],
    ];
    for (const [cells, nothing] of tables) {
      cells.fill(nothing, node * this.size, (node + 1) * this.size);
      for (let at = node; at < cells.length; at += this.size) cells[at] = nothing;
    }
  }

  /** Median steady RTT in µs; NaN where there are too few samples. */
  steady(from: number, to: number): number {
    return this.#steady[from * this.size + to];
  }

  /** The 99th percentile of the same. */
  steadyP99(from: number, to: number): number {
    const at = from * this.size + to;
    return Number.isNaN(this.#steady[at]) ? NaN : this.#cells.rttP99[at];
  }

  /** Median steady RTT of the last two bursts in µs, which one late burst does not raise; NaN where it is not known. */
  now(from: number, to: number): number {
    return this.#now[from * this.size + to];
  }

  /** What is usual for a pair by its last day or minutes; by its window where that is not known. */
  before(from: number, to: number): number {
    const at = from * this.size + to;
    const usual = this.#cells.usual[at];
    return Number.isNaN(usual) ? this.#steady[at] : usual;
  }

  /** How much longer a cold handshake takes than a steady one, in µs. */
  coldExcess(from: number, to: number): number {
    const at = from * this.size + to;
    const enough = this.#cells.coldCount[at] >= MIN_COLD_SAMPLES;
    return enough ? this.#cells.coldP50[at] - this.#steady[at] : NaN;
  }

  /** The same of the last two bursts: their lower cold handshake, against what a steady one takes now. */
  coldExcessNow(from: number, to: number): number {
    const at = from * this.size + to;
    return this.#cells.recentLeastCold[at] - Math.max(this.#steady[at], this.#now[at]);
  }

  name(node: number): string {
    return this.matrix.nodes[node].name;
  }

  names(nodes: readonly number[]): string[] {
    return nodes.map((node) => this.name(node));
  }

  /** `az=b`. */
  zoneText(zone: number): string {
    const { name } = this.zones[zone];
    return `${this.zoneKey}=${name === "" ? "(none)" : name}`;
  }

  /** All nodes' indexes. */
  all(): readonly number[] {
    return this.#nodes;
  }
}

/** How often each pair was probed that was. */
function sentOf(matrix: Matrix): number[] {
  const counts: number[] = [];
  for (let from = 0; from < matrix.size; from++) {
    for (let to = 0; to < matrix.size; to++) {
      const sent = matrix.figure("sent", from, to);
      if (sent > 0) counts.push(sent);
    }
  }
  return counts;
}

/** A set of pairs, such as those that some finding explains. */
export class PairSet {
  #size: number;
  #cells: Uint8Array;

  /** The cells of these regions. */
  constructor(size: number, regions: readonly Region[] = []) {
    this.#size = size;
    this.#cells = new Uint8Array(size * size);
    for (const region of regions) this.add(region);
  }

  has(from: number, to: number): boolean {
    return this.#cells[from * this.#size + to] !== 0;
  }

  add({ from, to }: Region): void {
    const all = from === null || to === null
      ? Array.from({ length: this.#size }, (_, node) => node)
      : [];
    for (const i of from ?? all) {
      for (const j of to ?? all) this.#cells[i * this.#size + j] = 1;
    }
  }

  /** These and the cells of the findings too. */
  with(findings: readonly Pick<Finding, "regions">[]): PairSet {
    const more = new PairSet(this.#size, findings.flatMap(({ regions }) => regions));
    this.#cells.forEach((cell, at) => more.#cells[at] |= cell);
    return more;
  }
}

/** A row or column of fewer pairs tells nothing of its node. */
export const MIN_PAIRS = 3;

/** A figure of each pair, NaN for none. */
export type PairFigure = (from: number, to: number) => number;

/** The medians of each node's row and column of a figure, NaN for one of less than `least` pairs. */
export interface NodeMedians {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

/** Each pair's figure is asked for once, which for 200 nodes is 40,000 times. */
export function* nodeMedians(
  { size }: MeshView,
  figure: PairFigure,
  least: number,
): Steps<NodeMedians> {
  const table = new Float64Array(size * size);
  const values = new Float64Array(size);
  const of = (first: number, step: number) => {
    let known = 0;
    for (let i = 0, at = first; i < size; i++, at += step) {
      if (!Number.isNaN(table[at])) values[known++] = table[at];
    }
    return known < least ? NaN : medianWithin(values.subarray(0, known));
  };
  const [rows, columns]: [number[], number[]] = [[], []];
  for (let from = 0; from < size; from++) {
    yield;
    for (let to = 0; to < size; to++) table[from * size + to] = figure(from, to);
    rows.push(of(from * size, 1));
  }
  for (let to = 0; to < size; to++) {
    yield;
    columns.push(of(to, size));
  }
  return { rows, columns };
}
