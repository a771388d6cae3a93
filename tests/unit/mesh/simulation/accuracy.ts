/** How often triage is right: precision and recall over many simulated meshes with one fault each. */
import type { Finding } from "../../../../src/domain/finding.ts";
import { isAlarm, triage } from "../../../../src/mesh/triage/triage.ts";
import { median } from "../../../../src/stats/quantile.ts";
import { Random } from "../../random.ts";
import {
  agrees,
  type Fault,
  FAULT_NAMES,
  type FaultName,
  FAULTS,
  leastNearZones,
} from "./faults.ts";
import { SimulatedMesh } from "./mesh.ts";

export interface Score {
  readonly name: FaultName;
  readonly meshes: number;
  /** Meshes whose fault was named rightly. */
  readonly found: number;
  /** Alarms about something else, or the right thing named wrongly. */
  readonly wrong: number;
  readonly precision: number;
  readonly recall: number;
  /** The first few that went wrong, to look at. */
  readonly examples: readonly string[];
}

export interface Sizes {
  readonly least: number;
  readonly most: number;
}

const MAX_EXAMPLES = 3;

/** Each fault in `meshes` meshes, from seed `seed` on. */
export function scores(meshes: number, sizes: Sizes, seed: number): Score[] {
  return FAULT_NAMES.map((name, i) => score(name, meshes, sizes, seed + i * 1_000_003));
}

function score(name: FaultName, meshes: number, sizes: Sizes, seed: number): Score {
  let [found, wrong] = [0, 0];
  const examples: string[] = [];
  for (let run = 0; run < meshes; run++) {
    const random = new Random(seed + run);
    const mesh = meshOf(random, sizes, leastNearZones(name));
    const { trouble, since, expected }: Fault = FAULTS[name](mesh, random);
    const alarms = triage(mesh.window(trouble, since)).filter(isAlarm);
    const right = alarms.filter((finding) => agrees(finding, mesh, expected));
    if (right.length > 0) found++;
    wrong += alarms.length - right.length;
    if ((right.length === 0 || alarms.length > right.length) && examples.length < MAX_EXAMPLES) {
      const wanted = `${expected.kind} ${expected.direction} ${expected.nodes.slice(0, 3)}`;
      examples.push(`seed ${seed + run}, ${mesh.nodes.length} nodes, ${wanted}: ${texts(alarms)}`);
    }
  }
  const precision = found + wrong === 0 ? 1 : found / (found + wrong);
  return { name, meshes, found, wrong, precision, recall: found / meshes, examples };
}

/** How soon a fault is named: by bursts since it began. */
export interface Delay {
  readonly name: FaultName;
  readonly meshes: number;
  /** Of the meshes in which it was named before it had filled the window. */
  readonly named: number;
  readonly medianBursts: number;
  readonly mostBursts: number;
  /** Alarms about something else meanwhile. */
  readonly wrong: readonly string[];
}

/** Looked at after so many bursts of a fault, until it is named. */
const LOOKS = [1, 2, 3, 4, 6, 8, 10, 12, 15];

/** Each fault from its first burst on, in windows that are of the healthy mesh until then. */
export function delays(meshes: number, sizes: Sizes, seed: number): Delay[] {
  return FAULT_NAMES.map((name, i) => {
    const bursts: number[] = [];
    const wrong: string[] = [];
    for (let run = 0; run < meshes; run++) {
      const at = seed + i * 1_000_003 + run;
      const random = new Random(at);
      const mesh = meshOf(random, sizes, leastNearZones(name));
      const { trouble, expected } = FAULTS[name](mesh, random);
      for (const since of LOOKS) {
        const alarms = triage(mesh.window(trouble, since)).filter(isAlarm);
        const right = alarms.filter((finding) => agrees(finding, mesh, expected));
        // In the first burst a fault may be half seen.
        if (since > 1 && alarms.length > right.length) {
          const others = alarms.filter((alarm) => !right.includes(alarm));
          wrong.push(`seed ${at}, burst ${since}: ${texts(others)}`);
        }
        if (right.length === 0) continue;
        bursts.push(since);
        break;
      }
    }
    const medianBursts = median(bursts);
    return {
      name,
      meshes,
      named: bursts.length,
      medianBursts,
      mostBursts: Math.max(...bursts),
      wrong,
    };
  });
}

/** Two to four zones; a quarter of the meshes have a far one. */
function meshOf(random: Random, { least, most }: Sizes, near: number): SimulatedMesh {
  const far = random.int(0, 3) === 0;
  const fewest = Math.max(2, near + (far ? 1 : 0));
  return new SimulatedMesh(random, {
    size: random.int(least, most),
    zones: random.int(fewest, 4),
    far,
  });
}

function texts(alarms: readonly Finding[]): string {
  return alarms.length === 0 ? "nothing" : alarms.map(({ text }) => text).join(" // ");
}

/** The alarms over healthy meshes: none is right. */
export function falseAlarms(
  meshes: number,
  windows: number,
  sizes: Sizes,
  seed: number,
): string[] {
  return Array.from({ length: meshes }, (_, run) => {
    const random = new Random(seed + run);
    const mesh = meshOf(random, sizes, 1);
    return Array.from({ length: windows }, () => triage(mesh.window({})).filter(isAlarm))
      .flat().map(({ text }) => `seed ${seed + run}, ${mesh.nodes.length} nodes: ${text}`);
  }).flat();
}
