/** What the page is given as JSON, and the figures in it as a matrix. Shared by the page and its writer. */
import type { Region, Severity } from "../../domain/finding.ts";
import { type Figure, PairFigures } from "../../domain/matrix.ts";
import type { Metric } from "./metric.ts";

/** A screen on which the findings are beside the matrix. */
export const WIDE = "(min-width: 1700px)";

export interface PageNode {
  readonly name: string;
  /** `key=value` of all labels. */
  readonly labels: string;
  /** About its row; empty where there is nothing to say. */
  readonly note: string;
  /** Whether its row is missing or stale. */
  readonly off: boolean;
}

export interface PageFinding {
  readonly severity: Severity;
  readonly layer: string;
  readonly text: string;
  /** What shows it; null for what is chosen. */
  readonly metric: Metric | null;
  readonly regions: readonly Region[];
}

/** Five minutes of the last day. */
export interface PageWindow {
  readonly time: string;
  readonly mean_ms: number | null;
  readonly sent: number;
  readonly established: number;
}

export interface PageData {
  /** How the node whose live page it is saw the last day; null in a file. */
  readonly day: { readonly node: string; readonly windows: readonly PageWindow[] } | null;
  readonly coverage: string;
  /** What is shown first. */
  readonly metric: Metric;
  readonly nodes: readonly PageNode[];
  /** Nodes from..to-1 of each group. */
  readonly groups: readonly { readonly name: string; readonly from: number; readonly to: number }[];
  /** All rows one behind the other; null for a figure that nobody has. Those that the page does not use are absent. */
  readonly figures: Readonly<Partial<Record<Figure, readonly (number | null)[] | null>>>;
  /** Null where triage was not asked for. */
  readonly findings: readonly PageFinding[] | null;
}

export class PageMatrix extends PairFigures {
  #data: PageData;

  constructor(data: PageData) {
    super();
    this.#data = data;
  }

  override get size(): number {
    return this.#data.nodes.length;
  }

  override figure(figure: Figure, from: number, to: number): number {
    return this.#data.figures[figure]?.[from * this.size + to] ?? NaN;
  }
  /** That median is sent only where it does. */
  override contradicted(from: number, to: number): boolean {
    return !Number.isNaN(this.figure("recentP50", from, to));
  }
}
