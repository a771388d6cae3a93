/** The whole mesh as this node's page shows it: gathered on demand, once for all requests of a moment. */
import { heatmapJson } from "../format/heatmap/json.ts";
import { MAX_PAGE_NODES, pageJson, type PageOptions } from "../format/heatmap/page.ts";
import { UsageError } from "../domain/exit.ts";
import type { Finding } from "../domain/finding.ts";
import type { Matrix } from "../domain/matrix.ts";
import type { MeshRow } from "../domain/mesh_row.ts";
import type { NodeEntry } from "../input/nodes_file.ts";
import { type Cancel, type Clock, sleepUntil } from "../time/clock.ts";
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
/** Where gathering takes much, less often: it may take this share of a core, and no figure is older than this. */
const CPU_SHARE = 0.05;
const GATHER_AT_LEAST_MS = 30_000;
/** The rows are kept for whoever asks next, and no longer. */
const KEPT_MS = 60_000;
/** So many rows that were read are much garbage. */
const ROWS_TO_TIDY = 32;
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
  /** CPU time that this process has taken. */
  cpuMs(): number;
  /** Gives back the memory of rows that were read. */
  tidy(): void;
}

export class MeshPicture {
  #ports: PicturePorts;
  #gathered: Cached<Gathered>;
  #everyMs = GATHER_EVERY_MS;
  #gatherings = 0;
  #forget: Cancel = () => {};

  constructor(ports: PicturePorts) {
    this.#ports = ports;
    this.#gathered = new Cached(ports.clock, () => this.#everyMs, () => this.#gather());
  }

  /** Of the last gathering, when it is not too old; else of one that begins now. */
  gathered(): Promise<Gathered> {
    return this.#gathered.get();
  }

  async #gather(): Promise<Gathered> {
    const { clock, cpuMs } = this.#ports;
    const beforeMs = cpuMs();
    const gathered = await this.#gatherNow();
    // The first one compiles its code too.
    if (this.#gatherings++ > 0) {
      const wantedMs = (cpuMs() - beforeMs) / CPU_SHARE;
      this.#everyMs = Math.min(GATHER_AT_LEAST_MS, Math.max(GATHER_EVERY_MS, wantedMs));
    }
    this.#forget();
    this.#forget = clock.wakeAt(clock.now() + KEPT_MS, () => this.#gathered.forget());
    return gathered;
  }

  async #gatherNow(): Promise<Gathered> {
    const { clock, ownRow, fetchRow, told } = this.#ports;
    const { entries, own } = this.#ports.nodes();
    if (entries.length > MAX_PAGE_NODES) {
      throw new UsageError(`${entries.length} nodes are more than the page's ${MAX_PAGE_NODES}`);
    }
    const nodes = entries.map(nodeOf).map((node) => told?.node(node) ?? node);
    const listed = emptyMatrix(nodes, "az");
    const others = entries.filter(({ target }) => target.name !== own);
    let rows = 0;
    const fetchTidily: FetchRow = async (...asked) => {
      if (++rows % ROWS_TO_TIDY === 0) this.#ports.tidy();
      return await fetchRow(...asked);
    };
    const how = { timeoutMs: TIMEOUT_MS, told, atOnce: AT_ONCE };
    await gatherMatrix(listed, others, fetchTidily, how);
    const row = await ownRow();
    if (listed.indexOf(row.node) >= 0) {
      listed.put(row, row.ageMs);
      told?.learn(listed, row);
    }
    const matrix = told?.told(listed) ?? listed;
    const findings = await inSlices(triageSteps(matrix), clock);
    const time = new Date(clock.wall()).toISOString().replace(/\.[0-9]+Z$/, "Z");
    await sleepUntil(clock, clock.now());
    const windows = windowsOf(this.#ports.ownHistory());
    return new Gathered(matrix, findings, { time, day: { node: own, windows } });
  }
}

/** The documents of one gathering, each made when it is asked for first. */
export class Gathered {
  #matrix: Matrix;
  #findings: readonly Finding[];
  #about: Pick<PageOptions, "time" | "day">;
  #made = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

  constructor(
    matrix: Matrix,
    findings: readonly Finding[],
    about: Pick<PageOptions, "time" | "day">,
  ) {
    this.#matrix = matrix;
    this.#findings = findings;
    this.#about = about;
  }

  /** wire-probe.heatmap.v1. */
  matrix(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#once("matrix", () => {
      return Promise.resolve(encoded(heatmapJson(this.#matrix, this.#findings, this.#about.time)));
    });
  }

  /** What the page draws. */
  page(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#once("page", () => Promise.resolve(encoded(this.#pageJson())));
  }

  /** The same, compressed. */
  pageGzip(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#once("gzip", () => gzip(encoded(this.#pageJson())));
  }

  #pageJson(): string {
    return pageJson(this.#matrix, { metric: "p50", findings: this.#findings, ...this.#about });
  }

  #once(
    name: string,
    make: () => Promise<Uint8Array<ArrayBuffer>>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const made = this.#made.get(name) ?? make();
    this.#made.set(name, made);
    return made;
  }
}

function encoded(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
