/** The whole mesh as this node's page shows it: gathered on demand, once for all requests of a moment. */
import { heatmapJson } from "../format/heatmap/json.ts";
import { MAX_PAGE_NODES, pageJson } from "../format/heatmap/page.ts";
import { UsageError } from "../domain/exit.ts";
import type { MeshRow } from "../domain/mesh_row.ts";
import type { NodeEntry } from "../input/nodes_file.ts";
import { type Clock, sleepUntil } from "../time/clock.ts";
import { inSlices } from "../time/slices.ts";
import { Cached } from "./cached.ts";
import { emptyMatrix, gatherMatrix, nodeOf } from "./gather.ts";
import { windowsOf } from "./pair_history.ts";
import type { PairHistory } from "./row_builder.ts";
import type { FetchRow } from "./row_fetch.ts";
import type { ToldNodes } from "./told_nodes.ts";
import { triageSteps } from "./triage/triage.ts";

/** However many look, the rows are gathered no more often. */
export const GATHER_EVERY_MS = 10_000;
/** A node without an answer within this has no row on the page. */
const TIMEOUT_MS = 1000;
/** Rows asked for at once: the others' work, and this node's memory, stay small. */
const AT_ONCE = 4;

export interface PicturePorts {
  readonly clock: Clock;
  /** What rows tell of nodes; null where their list tells it. */
  readonly told: ToldNodes | null;
  /** All nodes, this one among them, and its name. */
  nodes(): { readonly entries: readonly NodeEntry[]; readonly own: string };
  ownRow(): Promise<MeshRow>;
  /** How this node saw the last day. */
  ownHistory(): PairHistory;
  readonly fetchRow: FetchRow;
}

/** The documents of one gathering. */
export interface Documents {
  /** wire-probe.heatmap.v1. */
  readonly matrix: Uint8Array<ArrayBuffer>;
  /** What the page draws, compressed by gzip and as it is. */
  readonly page: Uint8Array<ArrayBuffer>;
  readonly pageGzip: Uint8Array<ArrayBuffer>;
}

export class MeshPicture {
  #ports: PicturePorts;
  #documents: Cached<Documents>;

  constructor(ports: PicturePorts) {
    this.#ports = ports;
    this.#documents = new Cached(ports.clock, GATHER_EVERY_MS, () => this.#gather());
  }

  /** The last ones, when they are not too old; else those of a gathering that begins now. */
  documents(): Promise<Documents> {
    return this.#documents.get();
  }

  async #gather(): Promise<Documents> {
    const { clock, ownRow, fetchRow, told } = this.#ports;
    const { entries, own } = this.#ports.nodes();
    if (entries.length > MAX_PAGE_NODES) {
      throw new UsageError(`${entries.length} nodes are more than the page's ${MAX_PAGE_NODES}`);
    }
    const nodes = entries.map(nodeOf).map((node) => told?.node(node) ?? node);
    const listed = emptyMatrix(nodes, "az");
    const others = entries.filter(({ target }) => target.name !== own);
    await gatherMatrix(listed, others, fetchRow, { timeoutMs: TIMEOUT_MS, told, atOnce: AT_ONCE });
    const row = await ownRow();
    if (listed.indexOf(row.node) >= 0) {
      listed.put(row, row.ageMs);
      told?.learn(listed, row);
    }
    const matrix = told?.told(listed) ?? listed;
    const findings = await inSlices(triageSteps(matrix), clock);
    const time = new Date(clock.wall()).toISOString().replace(/\.[0-9]+Z$/, "Z");
    const day = { node: own, windows: windowsOf(this.#ports.ownHistory()) };
    const encoder = new TextEncoder();
    await sleepUntil(clock, clock.now());
    const page = encoder.encode(pageJson(matrix, { metric: "p50", findings, time, day }));
    await sleepUntil(clock, clock.now());
    return {
      matrix: encoder.encode(heatmapJson(matrix, findings, time)),
      page,
      pageGzip: await gzip(page),
    };
  }
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
