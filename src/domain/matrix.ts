/** Rows gathered from a mesh as an N×N matrix: what each node measured of each other one. */
import type { Arrangement, Group, MeshNode } from "./mesh_node.ts";
import type { HostPressure } from "./host_pressure.ts";
import type { MeshRow, PeerFigures, Quantiles, RecentFigures } from "./mesh_row.ts";

/** Bound on the nodes of a matrix: a larger one fits neither a screen nor a small machine's memory. */
export const MAX_MATRIX_NODES = 2000;

/** What a cell holds: counts, times in µs, and an age in ms. */
export const FIGURES = [
  "sent",
  "answered",
  "lost",
  "refused",
  "retransmits",
  "repeated",
  "bursts",
  "burstsWithDrops",
  "recentBursts",
  "recentAnswered",
  "recentLost",
  "recentRefused",
  "recentP50",
  "recentLeastCold",
  "establishedAge",
  "left",
  "dayWindows",
  "dayMet",
  "daySent",
  "dayEstablished",
  "usual",
  "rttCount",
  "rttP50",
  "rttP99",
  "coldCount",
  "coldP50",
  "coldP99",
  "connectP50",
  "connectP99",
  "icmpSent",
  "icmpLost",
  "icmpP50",
] as const;
export type Figure = typeof FIGURES[number];

/** Whether a node's row was received, and how old it is. */
export type RowState =
  | { readonly kind: "missing"; readonly reason: string }
  | {
    /** Stale: its newest figures are older than one window. */
    readonly kind: "fresh" | "stale";
    readonly ageMs: number;
    readonly windowMs: number;
    readonly lagP99Us: number | null;
    readonly connectExcess: Quantiles | null;
    readonly pressure: HostPressure | null;
    /** Peers that are no nodes of this mesh. */
    readonly strangers: number;
  };

/** A pair counts for no more than so many times what is usual: no row outweighs the others. */
export const MAX_WEIGHT = 4;

/** Whether handshakes are answered: by a listener, by a refusal alone, or not at all. */
export type PairState = "unmeasured" | "established" | "refused" | "silent";

/** How many bursts tell the state of a pair now. */
export const RECENT_BURSTS = 2;

/**
 * A pair is slow at twice the usual delay (the factor of Pingmesh), if the difference is at least
 * the minimum below.
 */
export const FACTOR = 2;
export const MIN_EXCESS_US = 100;

/** What was measured of each ordered pair of nodes. */
export abstract class PairFigures {
  /** How many nodes there are. */
  abstract get size(): number;

  /** What a node measured of another; NaN where it measured nothing. */
  abstract figure(figure: Figure, from: number, to: number): number;

  /** Whether a node sent the other one any probe. */
  probed(from: number, to: number): boolean {
    return this.figure("sent", from, to) > 0;
  }

  /**
   * Median steady RTT in µs: that of the last two bursts where it contradicts the window's, else
   * the window's.
   */
  currentP50(from: number, to: number): number {
    return this.figure(this.contradicted(from, to) ? "recentP50" : "rttP50", from, to);
  }

  /** Whether the median of the last two bursts contradicts the window's. */
  contradicted(from: number, to: number): boolean {
    if (!(this.figure("recentBursts", from, to) >= RECENT_BURSTS)) return false;
    const [window, now] = [this.figure("rttP50", from, to), this.figure("recentP50", from, to)];
    const [low, high] = [Math.min(window, now), Math.max(window, now)];
    return high >= FACTOR * low && high - low >= MIN_EXCESS_US;
  }

  /** The state of a pair by its last two bursts, or by its window where those are not known. */
  state(from: number, to: number): PairState {
    if (!this.probed(from, to)) return "unmeasured";
    const recent = this.figure("recentBursts", from, to) >= RECENT_BURSTS;
    const answered = this.figure(recent ? "recentAnswered" : "answered", from, to);
    const refused = this.figure(recent ? "recentRefused" : "refused", from, to);
    return answered === 0 ? "silent" : refused === answered ? "refused" : "established";
  }
}

