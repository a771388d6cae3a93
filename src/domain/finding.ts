/** What triage finds: who, in which direction, in which layer, and by which figures. */

export const FINDING_KINDS = [
  "partition",
  "dead-node",
  "refused",
  "loss",
  "slow-block",
  "slow-node",
  "slow-pair",
  "slow-tail",
  "cold",
  "busy-prober",
  "host-pressure",
  "icmp",
  "no-row",
  "not-probed",
] as const;
export type FindingKind = typeof FINDING_KINDS[number];

/** Where to look. */
export type Layer =
  | "reachability"
  | "responder"
  | "packet loss"
  | "data plane"
  | "flow set-up"
  | "prober's CPU"
  | "host"
  | "ICMP"
  | "collection";

/** `notice` is no alarm: it tells what is missing from the figures, or what concerns ICMP alone. */
export type Severity = "critical" | "warning" | "notice";

/** Which handshakes show it: those from the node, those to it, or both. */
export type Direction = "from" | "to" | "both";

/** Cells of the matrix: from each of these nodes to each of those; null for every node. */
export interface Region {
  readonly from: readonly number[] | null;
  readonly to: readonly number[] | null;
}

export interface Finding {
  readonly kind: FindingKind;
  readonly severity: Severity;
  readonly layer: Layer;
  readonly direction: Direction;
  /** Indexes of the nodes it is about. For a pair or a block: the nodes of both ends. */
  readonly nodes: readonly number[];
  /** The groups of a block, as `az=b`; else empty. */
  readonly groups: readonly string[];
  /** Figures by name, with their unit in it. */
  readonly evidence: Readonly<Record<string, number>>;
  /** One sentence for people. */
  readonly text: string;
  readonly regions: readonly Region[];
  /** How far beyond the threshold. Orders findings of the same kind. */
  readonly weight: number;
}

const SEVERITIES: readonly Severity[] = ["critical", "warning", "notice"];

/** The worst first. */
export function ordered(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) =>
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    FINDING_KINDS.indexOf(a.kind) - FINDING_KINDS.indexOf(b.kind) ||
    b.weight - a.weight
  );
}

/** Of at least one finding. */
export function gravest(findings: readonly Finding[]): Severity {
  return ordered(findings)[0].severity;
}

/** The cells of a node's row, its column, or both. */
export function regionsOf(nodes: readonly number[], direction: Direction): Region[] {
  const row: Region = { from: nodes, to: null };
  const column: Region = { from: null, to: nodes };
  return direction === "from" ? [row] : direction === "to" ? [column] : [row, column];
}
