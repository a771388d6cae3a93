/** Where a heatmap's matrix comes from: the nodes themselves, or files of their rows. */
import { Matrix } from "../../domain/matrix.ts";
import { arrange, type MeshNode } from "../../domain/mesh_node.ts";
import type { MeshRow } from "../../domain/mesh_row.ts";
import type { NodeEntry } from "../../input/nodes_file.ts";
import type { NodesPlace } from "../../input/nodes_place.ts";
import { loadToken, readInputFile } from "../../input/file.ts";
import { emptyMatrix, gatherMatrix, nodeOf, nodesOf, putRows, rowsOf } from "../../mesh/gather.ts";
import { listedNodes } from "../../mesh/listed_nodes.ts";
import { ToldNodes } from "../../mesh/told_nodes.ts";
import { resolveSrv } from "../../net/resolver.ts";
import { rowFetcher } from "../../mesh/row_fetch.ts";
import { openGate } from "../../run/gate.ts";
import { messageOf } from "../../text/quote.ts";
import { systemClock } from "../../time/clock.ts";

/** A larger file of rows is a mistake. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

export interface SourceOptions {
  /** Where the mesh's nodes are listed. They are asked for their rows unless `rowFiles` has them. Null for nowhere. */
  readonly place: NodesPlace | null;
  /** Files of rows; empty when the nodes are asked. */
  readonly rowFiles: readonly string[];
  /** Port of the rows of nodes whose line names none. */
  readonly httpPort: number;
  /** How long to wait for each node's answer. */
  readonly timeoutMs: number;
  /** The file of the nodes' token; null for none. */
  readonly tokenFile: string | null;
  /** The label by whose values nodes are grouped. */
  readonly groupBy: string;
}

/** The content of the files. All of it is checked before any of it is used. */
interface Input {
  readonly entries: readonly NodeEntry[];
  readonly nodes: readonly MeshNode[];
  /** Null where the nodes are asked. */
  readonly rows: readonly MeshRow[] | null;
}

export class MatrixSource {
  #options: SourceOptions;
  #say: (text: string) => void;
  #input: Input | null = null;
  #trouble = "";

  /** What rows tell, where the nodes' list has only addresses. */
  #told: ToldNodes | null;

  constructor(options: SourceOptions, say: (text: string) => void) {
    this.#options = options;
    const { place, rowFiles } = options;
    this.#told = place === null || place.kind === "file" || rowFiles.length > 0
      ? null
      : new ToldNodes();
    this.#say = say;
  }

  /**
   * The matrix as it is now. The first time a file that is wrong throws UsageError or SystemError;
   * later ones keep what was read before, and one line says so. Once `signal` is aborted no node is
   * asked any more, and those without an answer have no row.
   */
  async matrix(signal: AbortSignal): Promise<Matrix> {
    const { nodes, entries, rows } = this.#input = await this.#read();
    const { timeoutMs, tokenFile, groupBy } = this.#options;
    if (rows !== null) {
      const matrix = emptyMatrix(nodes, groupBy);
      putRows(matrix, rows, systemClock.wall());
      return matrix;
    }
    const told = this.#told;
    const token = await loadToken(tokenFile);
    const fetchRow = rowFetcher(token, openGate().resolver);
    // Labels are known only once the rows are there.
    const matrix = told === null
      ? emptyMatrix(nodes, groupBy)
      : new Matrix(arrange(nodes.map((node) => told.node(node)), groupBy));
    await gatherMatrix(matrix, entries, fetchRow, { timeoutMs, told, signal });
    return told?.told(matrix) ?? matrix;
  }

  async #read(): Promise<Input> {
    try {
      const input = await this.#readFiles();
      // Throws where these nodes make no matrix.
      emptyMatrix(input.nodes, this.#told === null ? this.#options.groupBy : "az");
      this.#trouble = "";
      return input;
    } catch (error) {
      if (this.#input === null) throw error;
      const trouble = messageOf(error);
      if (trouble !== this.#trouble) this.#say(`${trouble}; going on with what was there`);
      this.#trouble = trouble;
      return this.#input;
    }
  }

  async #readFiles(): Promise<Input> {
    const { place, rowFiles, httpPort } = this.#options;
    const entries = place === null
      ? []
      : await listedNodes(place, httpPort, { resolver: openGate().resolver, srv: resolveSrv });
    if (rowFiles.length === 0) return { entries, nodes: entries.map(nodeOf), rows: null };
    const texts: [string, string][] = [];
    for (const path of rowFiles) texts.push([path, await readInputFile(path, MAX_FILE_BYTES)]);
    const rows = rowsOf(texts);
    return { entries, nodes: place === null ? nodesOf(rows) : entries.map(nodeOf), rows };
  }
}
