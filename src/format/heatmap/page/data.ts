/** What the page is given as JSON, and the figures in it as a matrix. Shared by the page and its writer. */
import type { Region, Severity } from "../../../domain/finding.ts";
import { type Figure, PairFigures } from "../../../domain/matrix.ts";
import type { Metric } from "../metric.ts";

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

export interface PageData {
  readonly coverage: string;
  /** What is shown first. */
  readonly metric: Metric;
  readonly nodes: readonly PageNode[];
  /** Nodes from..to-1 of each group. */
  readonly groups: readonly { readonly name: string; readonly from: number; readonly to: number }[];
  /** All rows one behind the other; null for a figure that nobody has. */
  readonly figures: Readonly<Record<Figure, readonly (number | null)[] | null>>;
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
}
