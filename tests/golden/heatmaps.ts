/** A fixed mesh, with something of everything, as every picture and text that is made of one. */
import { findingsText, terminalMatrix } from "../../src/format/heatmap/terminal.ts";
import { heatmapJson } from "../../src/format/heatmap/json.ts";
import { heatmapSvg } from "../../src/format/heatmap/svg.ts";
import { plain } from "../../src/format/paint.ts";
import { coverage, Matrix } from "../../src/domain/matrix.ts";
import { arrange } from "../../src/domain/mesh_node.ts";
import { triage } from "../../src/mesh/triage/triage.ts";
import { LOST, nodes, peer, quantiles, row } from "../unit/mesh/meshes.ts";

const SIZES = [4, 3, 3];

/** Zones 1 ms apart; b2 is slow, c3 is dead, a2's row is stale, a4 loses a little towards b1. */
function fixedMesh(): Matrix {
  const all = nodes(...SIZES);
  const matrix = new Matrix(arrange(all, "az"));
  for (const [i, { name: from }] of all.entries()) {
    if (from === "c3") {
      matrix.miss(matrix.indexOf(from), "no answer in time");
      continue;
    }
    const peers = all.flatMap(({ name: to }, j) => {
      if (from === to) return [];
      if (to === "c3") return [peer(to, LOST)];
      const zones = from[0] === to[0] ? 250 : 1000;
      const slow = from === "b2" || to === "b2" ? 1400 : 0;
      const p50Us = zones + slow + 7 * ((i * 5 + j * 3) % 11);
      const lossy = from === "a4" && to === "b1" ? { synRetransmits: 45 } : {};
      return [peer(to, { rtt: quantiles(p50Us, p50Us + 450), ...lossy })];
    });
    const az = from[0];
    matrix.put(row(from, { az, peers }), from === "a2" ? 400_000 : 1200);
  }
  return matrix;
}

/** By the names of their files. */
export function heatmapTexts(): ReadonlyMap<string, string> {
  const matrix = fixedMesh();
  const findings = triage(matrix);
  const found = findingsText(findings, coverage(matrix), plain, 100);
  const text = (columns: number, colour: boolean) =>
    terminalMatrix(matrix, "p50", { columns, colour });
  return new Map([
    ["wide.text", text(100, false) + found],
    ["wide.colour.text", text(100, true)],
    ["narrow.text", text(40, false)],
    ["narrow.colour.text", text(40, true)],
    ["groups.text", text(19, false)],
    ["retransmits.text", terminalMatrix(matrix, "retransmits", { columns: 100, colour: false })],
    ["p50.svg", heatmapSvg(matrix, "p50", findings)],
    ["loss.svg", heatmapSvg(matrix, "loss", null)],
    ["triage.json", heatmapJson(matrix, findings, "2026-11-21T09:00:00Z")],
  ]);
}
