/** Rows from all sides as one matrix: from the nodes themselves, or from files. */
import { UsageError } from "../domain/exit.ts";
import { Matrix, MAX_MATRIX_NODES } from "../domain/matrix.ts";
import { arrange, type MeshNode } from "../domain/mesh_node.ts";
import type { MeshRow } from "../domain/mesh_row.ts";
import { decodeRow, RowError, splitRows } from "./row_json.ts";
import type { NodeEntry } from "../input/nodes_file.ts";
import { fewAtOnce } from "../time/turns.ts";
import type { ToldNodes } from "./told_nodes.ts";
import type { Fetched, FetchRow } from "./row_fetch.ts";

/** Nodes asked at once; one that does not answer keeps its place for the time limit, and no longer. */
export const ROWS_AT_ONCE = 64;

/** Called for each node whose answer is there, in the order of arrival. */
export type OnRow = (entry: NodeEntry, fetched: Fetched) => void;

/**
 * Asks all nodes; `atOnce` at a time, and each for no longer than the time limit. Once `signal` is aborted
 * no further one is asked.
 */
export async function gatherRows(
  entries: readonly NodeEntry[],
  fetchRow: FetchRow,
  timeoutMs: number,
  onRow: OnRow,
  { signal, atOnce = ROWS_AT_ONCE }: { readonly signal?: AbortSignal; readonly atOnce?: number } =
    {},
): Promise<void> {
  await fewAtOnce(atOnce, entries, async (entry) => {
    if (signal?.aborted !== true) onRow(entry, await fetchRow(entry, timeoutMs, signal));
  });
}

/** Asks all nodes and fills a matrix with what they answer; where `told` is given, it learns of zones and missing nodes. */
export async function gatherMatrix(
  matrix: Matrix,
  entries: readonly NodeEntry[],
  fetchRow: FetchRow,
  { timeoutMs, told, ...how }: {
    readonly timeoutMs: number;
    readonly told: ToldNodes | null;
    readonly signal?: AbortSignal;
    readonly atOnce?: number;
  },
): Promise<void> {
  await gatherRows(entries, fetchRow, timeoutMs, ({ target }, { row, reason }) => {
    if (row === null) matrix.miss(matrix.indexOf(target.name), reason);
    else {
      matrix.put(row, row.ageMs);
      told?.learn(matrix, row);
    }
  }, how);
}

/** A node as its line in the nodes file has it. */
export function nodeOf({ target }: NodeEntry): MeshNode {
  return { name: target.name, labels: new Map([["az", target.az], ...target.labels]) };
}

/** The nodes that rows speak of: theirs, and peers without a row, of which no label is known. */
export function nodesOf(rows: readonly MeshRow[]): MeshNode[] {
  const nodes = new Map<string, MeshNode>();
  for (const { node, az, labels } of rows) {
    nodes.set(node, { name: node, labels: new Map([["az", az], ...labels]) });
  }
  for (const { peer } of rows.flatMap(({ peers }) => peers)) {
    if (!nodes.has(peer)) nodes.set(peer, { name: peer, labels: new Map() });
  }
  return [...nodes.values()];
}

/** An empty matrix; throws UsageError when there are too many nodes for one. */
export function emptyMatrix(nodes: readonly MeshNode[], groupBy: string): Matrix {
  if (nodes.length > MAX_MATRIX_NODES) {
    throw new UsageError(
      `${nodes.length} nodes are more than the ${MAX_MATRIX_NODES} that a heatmap can show; ` +
        "their rows go to Prometheus or InfluxDB as well, for a dashboard",
    );
  }
  if (groupBy !== "az" && nodes.every(({ labels }) => !labels.has(groupBy))) {
    throw new UsageError(`--group-by ${groupBy}: no node has that label`);
  }
  return new Matrix(arrange(nodes, groupBy));
}

/** The rows of a file's text, one of each node: the youngest. Throws UsageError with file and line. */
export function rowsOf(files: readonly (readonly [path: string, text: string])[]): MeshRow[] {
  const rows = new Map<string, MeshRow>();
  for (const [path, text] of files) {
    for (const [i, document] of splitRows(text).entries()) {
      const row = decoded(document, `${path}: row ${i + 1}`);
      const other = rows.get(row.node);
      if (other === undefined || other.wallMs < row.wallMs) rows.set(row.node, row);
    }
  }
  assertRows(rows, files.map(([path]) => path));
  return [...rows.values()];
}

function decoded(document: string, at: string): MeshRow {
  try {
    return decodeRow(document);
  } catch (error) {
    if (error instanceof RowError) throw new UsageError(`${at}: ${error.message}`);
    throw error;
  }
}

/** Files without any row are no measurement at all: throws UsageError. */
function assertRows(rows: ReadonlyMap<string, MeshRow>, paths: readonly string[]): void {
  if (rows.size === 0) {
    throw new UsageError(
      `${paths.join(", ")}: no row; a file of rows has one a line, as /row gives it`,
    );
  }
}

/** Fills in rows from files by the wall clock: a file does not say when a row arrived. */
export function putRows(matrix: Matrix, rows: readonly MeshRow[], wallMs: number): void {
  for (const node of matrix.nodes.keys()) matrix.miss(node, "not in the files");
  for (const row of rows) {
    // A node whose clock is ahead of ours has a row of no age, not of a negative one.
    if (matrix.indexOf(row.node) >= 0) {
      matrix.put(row, row.ageMs + Math.max(0, wallMs - row.wallMs));
    }
  }
}
