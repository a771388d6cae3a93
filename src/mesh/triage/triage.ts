/**
 * Names what stands out in a mesh and the layer it lies in, with the evidence. The thresholds are
 * those of Pingmesh and its VNET sequel: more than twice what is usual over the window; on top of
 * them each rule has a least difference, a least number of samples, and what chance may do.
 */
import { atOnce, type Steps } from "../../time/slices.ts";
import { type Matrix, settledNodes, unprobed } from "../../domain/matrix.ts";
import { packetLoss } from "./drops.ts";
import { type Finding, gravest, ordered, type Region } from "../../domain/finding.ts";
import { counted, listText } from "../../text/words.ts";
import { busyProbers, coldStarts, icmpApart } from "./layers.ts";
import { latency } from "./latency.ts";
import { MeshView, PairSet } from "./mesh_view.ts";
import { reachability } from "./reach.ts";
import { withPressure } from "./pressure.ts";
import { isDown, refusals } from "./refusals.ts";

/** From this number on, nodes that share a label are named by it. */
const MIN_SHARING = 3;

/** The findings, the worst first; none when nothing stands out. */
export function triage(matrix: Matrix): Finding[] {
  return atOnce(triageSteps(matrix));
}

/** The same in steps: a thousand nodes take seconds. */
export function* triageSteps(matrix: Matrix): Steps<Finding[]> {
  const view = yield* MeshView.steps(matrix);
  for (const node of view.all()) if (matrix.left(node)) view.leaveOut(node);
  const reach = yield* reachability(view);
  const unreached = new PairSet(view.size).with(reach);
  const refused = yield* refusals(view, unreached);
  const steady = yield* latency(view);
  const found = [
    ...shared(view, reach),
    ...shared(view, refused),
    ...yield* packetLoss(view, unreached),
    ...shared(view, steady.findings),
    ...yield* coldStarts(view, steady),
    ...busyProbers(view),
    ...yield* icmpApart(view, steady),
    ...withoutRow(view, refused),
    ...yield* withoutProbe(view),
  ];
  return ordered(withPressure(view, found));
}

/** Whether a finding is an alarm. */
export function isAlarm({ severity }: Finding): boolean {
  return severity !== "notice";
}

/** Findings of one kind about all the nodes, or all those of a label, become one. */
function shared(view: MeshView, findings: readonly Finding[]): Finding[] {
  const single = findings.filter(({ nodes, groups }) => nodes.length === 1 && groups.length === 0);
  const byKind = Map.groupBy(single, ({ kind, direction }) => `${kind} ${direction}`);
  const merged: Finding[] = [];
  const absorbed = new Set<Finding>();
  for (const alike of byKind.values()) {
    const there = view.all().filter((node) => !view.matrix.left(node));
    for (const [label, nodes] of [[null, there] as const, ...labelled(view)]) {
      const parts = alike.filter((one) => nodes.includes(one.nodes[0]) && !absorbed.has(one));
      if (nodes.length < MIN_SHARING || parts.length < nodes.length) continue;
      for (const part of parts) absorbed.add(part);
      merged.push(merge(label, parts));
    }
  }
  return [...findings.filter((finding) => !absorbed.has(finding)), ...merged];
}

/** Nodes by each label that some but not all of them have; the largest sets first. */
function labelled(view: MeshView): [label: string, nodes: number[]][] {
  const sets = new Map<string, number[]>();
  for (const [node, { labels }] of view.matrix.nodes.entries()) {
    for (const [key, value] of labels) {
      const label = `${key}=${value}`;
      sets.set(label, [...sets.get(label) ?? [], node]);
    }
  }
  return [...sets].filter(([, nodes]) => nodes.length < view.size)
    .sort(([, a], [, b]) => b.length - a.length);
}

/** `label`: null for all nodes. */
function merge(label: string | null, parts: readonly Finding[]): Finding {
  const worst = parts.reduce((most, part) => part.weight > most.weight ? part : most);
  const regions: Region[] = parts.flatMap((part) => part.regions);
  return {
    ...worst,
    severity: gravest(parts),
    nodes: parts.flatMap(({ nodes }) => nodes),
    groups: label === null ? [] : [label],
    regions,
    text:
      `all ${parts.length} nodes${
        label === null ? "" : ` of ${label}`
      }: what they share is the likeliest cause; ` +
      `of the worst: ${worst.text}`,
  };
}

/** Rows that are not there or too old, unless their node is known to be gone or down. */
function withoutRow(view: MeshView, refused: readonly Finding[]): Finding[] {
  const down = new Set(
    refused.filter(({ nodes }) => nodes.length === 1).flatMap(({ nodes }) => nodes)
      .filter((node) => isDown(view, node)),
  );
  const reasons = new Map<string, number[]>();
  for (const node of view.all()) {
    const row = view.matrix.row(node);
    if (row.kind === "fresh" || view.gone.has(node) || down.has(node)) continue;
    const reason = row.kind === "missing" ? row.reason : "older than its window";
    reasons.set(reason, [...reasons.get(reason) ?? [], node]);
  }
  return [...reasons].map(([reason, nodes]) => ({
    kind: "no-row",
    severity: "notice",
    layer: "collection",
    direction: "from",
    nodes,
    groups: [],
    evidence: { rows: nodes.length },
    text: `${nodes.length === 1 ? "the row" : `${nodes.length} rows`} of ` +
      `${listText(view.names(nodes))} could not be used (${reason}): ` +
      `what ${nodes.length === 1 ? "it" : "they"} would say is not judged`,
    regions: [{ from: nodes, to: null }],
    weight: nodes.length,
  }));
}

/** Pairs that were never probed although both nodes are there: nothing is known of them. */
function* withoutProbe(view: MeshView): Steps<Finding[]> {
  const settled = settledNodes(view.matrix);
  const regions: { from: number[]; to: number[] }[] = [];
  for (const node of view.all()) {
    yield;
    const to = unprobed(view.matrix, node, settled);
    if (to.length > 0) regions.push({ from: [node], to });
  }
  if (regions.length === 0) return [];
  const pairs = regions.flatMap(({ from, to }) =>
    to.map((other) => `${view.name(from[0])} to ${view.name(other)}`)
  );
  return [{
    kind: "not-probed",
    severity: "notice",
    layer: "collection",
    direction: "from",
    nodes: regions.flatMap(({ from }) => from),
    groups: [],
    evidence: { pairs: pairs.length },
    text: `${counted(pairs.length, "pair")} of nodes that are there had no probe ` +
      `(${listText(pairs)}): nothing is known of ${pairs.length === 1 ? "it" : "them"}; ` +
      "a name that cannot be resolved there, say",
    regions,
    weight: pairs.length,
  }];
}
