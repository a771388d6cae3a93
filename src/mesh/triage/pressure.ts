/** Hosts that are short of CPU, memory or IO, and slowness that is theirs and not the network's. */
import { type Resource, RESOURCE_NAMES, RESOURCES } from "../../domain/host_pressure.ts";
import { type Finding, type FindingKind, regionsOf } from "../../domain/finding.ts";
import { median } from "../../stats/quantile.ts";
import { percentInWords, roundedShare } from "../../text/number.ts";
import { listText } from "../../text/words.ts";
import type { MeshView } from "./mesh_view.ts";

/**
 * The pressure must also be this many times what is usual in the mesh: where all hosts wait alike,
 * none stands out.
 */
const FACTOR = 2;
/** The findings that a host under pressure may cause. */
const HOSTS: ReadonlySet<FindingKind> = new Set(["slow-node", "slow-tail", "busy-prober", "cold"]);

/**
 * The findings, with latency of a host under pressure put down to the host; and a finding for each
 * such host that no other finding names.
 */
export function withPressure(view: MeshView, findings: readonly Finding[]): Finding[] {
  const pressed = pressedHosts(view);
  const named = new Set<number>();
  const explained = findings.map((finding): Finding => {
    const [node] = finding.nodes;
    const high = finding.nodes.length === 1 ? pressed.get(node) : undefined;
    if (high === undefined || !HOSTS.has(finding.kind)) return finding;
    named.add(node);
    return {
      ...finding,
      layer: "host",
      evidence: { ...finding.evidence, ...evidenceOf(view, node, high) },
      text: `${finding.text}; its host is under pressure (${pressureText(view, node, high)}), ` +
        "so look there before the network",
    };
  });
  const alone = [...pressed].filter(([node]) => !named.has(node) && !view.gone.has(node));
  return [...explained, ...alone.map(([node, high]) => pressureFinding(view, node, high))];
}

/** What each host that stands out is short of. */
function pressedHosts(view: MeshView): Map<number, Resource[]> {
  const pressed = new Map<number, Resource[]>();
  for (const key of RESOURCE_NAMES) {
    const shares = view.all().map((node) => pressureOf(view, node, key));
    for (const [node, share] of shares.entries()) {
      if (share === null || share < RESOURCES[key].share) continue;
      const others = shares.flatMap((other, at) => other === null || at === node ? [] : [other]);
      if (share < FACTOR * median(others)) continue;
      pressed.set(node, [...pressed.get(node) ?? [], key]);
    }
  }
  return pressed;
}

function pressureOf(view: MeshView, node: number, key: Resource): number | null {
  const row = view.matrix.row(node);
  return row.kind === "fresh" ? row.pressure?.[key] ?? null : null;
}

function pressureText(view: MeshView, node: number, high: readonly Resource[]): string {
  return listText(
    high.map((key) =>
      `${RESOURCES[key].short} ${percentInWords(pressureOf(view, node, key) ?? 0)} of the time`
    ),
  );
}

function evidenceOf(
  view: MeshView,
  node: number,
  high: readonly Resource[],
): Record<string, number> {
  return Object.fromEntries(
    high.map((key) => [`${key}_pressure`, roundedShare(pressureOf(view, node, key) ?? 0, 4)]),
  );
}

function pressureFinding(
  view: MeshView,
  node: number,
  high: readonly Resource[],
): Finding {
  return {
    kind: "host-pressure",
    severity: "warning",
    layer: "host",
    direction: "both",
    nodes: [node],
    groups: [],
    evidence: evidenceOf(view, node, high),
    text: `node ${view.name(node)}'s host is under pressure: ${pressureText(view, node, high)}; ` +
      "latency to and from it would be the host's, not the network's",
    regions: regionsOf([node], "both"),
    weight: Math.max(...high.map((key) => pressureOf(view, node, key) ?? 0)),
  };
}
