/**
 * What rows say about nodes whose list has only addresses: their zones and labels, and nodes that
 * are listed no more without having said that they leave.
 */
import type { Matrix } from "../domain/matrix.ts";
import { arrange, type MeshNode } from "../domain/mesh_node.ts";
import type { MeshRow, PeerFigures } from "../domain/mesh_row.ts";

/** How many nodes that are not listed are shown. */
const MAX_UNLISTED = 64;
/** Labels remembered. */
const MAX_KNOWN = 10_000;

interface Sighting {
  readonly from: string;
  readonly figures: PeerFigures;
}

export class ToldNodes {
  /** The labels of the last row of each node. */
  #labels = new Map<string, ReadonlyMap<string, string>>();
  /** By unlisted peer, of the gathering under way. */
  #unlisted = new Map<string, Sighting[]>();
  #changed = false;

  /** A node with the labels that its row had last. */
  node(node: MeshNode): MeshNode {
    return { name: node.name, labels: this.#labels.get(node.name) ?? node.labels };
  }

  /** Takes what a row tells, which has been put into the matrix. */
  learn(matrix: Matrix, { node, az, labels, peers }: MeshRow): void {
    const told = new Map([["az", az], ...labels]);
    const known = matrix.nodes[matrix.indexOf(node)]?.labels ?? new Map();
    if (!isSame(told, known)) this.#changed = true;
    if (this.#labels.size >= MAX_KNOWN) this.#labels.clear();
    this.#labels.set(node, told);
    for (const figures of peers) {
      if (matrix.indexOf(figures.peer) >= 0) continue;
      const seen = this.#unlisted.get(figures.peer) ?? [];
      if (seen.length === 0 && this.#unlisted.size >= MAX_UNLISTED) continue;
      this.#unlisted.set(figures.peer, [...seen, { from: node, figures }]);
    }
  }

  /** The matrix with what was told: in the order of the zones, and with the nodes that are missing. */
  told(matrix: Matrix): Matrix {
    const missing = [...this.#unlisted].filter(([, seen]) => isMissing(seen));
    this.#unlisted = new Map();
    if (missing.length === 0 && !this.#changed) return matrix;
    this.#changed = false;
    const all = [...matrix.nodes, ...missing.map(([name]) => ({ name, labels: new Map() }))];
    const whole = matrix.rearranged(arrange(all.map((node) => this.node(node)), matrix.key));
    for (const [name, seen] of missing) {
      whole.miss(whole.indexOf(name), "it is listed no more, and said to nobody that it leaves");
      for (const { from, figures } of seen) whole.fill(whole.indexOf(from), figures);
    }
    return whole;
  }
}

/** Whether those that probe it get no answer, and most of them did not hear that it leaves. */
function isMissing(seen: readonly Sighting[]): boolean {
  const left = seen.filter(({ figures }) => figures.left).length;
  const answers = seen.some(({ figures: { recent } }) =>
    recent !== null && recent.answered > recent.refused
  );
  return !answers && 2 * left < seen.length;
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}
