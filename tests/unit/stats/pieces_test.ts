import { assert, assertEquals } from "@std/assert";
import { type Piece, Pieces } from "../../../src/stats/pieces.ts";
import { property } from "../random.ts";

property("rows are blank, lie apart and may hold any kind of number", 20, (random) => {
  const pieces = new Pieces();
  const rows = Array.from({ length: random.int(1, 60) }, () => {
    const size = random.pick([0, 1, 7, 8, 400, 400, 4096]);
    const at = pieces.cut(size);
    return { piece: pieces.piece, at, size };
  });
  for (const [i, { piece, at, size }] of rows.entries()) {
    assertEquals(at % 8, 0);
    assert(at + size <= piece.bytes.length);
    const row = piece.bytes.subarray(at, at + size);
    assert(!row.some((byte) => byte !== 0), "another row was written");
    row.fill(1 + i % 255);
  }
  for (const [i, { piece, at, size }] of rows.entries()) {
    assert(piece.bytes.subarray(at, at + size).every((byte) => byte === 1 + i % 255));
  }
});

Deno.test("a few rows take little memory, and many take large pieces", () => {
  const pieces = new Pieces();
  pieces.cut(400);
  assertEquals(pieces.piece.bytes.length, 4096);
  assertEquals([pieces.cut(70_000), pieces.piece.bytes.length], [0, 70_000]);
  const all = new Set<Piece>();
  for (let i = 0; i < 10_000; i++) {
    pieces.cut(400);
    all.add(pieces.piece);
  }
  assert(all.size < 70, `${all.size} pieces`);
});