const NOT_ASKED: RowState = { kind: "missing", reason: "not asked for" };

export class Matrix extends PairFigures {
  readonly nodes: readonly MeshNode[];
  readonly groups: readonly Group[];
  /** The label that the groups are made by. */
  readonly key: string;
  #indexes: Map<string, number>;
  #groupIndexes: Uint16Array;
  #rows: RowState[];
  #cells: Readonly<Record<Figure, Float32Array>>;

  constructor({ nodes, groups, key }: Arrangement) {
    super();
    if (nodes.length > MAX_MATRIX_NODES) {
      throw new RangeError(`a matrix of more than ${MAX_MATRIX_NODES} nodes`);
    }
    this.nodes = nodes;
    this.groups = groups;
    this.key = key;
    this.#indexes = new Map(nodes.map(({ name }, i) => [name, i]));
    this.#groupIndexes = new Uint16Array(nodes.length);
    groups.forEach(({ from, to }, group) => this.#groupIndexes.fill(group, from, to));
    this.#rows = nodes.map(() => NOT_ASKED);
    // Whole µs are exact in 24 bits up to 16 s; in objects a large mesh would take gigabytes.
    const cells = () => new Float32Array(nodes.length ** 2).fill(NaN);
    this.#cells = Object.fromEntries(FIGURES.map((figure) => [figure, cells()])) as Record<
      Figure,
      Float32Array
    >;
  }

  override get size(): number {
    return this.nodes.length;
  }

  /** The index of a node, or -1. */
  indexOf(name: string): number {
    return this.#indexes.get(name) ?? -1;
  }

  /** The group's index of a node. */
  groupOf(node: number): number {
    return this.#groupIndexes[node];
  }

  row(node: number): RowState {
    return this.#rows[node];
  }

  override figure(figure: Figure, from: number, to: number): number {
    return this.#cells[figure][from * this.nodes.length + to];
  }

  /** A figure of all pairs, row by row; NaN for none. For who reads many of them: a name is looked up once. */
  cells(figure: Figure): ArrayLike<number> {
    return this.#cells[figure];
  }

  /** Whether any node's row has the figure. */
  has(figure: Figure): boolean {
    return this.#cells[figure].some((value) => !Number.isNaN(value));
  }

  /** Whether a node said that it leaves: half of those that have a row of it know, and its own row is gone. */
  left(node: number): boolean {
    if (this.#rows[node].kind === "fresh") return false;
    let [told, rows] = [0, 0];
    for (let from = 0; from < this.size; from++) {
      if (this.#rows[from].kind !== "fresh" || !this.probed(from, node)) continue;
      rows++;
      if (this.figure("left", from, node) === 1) told++;
    }
    return told > 0 && told >= rows / 2;
  }

  /** The same figures and rows in another arrangement of these nodes, to which others may be added. */
  rearranged(arrangement: Arrangement): Matrix {
    const other = new Matrix(arrangement);
    const at = other.nodes.map(({ name }) => this.indexOf(name));
    for (const figure of FIGURES) {
      const [from, to] = [this.#cells[figure], other.#cells[figure]];
      for (const [i, oldI] of at.entries()) {
        if (oldI < 0) continue;
        for (const [j, oldJ] of at.entries()) {
          if (oldJ >= 0) to[i * at.length + j] = from[oldI * this.size + oldJ];
        }
      }
    }
    other.#rows = at.map((old) => old < 0 ? NOT_ASKED : this.#rows[old]);
    return other;
  }

  /** Adds what a node measured of a peer that was no node of the mesh when its row was put. */
  fill(from: number, figures: PeerFigures): void {
    const to = this.indexOf(figures.peer);
    if (to >= 0) this.#fill(from * this.nodes.length + to, figures);
  }

  /** Takes a node's row, whose newest figures are `ageMs` old; the node must be one of the mesh. */
  put(row: MeshRow, ageMs: number): void {
    const from = this.indexOf(row.node);
    if (from < 0) throw new RangeError(`${row.node} is no node of this mesh`);
    let strangers = 0;
    for (const figures of row.peers) {
      const to = this.indexOf(figures.peer);
      if (to < 0) strangers++;
      else this.#fill(from * this.nodes.length + to, figures);
    }
    const { windowMs, lagP99Us, connectExcess, pressure } = row;
    const kind = ageMs > windowMs ? "stale" : "fresh";
    this.#rows[from] = { kind, ageMs, windowMs, lagP99Us, connectExcess, pressure, strangers };
  }

  /** Notes why a node's row is missing. */
  miss(node: number, reason: string): void {
    this.#rows[node] = { kind: "missing", reason };
  }

  #fill(at: number, figures: PeerFigures): void {
    const { recent, day, rtt, cold, connect, icmp } = figures;
    // Each by its name: a mesh has a million of them, and a name that varies is looked up each time.
    const cells = this.#cells;
    cells.sent[at] = figures.sent;
    cells.answered[at] = figures.answered;
    cells.lost[at] = figures.lost;
    cells.refused[at] = figures.refused;
    cells.retransmits[at] = figures.synRetransmits ?? NaN;
    cells.repeated[at] = figures.repeated ?? NaN;
    cells.bursts[at] = figures.bursts ?? NaN;
    cells.burstsWithDrops[at] = figures.burstsWithDrops ?? NaN;
    cells.recentBursts[at] = recent?.bursts ?? NaN;
    cells.recentAnswered[at] = recent?.answered ?? NaN;
    cells.recentLost[at] = lostOf(recent) ?? NaN;
    cells.recentRefused[at] = recent?.refused ?? NaN;
    cells.recentP50[at] = recent?.p50Us ?? NaN;
    cells.recentLeastCold[at] = recent?.leastColdUs ?? NaN;
    cells.establishedAge[at] = figures.establishedAgeMs ?? NaN;
    cells.left[at] = figures.left ? 1 : NaN;
    cells.dayWindows[at] = day?.windows ?? NaN;
    cells.dayMet[at] = day?.met ?? NaN;
    cells.daySent[at] = day?.sent ?? NaN;
    cells.dayEstablished[at] = day?.established ?? NaN;
    cells.usual[at] = figures.usualUs ?? NaN;
    cells.rttCount[at] = rtt?.count ?? NaN;
    cells.rttP50[at] = rtt?.p50Us ?? NaN;
    cells.rttP99[at] = rtt?.p99Us ?? NaN;
    cells.coldCount[at] = cold?.count ?? NaN;
    cells.coldP50[at] = cold?.p50Us ?? NaN;
    cells.coldP99[at] = cold?.p99Us ?? NaN;
    cells.connectP50[at] = connect?.p50Us ?? NaN;
    cells.connectP99[at] = connect?.p99Us ?? NaN;
    cells.icmpSent[at] = icmp?.sent ?? NaN;
    cells.icmpLost[at] = icmp?.lost ?? NaN;
    cells.icmpP50[at] = icmp?.p50Us ?? NaN;
  }
}

/** Of the last two bursts; null where they are not known. */
function lostOf(recent: RecentFigures | null): number | null {
  return recent === null ? null : recent.sent - recent.answered;
}

/** How a day was: its windows, those that met the target, and its handshakes. */
export interface Day {
  readonly windows: number;
  /** NaN where no node has a target. */
  readonly met: number;
  readonly sent: number;
  readonly established: number;
}

/** Of all pairs from these nodes; null where no row tells. */
export function dayOf(matrix: Matrix, from: readonly number[]): Day | null {
  let [windows, met, sent, established, judged] = [0, 0, 0, 0, 0];
  for (const i of from) {
    for (let j = 0; j < matrix.size; j++) {
      const own = matrix.figure("dayWindows", i, j);
      if (Number.isNaN(own)) continue;
      windows += own;
      sent += matrix.figure("daySent", i, j);
      established += matrix.figure("dayEstablished", i, j);
      const ownMet = matrix.figure("dayMet", i, j);
      if (Number.isNaN(ownMet)) continue;
      met += ownMet;
      judged += own;
    }
  }
  if (windows === 0) return null;
  // Nodes without a target say nothing of it.
  return { windows: judged > 0 ? judged : windows, met: judged > 0 ? met : NaN, sent, established };
}

/** How many nines a share of successes has: 0.999 has 3; no failure at all counts as less than one. */
export function ninesOf({ sent, established }: Day): number {
  return -Math.log10(Math.max(sent - established, 0.5) / sent);
}

/** Why a node's row is no measurement: not there (and the node did not leave), too old, without a probe. */
export type RowTrouble = "missing" | "stale" | "idle";

/** What is wrong with a node's row; null for nothing. */
export function rowTrouble(matrix: Matrix, node: number): RowTrouble | null {
  const { kind } = matrix.row(node);
  if (kind === "missing") return matrix.left(node) ? null : "missing";
  if (kind === "stale") return "stale";
  for (let to = 0; to < matrix.size; to++) if (matrix.probed(node, to)) return null;
  return "idle";
}

/** A node that has sent this many bursts to one peer has had time to probe all its peers. */
const SETTLED_BURSTS = 3;
/** The same in probes, for rows of old nodes, which tell no bursts: of the usual length. */
const SETTLED_SENT = 15;

/** Whether each node has had time to probe all its peers, by its row. */
export function settledNodes(matrix: Matrix): readonly boolean[] {
  return matrix.nodes.map((_, one) => {
    if (matrix.row(one).kind !== "fresh") return false;
    for (let to = 0; to < matrix.size; to++) {
      const bursts = matrix.figure("bursts", one, to);
      const sent = matrix.figure("sent", one, to);
      if (Number.isNaN(bursts) ? sent >= SETTLED_SENT : bursts >= SETTLED_BURSTS) return true;
    }
    return false;
  });
}

/**
 * The nodes that a node lists and has never probed, though both are there and probe others: one cannot
 * resolve the other's name, say. Not those that it leaves out on purpose, or that left.
 */
export function unprobed(matrix: Matrix, node: number, settled: readonly boolean[]): number[] {
  const found: number[] = [];
  for (let to = 0; settled[node] && to < matrix.size; to++) {
    const isMissing = matrix.figure("sent", node, to) === 0 &&
      matrix.figure("left", node, to) !== 1;
    if (isMissing && settled[to]) found.push(to);
  }
  return found;
}

/** How much of a mesh was measured. */
export interface Coverage {
  readonly nodes: number;
  readonly rows: number;
  readonly stale: number;
  readonly missing: number;
  /** Nodes that said that they leave; they are not missing. */
  readonly left: number;
  /** Rows that are not stale and in which nobody was probed. */
  readonly idle: number;
  /** Ordered pairs that were probed, in rows that are not stale. */
  readonly pairs: number;
  /** The longest window of the rows; 0 without rows. */
  readonly windowMs: number;
  readonly oldestMs: number;
}

export function coverage(matrix: Matrix): Coverage {
  const states = matrix.nodes.map((_, i) => matrix.row(i));
  const troubles = matrix.nodes.map((_, i) => rowTrouble(matrix, i));
  const of = (trouble: RowTrouble) => troubles.filter((found) => found === trouble).length;
  const there = states.filter((state) => state.kind !== "missing");
  let pairs = 0;
  for (let from = 0; from < matrix.size; from++) {
    if (states[from].kind !== "fresh") continue;
    for (let to = 0; to < matrix.size; to++) if (matrix.probed(from, to)) pairs++;
  }
  return {
    nodes: matrix.size,
    rows: there.length,
    stale: of("stale"),
    missing: of("missing"),
    left: matrix.size - there.length - of("missing"),
    idle: of("idle"),
    pairs,
    windowMs: there.reduce((most, { windowMs }) => Math.max(most, windowMs), 0),
    oldestMs: there.reduce((most, { ageMs }) => Math.max(most, ageMs), 0),
  };
}
