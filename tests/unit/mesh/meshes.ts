/** Small meshes for tests, with only what matters spelled out. */
import { Matrix } from "../../../src/domain/matrix.ts";
import { arrange, type MeshNode } from "../../../src/domain/mesh_node.ts";
import { triage } from "../../../src/mesh/triage/triage.ts";
import type { MeshRow, PeerFigures, Quantiles } from "../../../src/domain/mesh_row.ts";

export function quantiles(p50Us: number, p99Us = 2 * p50Us, count = 270): Quantiles {
  return { count, p50Us, p99Us };
}

/** Three hundred probes that were all answered, thirty of them cold and a little slower. */
export function peer(name: string, more: Partial<PeerFigures> = {}): PeerFigures {
  const steadyUs = more.rtt?.p50Us ?? 400;
  return {
    peer: name,
    sent: 300,
    answered: 300,
    lost: 0,
    refused: 0,
    synRetransmits: 0,
    repeated: null,
    bursts: null,
    burstsWithDrops: null,
    recent: null,
    usualUs: null,
    answeredAgeMs: null,
    establishedAgeMs: null,
    left: false,
    day: null,
    rtt: quantiles(400),
    cold: quantiles(steadyUs + 200, steadyUs + 500, 30),
    connect: quantiles(steadyUs + 300, steadyUs + 1100, 300),
    icmp: null,
    ...more,
  };
}

export function row(node: string, more: Partial<MeshRow> = {}): MeshRow {
  return {
    node,
    az: "a",
    labels: [],
    wallMs: Date.UTC(2026, 10, 21, 9),
    ageMs: 0,
    windowMs: 300_000,
    lagP99Us: 1500,
    connectExcess: quantiles(300, 1200, 3000),
    pressure: null,
    peers: [],
    ...more,
  };
}

/** Every probe lost. */
export const LOST: Partial<PeerFigures> = {
  answered: 0,
  lost: 300,
  rtt: null,
  cold: null,
  connect: null,
};

/** Nodes `a1`, `a2` … in zone `a` and so on. */
export function nodes(...sizes: readonly number[]): MeshNode[] {
  return sizes.flatMap((size, zone) => {
    const az = String.fromCharCode(97 + zone);
    return Array.from({ length: size }, (_, i) => ({
      name: `${az}${i + 1}`,
      labels: new Map([["az", az]]),
    }));
  });
}

/** What differs from `peer` between two nodes; null for a pair that was not probed. */
export type Change = (from: string, to: string) => Partial<PeerFigures> | null;

/** A full mesh of fresh rows, but for the nodes without one. */
export function mesh(
  all: readonly MeshNode[],
  change: Change = () => ({}),
  without: readonly string[] = [],
): Matrix {
  const matrix = new Matrix(arrange(all, "az"));
  for (const { name } of all) {
    if (without.includes(name)) {
      matrix.miss(matrix.indexOf(name), "no answer in time");
      continue;
    }
    const peers = all.filter((other) => other.name !== name).flatMap((other) => {
      const more = change(name, other.name);
      return more === null ? [] : [peer(other.name, more)];
    });
    matrix.put(row(name, { peers }), 0);
  }
  return matrix;
}

/** What triage says, in short: kind, direction and whom it is about. */
export function said(matrix: Matrix): string[] {
  return triage(matrix).map(({ kind, direction, groups, nodes: about }) => {
    const names = about.map((node) => matrix.nodes[node].name).join(" ");
    return `${kind} ${direction} ${groups.length > 0 ? groups.join(" ") : names}`;
  });
}
