/**
 * Chooses which node probes which: each probes all others, or each is probed by `fanout` others.
 * Those are the nodes with the highest scores for it (rendezvous hashing: Thaler and Ravishankar,
 * 1998). So every node finds the same answer by itself, and a node that joins or leaves moves few
 * pairs. Pure.
 */
import { hash32 } from "../text/hash.ts";

/** A node's name, and the hash that its scores are made of. */
interface Hashed {
  readonly name: string;
  readonly hash: number;
}

/**
 * The nodes that `me` probes, in an order of its own, so that nodes which start together do not all
 * begin with the same one. `fanout`: by how many each node is probed; null for by all others.
 */
export function peersOf(me: string, names: readonly string[], fanout: number | null): string[] {
  const self = hashed(me);
  const nodes = names.map(hashed);
  return nodes
    .filter((to) => to.name !== me && (fanout === null || isChosen(self, to, nodes, fanout)))
    .map((to) => ({ name: to.name, score: score(self, to) }))
    .sort((a, b) => b.score - a.score || order(a.name, b.name))
    .map(({ name }) => name);
}

/** Whether fewer than `fanout` others come before `self` as probers of `to`. */
function isChosen(self: Hashed, to: Hashed, nodes: readonly Hashed[], fanout: number): boolean {
  const own = score(self, to);
  let better = 0;
  for (const from of nodes) {
    if (from.name === to.name || from.name === self.name) continue;
    const other = score(from, to);
    const before = other > own || (other === own && order(from.name, self.name) < 0);
    if (before && ++better >= fanout) return false;
  }
  return true;
}

/** The score of one node as the prober of another: 32 bits, mixed as MurmurHash3 ends. */
function score(from: Hashed, to: Hashed): number {
  let mixed = Math.imul(from.hash, 0x9e3779b1) ^ to.hash;
  mixed = Math.imul(mixed ^ mixed >>> 16, 0x85ebca6b);
  mixed = Math.imul(mixed ^ mixed >>> 13, 0xc2b2ae35);
  return (mixed ^ mixed >>> 16) >>> 0;
}

function hashed(name: string): Hashed {
  return { name, hash: hash32(name) };
}

/** The same on every machine, whatever its language. */
function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
