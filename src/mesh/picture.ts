/** The whole mesh as this node's page shows it: gathered on demand, once for all requests of a moment. */
import { heatmapPieces } from "../format/heatmap/json.ts";
import { livePage, MAX_PAGE_NODES, type PageOptions, pagePieces } from "../format/heatmap/page.ts";
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
import { type FetchRow, GATHERED_AT_ONCE } from "./row_fetch.ts";
import type { ToldNodes } from "./told_nodes.ts";
import { triageSteps } from "./triage/triage.ts";

/** However many look, the rows are gathered no more often. */
export const GATHER_EVERY_MS = 10_000;
/**
 * Where gathering and its documents take much CPU, rows are gathered less often: they may take this
 * share of a core, up to the longest pause below.
 */
const CPU_SHARE = 0.04;
const GATHER_AT_LEAST_MS = 30_000;
/** How long the rows are kept for the next request. */
const KEPT_MS = 60_000;
/** A node without an answer within this has no row on the page. */
const TIMEOUT_MS = 1000;

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
  /** CPU time of the last gathering and of its documents so far. */
  #spentMs = 0;
  #gatherings = 0;
  #forget: Cancel = () => {};
  #page: Promise<string> | null = null;

  constructor(ports: PicturePorts) {
    this.#ports = ports;
    this.#gathered = new Cached(ports.clock, () => this.#everyMs, () => this.#gather());
  }

  /** The page itself, which asks for the documents again and again. */
  page(): Promise<string> {
    return this.#page ??= livePage();
  }

  /** Of the last gathering, when it is not too old; else of one that begins now. */
  gathered(): Promise<Gathered> {
    return this.#gathered.get();
  }

  /** For how long there will be nothing newer, in ms. */
  get freshMs(): number {
    return Math.max(0, this.#gathered.freshMs);
  }

  async #gather(): Promise<Gathered> {
    const { clock } = this.#ports;
    this.#gatherings++;
    this.#spentMs = 0;
    const gathered = await this.#counted(() => this.#gatherNow());
    this.#forget();
    this.#forget = clock.wakeAt(clock.now() + KEPT_MS, () => this.#gathered.forget());
    return gathered;
  }

  /** Does a part of the work of a gathering, which says when the next one may be. */
  async #counted<T>(work: () => Promise<T>): Promise<T> {
    const { cpuMs } = this.#ports;
    const beforeMs = cpuMs();
    const made = await work();
    this.#spentMs += cpuMs() - beforeMs;
    // The first one compiles its code too.
    if (this.#gatherings > 1) {
      // In whole rounds of a page that refreshes itself: many that look gather no more often than one.
      const rounds = Math.max(1, Math.ceil(this.#spentMs / CPU_SHARE / GATHER_EVERY_MS));
      this.#everyMs = Math.min(GATHER_AT_LEAST_MS, rounds * GATHER_EVERY_MS);
    }
    return made;
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
    const how = { timeoutMs: TIMEOUT_MS, told, atOnce: GATHERED_AT_ONCE };
    await gatherMatrix(listed, others, fetchRow, how);
    const row = await ownRow();
    if (listed.indexOf(row.node) >= 0) {
      listed.put(row, row.ageMs);
      told?.learn(listed, row);
    }
    const matrix = told?.told(listed) ?? listed;
    // A full collection makes the engine forget code too: one for all rows, not one for a few.
    this.#ports.tidy();
    const findings = await inSlices(triageSteps(matrix), clock);
    const time = new Date(clock.wall()).toISOString().replace(/\.[0-9]+Z$/, "Z");
    await sleepUntil(clock, clock.now());
    const windows = windowsOf(this.#ports.ownHistory());
    const about = { time, day: { node: own, windows } };
    return new Gathered(matrix, findings, about, this.#ports, (make) => this.#counted(make));
  }
}

/** wire-probe.heatmap.v1, and what the page draws. */
export type DocumentName = "matrix" | "page";

/** The documents of one gathering, each made when it is asked for first. */
export class Gathered {
  #matrix: Matrix;
  #findings: readonly Finding[];
  #about: Pick<PageOptions, "time" | "day">;
  #ports: Pick<PicturePorts, "clock" | "tidy">;
  #counted: Counted;
  #made = new Map<string, Promise<Bytes>>();

  constructor(
    matrix: Matrix,
    findings: readonly Finding[],
    about: Pick<PageOptions, "time" | "day">,
    ports: Pick<PicturePorts, "clock" | "tidy">,
    counted: Counted,
  ) {
    this.#matrix = matrix;
    this.#findings = findings;
    this.#about = about;
    this.#ports = ports;
    this.#counted = counted;
  }

  /** As JSON, compressed where that is asked for. */
  document(name: DocumentName, gzip: boolean): Promise<Bytes> {
    const key = `${name} ${gzip}`;
    const made = this.#made.get(key) ?? this.#counted(() => this.#make(name, gzip));
    this.#made.set(key, made);
    return made;
  }

  async #make(name: DocumentName, gzip: boolean): Promise<Bytes> {
    const { clock, tidy } = this.#ports;
    const stream = ReadableStream.from(inTurns(this.#pieces(name), clock));
    const through = gzip ? stream.pipeThrough(new CompressionStream("gzip")) : stream;
    const bytes = new Uint8Array(await new Response(through).arrayBuffer());
    tidy();
    return bytes;
  }

  #pieces(name: DocumentName): Iterable<string> {
    const [matrix, findings, { time, day }] = [this.#matrix, this.#findings, this.#about];
    switch (name) {
      case "matrix":
        return heatmapPieces(matrix, findings, time);
      case "page":
        return pagePieces(matrix, {
          metric: "p50",
          findings,
          time,
          ...(day === undefined ? {} : { day }),
        });
    }
  }
}

type Bytes = Uint8Array<ArrayBuffer>;
type Counted = (make: () => Promise<Bytes>) => Promise<Bytes>;

/** Each piece as bytes, with a turn of the event loop after it. */
async function* inTurns(pieces: Iterable<string>, clock: Clock): AsyncGenerator<Bytes> {
  for (const piece of pieces) {
    yield new TextEncoder().encode(piece);
    await sleepUntil(clock, clock.now());
  }
}
