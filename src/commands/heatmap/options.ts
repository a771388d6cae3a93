/** What `heatmap` is asked to do, checked and typed. */
import type { Metric } from "../../format/heatmap/metric.ts";

export interface HeatmapOptions {
  /** The mesh's nodes, which are asked for their rows unless those come from files; null for none. */
  readonly nodesFile: string | null;
  /** Files of rows; empty when the nodes are asked. */
  readonly rowFiles: readonly string[];
  /** Where nodes offer their rows that do not say so themselves. */
  readonly httpPort: number;
  /** For each node to answer. */
  readonly timeoutMs: number;
  readonly metric: Metric;
  /** The label by whose values nodes are grouped. */
  readonly groupBy: string;
  readonly html: string | null;
  readonly svg: string | null;
  readonly json: boolean;
  readonly triage: boolean;
  /** Null for once. */
  readonly watchMs: number | null;
  readonly noColor: boolean;
}
