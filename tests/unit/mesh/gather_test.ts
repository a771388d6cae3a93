import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  emptyMatrix,
  gatherRows,
  nodeOf,
  nodesOf,
  putRows,
  ROWS_AT_ONCE,
  rowsOf,
} from "../../../src/mesh/gather.ts";
import { UsageError } from "../../../src/domain/exit.ts";
import { MAX_MATRIX_NODES } from "../../../src/domain/matrix.ts";
import { encodeRow } from "../../../src/mesh/row_json.ts";
import { parseNodes } from "../../../src/input/nodes_file.ts";
import type { FetchRow } from "../../../src/mesh/row_fetch.ts";
import { nodes, peer, row } from "./meshes.ts";

const entriesOf = (count: number) =>
  parseNodes(Array.from({ length: count }, (_, i) => `n${i}=h${i} az=z rack=r`).join("\n"), "f");

Deno.test("every node is asked once, never more at once than the bound", async () => {
  let [underWay, most] = [0, 0];
  const asked: string[] = [];
  const fetchRow: FetchRow = async ({ target }) => {
    most = Math.max(most, ++underWay);
    await Promise.resolve();
    underWay--;
    asked.push(target.name);
    return { row: null, reason: "no" };
  };
  const entries = entriesOf(3 * ROWS_AT_ONCE + 1);
  let told = 0;
  await gatherRows(entries, fetchRow, 100, () => told++);
  assertEquals([asked.length, new Set(asked).size, told], [193, 193, 193]);
  assertEquals(most, ROWS_AT_ONCE);
});

Deno.test("a node that does not answer keeps no other from being heard", async () => {
  const [first, ...rest] = entriesOf(5);
  const { promise, resolve } = Promise.withResolvers<void>();
  const heard: string[] = [];
  const fetchRow: FetchRow = async (entry) => {
    if (entry === first) await promise;
    return { row: row(entry.target.name), reason: null };
  };
  const done = gatherRows([first, ...rest], fetchRow, 100, ({ target }) => {
    heard.push(target.name);
    if (heard.length === rest.length) resolve();
  });
  await done;
  assertEquals(heard, ["n1", "n2", "n3", "n4", "n0"]);
});

Deno.test("a node has its zone among its labels, and rows name nodes that have none", () => {
  assertEquals([...nodeOf(entriesOf(1)[0]).labels], [["az", "z"], ["rack", "r"]]);
  const found = nodesOf([
    row("a", { az: "z1", peers: [peer("b"), peer("c")] }),
    row("b", { az: "z2" }),
  ]);
  assertEquals(found.map(({ name, labels }) => [name, labels.get("az")]), [
    ["a", "z1"],
    ["b", "z2"],
    ["c", undefined],
  ]);
});

Deno.test("of a node with two rows the younger counts, wherever it stands", () => {
  const [older, younger] = [row("a", { wallMs: 1000 }), row("a", { wallMs: 2000 })];
  for (const order of [[older, younger], [younger, older]]) {
    const files = order.map((of, i) => [`f${i}`, encodeRow(of)] as const);
    assertEquals(rowsOf(files).map(({ wallMs }) => wallMs), [2000]);
  }
});

Deno.test("a file's bad row is named by file and number", () => {
  const text = `${encodeRow(row("a"))}{"schema":1}\n`;
  const error = assertThrows(() => rowsOf([["rows.json", text]]), UsageError);
  assertEquals(error.message, "rows.json: row 2: its schema is not wire-probe.mesh-row.v1");
});

Deno.test("rows of files are as old as the clocks say, and none is from the future", () => {
  const matrix = emptyMatrix(nodes(3), "az");
  const rows = [row("a1", { wallMs: 90_000, ageMs: 500 }), row("a2", { wallMs: 200_000 })];
  putRows(matrix, [...rows, row("stranger")], 100_000);
  const ages = [0, 1, 2].map((node) => {
    const state = matrix.row(node);
    return state.kind === "missing" ? state.reason : state.ageMs;
  });
  assertEquals(ages, [10_500, 0, "not in the files"]);
});

Deno.test("too many nodes for a matrix, or a label that nobody has, are refused", () => {
  assertThrows(
    () => emptyMatrix(nodes(MAX_MATRIX_NODES + 1), "az"),
    UsageError,
    "more than the 2000",
  );
  const error = assertThrows(() => emptyMatrix(nodes(2), "rock"), UsageError);
  assertEquals(error.message, "--group-by rock: no node has that label");
  assert(emptyMatrix([], "az").size === 0);
});
