/**
 * A mesh at a moment of a fault. Each pair has a burst each ten seconds at a phase of its own, so that some
 * pairs tell a fault that has just begun, or is just over, and some do not.
 */
import { arrange } from "../../../../src/domain/mesh_node.ts";
import { Matrix } from "../../../../src/domain/matrix.ts";
import type { PeerFigures } from "../../../../src/domain/mesh_row.ts";
import { Random } from "../../random.ts";
import { nodes, peer, quantiles, row } from "../meshes.ts";

const INTERVAL_MS = 10_000;
/** So long after a probe it is known that it was lost. */
const TIMEOUT_MS = 5000;
const BURST = 5;
const WINDOW_BURSTS = 30;

type Fate = "established" | "lost" | "refused";

/** What happens from 0 ms on, until its end. */
export interface Fault {
  readonly what: string;
  /** What a pair's burst of that time meets, so long after the beginning. */
  readonly fate: (from: string, to: string, afterMs: number) => Fate;
  /** Whose rows are not to be had meanwhile. */
  readonly isHidden: (node: string) => boolean;
}

interface Counts {
  sent: number;
  answered: number;
  lost: number;
  refused: number;
}

/** The matrix `atMs` after the beginning of a fault that ends after `endMs`; zones of these sizes. */
export function moment(
  sizes: readonly number[],
  { fate, isHidden }: Fault,
  { atMs, endMs, seed }: { readonly atMs: number; readonly endMs: number; readonly seed: number },
): Matrix {
  const all = nodes(...sizes);
  const random = new Random(seed);
  const matrix = new Matrix(arrange(all, "az"));
  const lasts = (ms: number) => ms >= 0 && ms < endMs;
  for (const { name } of all) {
    const peers = all.filter((other) => other.name !== name).map((other) => {
      const startMs = random.unit() * INTERVAL_MS - WINDOW_BURSTS * INTERVAL_MS;
      const bursts: Fate[] = [];
      for (let ms = startMs; ms <= atMs; ms += INTERVAL_MS) {
        const met = lasts(ms) ? fate(name, other.name, ms) : "established";
        if (met !== "lost" || ms + TIMEOUT_MS <= atMs) bursts.push(met);
      }
      return figures(other.name, bursts.slice(-WINDOW_BURSTS));
    });
    if (lasts(atMs) && isHidden(name)) matrix.miss(matrix.indexOf(name), "no answer in time");
    else matrix.put(row(name, { peers }), 0);
  }
  return matrix;
}

function figures(name: string, bursts: readonly Fate[]): PeerFigures {
  const { sent, answered, lost, refused } = counts(bursts);
  const { lost: _, ...recent } = counts(bursts.slice(-2));
  return peer(name, {
    ...{ sent, answered, lost, refused, repeated: 0, bursts: bursts.length },
    burstsWithDrops: lost,
    recent: { bursts: 2, ...recent, p50Us: recent.answered > recent.refused ? 400 : null },
    rtt: quantiles(400, 800, answered - refused),
  });
}

/** A burst ends at its first handshake that is lost. */
function counts(bursts: readonly Fate[]): Counts {
  const sum: Counts = { sent: 0, answered: 0, lost: 0, refused: 0 };
  for (const fate of bursts) {
    const probes = fate === "lost" ? 1 : BURST;
    sum.sent += probes;
    if (fate === "lost") sum.lost++;
    else sum.answered += probes;
    if (fate === "refused") sum.refused += probes;
  }
  return sum;
}
