/** A matrix as one JSON document, schema `wire-probe.heatmap.v1`. */
import { millisOf } from "../../text/number.ts";
import { coverage, dayOf, type Figure, type Matrix, ninesOf } from "../../domain/matrix.ts";
import type { Finding } from "../../domain/finding.ts";

export const HEATMAP_SCHEMA = "wire-probe.heatmap.v1";

/** Names of the figures in the document. Those in ms are µs in the matrix. */
const TIMES: readonly (readonly [string, Figure])[] = [
  ["rtt_p50_ms", "rttP50"],
  ["rtt_p99_ms", "rttP99"],
  ["cold_rtt_p50_ms", "coldP50"],
  ["connect_p50_ms", "connectP50"],
  ["connect_p99_ms", "connectP99"],
];
const COUNTS: readonly (readonly [string, Figure])[] = [
  ["sent", "sent"],
  ["answered", "answered"],
  ["lost", "lost"],
  ["refused", "refused"],
  ["syn_retransmits", "retransmits"],
];

/** A figure's name in the document, and how its values are written. */
type Named = readonly [name: string, figure: Figure, as: (value: number) => number];

/** Figures that only newer nodes have; left out where no node has them. */
const NEWER: readonly Named[] = [
  ["repeated_handshakes", "repeated", same],
  ["recent_bursts", "recentBursts", same],
  ["recent_answered", "recentAnswered", same],
  ["recent_refused", "recentRefused", same],
  ["recent_rtt_p50_ms", "recentP50", millisOf],
  ["established_age_ms", "establishedAge", same],
  ["day_windows", "dayWindows", same],
  ["day_met", "dayMet", same],
];

/** A key and a function that makes its value when it is written. */
export type JsonEntry = readonly [key: string, value: () => unknown];

/**
 * An object as JSON in pieces of one entry: the tables of a mesh of hundreds of nodes are never all there
 * at once.
 */
export function* jsonPieces(entries: readonly JsonEntry[]): Generator<string> {
  let before = "{";
  for (const [key, value] of entries) {
    yield `${before}${JSON.stringify(key)}:${JSON.stringify(value())}`;
    before = ",";
  }
  yield entries.length === 0 ? "{}" : "}";
}

/**
 * One line. Each figure is a list of rows in the order of `nodes`, null where nothing was measured.
 * `findings` is null where triage was not asked for.
 */
export function heatmapJson(
  matrix: Matrix,
  findings: readonly Finding[] | null,
  time: string,
): string {
  return [...heatmapPieces(matrix, findings, time)].join("");
}

/** The same in pieces. */
export function* heatmapPieces(
  matrix: Matrix,
  findings: readonly Finding[] | null,
  time: string,
): Generator<string> {
  const of = coverage(matrix);
  const allNodes = matrix.nodes.map((_, node) => node);
  yield* jsonPieces([
    ...valuesOf({
      schema: HEATMAP_SCHEMA,
      time,
      group_by: matrix.key,
      coverage: {
        nodes: of.nodes,
        rows: of.rows,
        stale: of.stale,
        missing: of.missing,
        ...(of.left === 0 ? {} : { left: of.left }),
        pairs: of.pairs,
        window_ms: of.windowMs,
        oldest_ms: of.oldestMs,
      },
      nodes: allNodes.map((node) => nodeJson(matrix, node)),
    }),
    ...TIMES.map(([name, figure]) => tableOf(matrix, [name, figure, millisOf])),
    ...COUNTS.map(([name, figure]) => tableOf(matrix, [name, figure, same])),
    ...NEWER.filter(([, figure]) => matrix.has(figure)).map((newer) => tableOf(matrix, newer)),
    ...valuesOf({
      ...dayJson(matrix, allNodes),
      findings: findings?.map((finding) => findingJson(matrix, finding)) ?? null,
    }),
  ]);
  yield "\n";
}

function valuesOf(object: Readonly<Record<string, unknown>>): JsonEntry[] {
  return Object.entries(object).map(([key, value]) => [key, () => value]);
}

function nodeJson(matrix: Matrix, node: number): Record<string, unknown> {
  const row = matrix.row(node);
  const { name, labels } = matrix.nodes[node];
  return {
    name,
    labels: Object.fromEntries(labels),
    row: matrix.left(node) ? "left" : row.kind,
    reason: row.kind === "missing" ? row.reason : null,
    age_ms: row.kind === "missing" ? null : Math.round(row.ageMs),
    window_ms: row.kind === "missing" ? null : row.windowMs,
    ...(row.kind === "missing" || row.pressure === null ? {} : { pressure: row.pressure }),
    ...dayJson(matrix, [node]),
    lag_p99_ms: row.kind === "missing" ? null : millisOf(row.lagP99Us),
  };
}

/** How the last day was of the pairs from these nodes; nothing where no row tells. */
function dayJson(matrix: Matrix, from: readonly number[]): Record<string, unknown> {
  const day = dayOf(matrix, from);
  if (day === null) return {};
  const { windows, met, sent, established } = day;
  return {
    day: {
      windows,
      met: Number.isNaN(met) ? null : met,
      sent,
      established,
      nines: Math.round(ninesOf(day) * 10) / 10,
    },
  };
}

function tableOf(matrix: Matrix, [name, figure, as]: Named): JsonEntry {
  return [name, () => table(matrix, figure, as)];
}

function table(matrix: Matrix, figure: Figure, as: (value: number) => number): (number | null)[][] {
  return matrix.nodes.map((_, from) =>
    matrix.nodes.map((_, to) => {
      const value = matrix.figure(figure, from, to);
      return Number.isNaN(value) ? null : as(value);
    })
  );
}

function same(count: number): number {
  return count;
}

function findingJson(matrix: Matrix, finding: Finding): Record<string, unknown> {
  const { kind, severity, layer, direction, groups, evidence, text } = finding;
  const nodes = finding.nodes.map((node) => matrix.nodes[node].name);
  return { kind, severity, layer, direction, nodes, groups, evidence, text };
}
