import { assertEquals } from "@std/assert";
import { Matrix } from "../../../src/domain/matrix.ts";
import { arrange } from "../../../src/domain/mesh_node.ts";
import type { PeerFigures } from "../../../src/domain/mesh_row.ts";
import { ToldNodes } from "../../../src/mesh/told_nodes.ts";
import { triage } from "../../../src/mesh/triage/triage.ts";
import { peer, quantiles, row } from "./meshes.ts";

const DOWN: Partial<PeerFigures> = {
  refused: 20,
  recent: { bursts: 2, sent: 10, answered: 10, refused: 10, p50Us: null },
};
const UP: Partial<PeerFigures> = {
  recent: { bursts: 2, sent: 10, answered: 10, refused: 0, p50Us: 400 },
};

/** Of three nodes of which nothing but the name is listed; what each tells of a fourth one. */
function told(nodes: ToldNodes, ofFourth: Partial<PeerFigures> | null): Matrix {
  const names = ["n1", "n2", "n3"];
  const listed = names.map((name) => nodes.node({ name, labels: new Map([["az", "default"]]) }));
  const matrix = new Matrix(arrange(listed, "az"));
  for (const [i, name] of names.entries()) {
    const others = names.filter((other) => other !== name);
    const peers = others.map((other, j) =>
      peer(other, { ...UP, rtt: quantiles(400 + 10 * i + j) })
    );
    const all = ofFourth === null ? peers : [...peers, peer("n4", ofFourth)];
    const own = row(name, { az: i === 0 ? "z2" : "z1", labels: [["rack", name]], peers: all });
    matrix.put(own, 0);
    nodes.learn(matrix, own);
  }
  return nodes.told(matrix);
}

Deno.test("zones and labels are those of the rows, and figures stay with their pairs", () => {
  const nodes = new ToldNodes();
  for (const _ of [1, 2]) {
    const matrix = told(nodes, null);
    assertEquals(matrix.nodes.map(({ name }) => name), ["n2", "n3", "n1"]);
    assertEquals(matrix.groups.map(({ name }) => name), ["z1", "z2"]);
    assertEquals(matrix.nodes[2].labels.get("rack"), "n1");
    const at = (from: string, to: string) =>
      matrix.figure("rttP50", matrix.indexOf(from), matrix.indexOf(to));
    assertEquals([at("n1", "n2"), at("n1", "n3"), at("n2", "n1"), at("n3", "n2")], [
      400,
      401,
      410,
      421,
    ]);
  }
});

Deno.test("a node that is listed no more is missing unless it left or still answers", () => {
  const names = (ofFourth: Partial<PeerFigures>) =>
    told(new ToldNodes(), ofFourth).nodes.map(({ name }) => name).sort();
  assertEquals(names(DOWN), ["n1", "n2", "n3", "n4"]);
  assertEquals(names({ ...DOWN, left: true }), ["n1", "n2", "n3"]);
  assertEquals(names(UP), ["n1", "n2", "n3"]);
  const findings = triage(told(new ToldNodes(), DOWN));
  assertEquals(findings.map(({ kind, direction }) => `${kind} ${direction}`), ["refused to"]);
});
