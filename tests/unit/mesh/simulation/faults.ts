/** Faults to inject into a simulated mesh, each with what triage ought to say of it. */
import type { Direction, Finding, FindingKind } from "../../../../src/domain/finding.ts";
import type { Random } from "../../random.ts";
import { between } from "./distributions.ts";
import type { SimulatedMesh, Trouble } from "./mesh.ts";

/** A finding as it should be. */
export interface Expected {
  readonly kind: FindingKind;
  readonly direction: Direction;
  /** By name, in any order; those of a pair in order where it has a direction. */
  readonly nodes: readonly string[];
}

export interface Fault {
  readonly trouble: Trouble;
  /** Bursts of the window that it has lasted; absent for all. */
  readonly since?: number;
  readonly expected: Expected;
}

type Inject = (mesh: SimulatedMesh, random: Random) => Fault;

const DIRECTIONS: readonly Direction[] = ["from", "to", "both"];

/** Whether a pair touches a node in a direction. */
function touches(node: number, direction: Direction): (from: number, to: number) => boolean {
  return (from, to) =>
    (from === node && direction !== "to") || (to === node && direction !== "from");
}

function onPairs(
  value: number,
  at: (from: number, to: number) => boolean,
): (from: number, to: number) => number {
  return (from, to) => at(from, to) ? value : 0;
}

/** The trouble of the pairs `at`, whose ends are so far from each other. */
type TroubleOf = (
  at: (from: number, to: number) => boolean,
  distanceUs: number,
  random: Random,
) => Trouble;

function aNode(
  kind: FindingKind,
  directions: readonly Direction[],
  troubleOf: TroubleOf,
): Inject {
  return (mesh, random) => {
    const node = random.int(0, mesh.nodes.length - 1);
    const direction = random.pick(directions);
    const zone = mesh.zoneOf[node];
    const trouble = troubleOf(touches(node, direction), mesh.distanceUs(zone, zone), random);
    return { trouble, expected: { kind, direction, nodes: [mesh.nodes[node].name] } };
  };
}

/** Two zones of at least three that are near each other, and a far one perhaps. */
function aZonePair(
  kind: FindingKind,
  troubleOf: TroubleOf,
): Inject {
  return (mesh, random) => {
    const [a, b] = random.order(mesh.zones).slice(0, 2);
    const at = (from: number, to: number) => {
      const [x, y] = [mesh.zoneOf[from], mesh.zoneOf[to]];
      return (x === a && y === b) || (x === b && y === a);
    };
    const names = [...mesh.zone(a), ...mesh.zone(b)].map((node) => mesh.nodes[node].name);
    return {
      trouble: troubleOf(at, mesh.distanceUs(a, b), random),
      expected: { kind, direction: "both", nodes: names },
    };
  };
}

/** By the name under which their figures are shown. */
export const FAULTS = {
  "slow node": aNode("slow-node", DIRECTIONS, (at, nearbyUs, random) => ({
    addedUs: onPairs(Math.max(250, nearbyUs * between(random, 1.8, 6)), at),
  })),
  "lossy node": aNode("loss", DIRECTIONS, (at, _, random) => ({
    drop: onPairs(between(random, 0.015, 0.15), at),
  })),
  "lossy node one way": aNode("loss", ["from", "to"], (at, _, random) => ({
    drop: onPairs(between(random, 0.015, 0.15), at),
  })),
  "slow zone pair": aZonePair("slow-block", (at, distanceUs, random) => ({
    addedUs: onPairs(distanceUs * between(random, 4, 9), at),
  })),
  "lossy zone pair": aZonePair("loss", (at, _, random) => ({
    drop: onPairs(between(random, 0.015, 0.15), at),
  })),
  "cold only, a node": aNode("cold", DIRECTIONS, (at, nearbyUs, random) => ({
    addedColdUs: onPairs(between(random, 2, 8) * (nearbyUs + 500), at),
  })),
  "cold only, a zone pair": aZonePair("cold", (at, distanceUs, random) => ({
    addedColdUs: onPairs(between(random, 2, 8) * (distanceUs + 500), at),
  })),
  "busy prober": aNode("busy-prober", ["from"], (at, _, random) => {
    const busy: readonly [number, number] = [
      between(random, 1000, 8000),
      between(random, 6000, 40_000),
    ];
    return { busyUs: (node) => at(node, -1) ? busy : [0, 0] };
  }),
  "dead node": aNode("dead-node", ["both"], (at) => ({
    cut: at,
    withoutRow: (node) => at(node, -1),
  })),
  "refusing node": aNode("refused", ["to"], (at) => ({ refuses: (to) => at(-1, to) })),
  "slow pair": (mesh, random) => {
    const [a, b] = random.order(mesh.nodes.length);
    const at = (from: number, to: number) => (from === a && to === b) || (from === b && to === a);
    const usualUs = mesh.distanceUs(mesh.zoneOf[a], mesh.zoneOf[b]);
    return {
      trouble: { addedUs: onPairs(usualUs * between(random, 2, 6) + 150, at) },
      expected: {
        kind: "slow-pair",
        direction: "both",
        nodes: [a, b].map((node) => mesh.nodes[node].name),
      },
    };
  },
  "tail of a node": aNode("slow-tail", DIRECTIONS, (at, _, random) => ({
    addedTailUs: onPairs(between(random, 60_000, 200_000), at),
  })),
  "congested zone": (mesh, random) => {
    const zone = random.int(0, mesh.zones - 1);
    const inside = new Set(mesh.zone(zone));
    const addedUs = between(random, 3, 8) * Math.max(
      ...Array.from({ length: mesh.zones }, (_, other) => mesh.distanceUs(zone, other)),
    );
    return {
      trouble: { addedUs: onPairs(addedUs, (from, to) => inside.has(from) !== inside.has(to)) },
      // Where nobody knows the day before, a zone that was slow all the time may be far away.
      ...(mesh.hasDay ? {} : { since: Math.floor(mesh.bursts / 3) }),
      expected: {
        kind: "slow-block",
        direction: "both",
        nodes: [...inside].map((node) => mesh.nodes[node].name),
      },
    };
  },
  "partition, a zone": (mesh, random) => {
    const zone = random.int(0, mesh.zones - 1);
    const inside = new Set(mesh.zone(zone));
    const others = mesh.zoneOf.length - inside.size;
    const smaller = inside.size <= others;
    const apart = mesh.nodes.filter((_, node) => inside.has(node) === smaller);
    return {
      trouble: { cut: (from, to) => inside.has(from) !== inside.has(to) },
      expected: { kind: "partition", direction: "both", nodes: apart.map(({ name }) => name) },
    };
  },
  "partition, a zone pair": aZonePair("partition", (at) => ({ cut: at })),
} satisfies Record<string, Inject>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

/** Zones that must be near each other: of two alone nobody can say how far apart they ought to be. */
export function leastNearZones(name: FaultName): number {
  return name.endsWith("zone pair") || name === "congested zone" ? 3 : 1;
}

/** Whether a finding says what it should. */
export function agrees(finding: Finding, mesh: SimulatedMesh, expected: Expected): boolean {
  const names = finding.nodes.map((node) => nameOf(mesh, node)).sort();
  const wanted = expected.nodes.toSorted();
  // Two halves of the same size may be named by either.
  const other = mesh.nodes.map(({ name }) => name).filter((name) => !wanted.includes(name)).sort();
  const same = names.join() === wanted.join() ||
    (expected.kind === "partition" && other.length === wanted.length &&
      names.join() === other.join());
  return same && finding.kind === expected.kind && finding.direction === expected.direction;
}

/** The order of a matrix is by zone and then by name, as numbers. */
function nameOf(mesh: SimulatedMesh, node: number): string {
  return mesh.nodes[node].name;
}
