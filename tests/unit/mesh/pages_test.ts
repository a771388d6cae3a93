import { assertEquals, assertStringIncludes } from "@std/assert";
import { FRESH_MS, Pages } from "../../../src/mesh/pages.ts";
import type { MeshRow } from "../../../src/domain/mesh_row.ts";
import { decodeRow } from "../../../src/mesh/row_json.ts";
import { FakeClock } from "../fake_clock.ts";
import { peer, row } from "./meshes.ts";

interface Answered {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

function pages(of: MeshRow): {
  ask(path: string): Promise<Answered>;
  readonly clock: FakeClock;
  readonly made: () => number;
} {
  const clock = new FakeClock();
  let made = 0;
  const all = new Pages({
    clock,
    row: () => {
      made++;
      return Promise.resolve(of);
    },
    pause: () => Promise.resolve(),
    token: null,
  });
  return {
    clock,
    made: () => made,
    async ask(path: string): Promise<Answered> {
      const headers = new Map<string, string>();
      const query = new URLSearchParams();
      const request = { method: "GET", path, query, host: null, headers, chunks: true } as const;
      const { status, contentType, body } = await all.answer(request);
      const text = typeof body === "string"
        ? body
        : new TextDecoder().decode(body as Uint8Array<ArrayBuffer>);
      return { status, contentType, text };
    },
  };
}

const ROW = row("me", { peers: [peer("b"), peer("c")] });

Deno.test("the row, the metrics and a sign of life each have their page", async () => {
  const { ask } = pages(ROW);
  const json = await ask("/row");
  assertEquals([json.status, json.contentType], [200, "application/json; charset=utf-8"]);
  assertEquals(decodeRow(json.text), ROW);
  const metrics = await ask("/metrics");
  assertEquals(metrics.contentType, "text/plain; version=0.0.4; charset=utf-8");
  assertStringIncludes(
    metrics.text,
    'wire_probe_mesh_rtt_p50_seconds{node="me",az="a",peer="b"} 0.0004\n',
  );
  assertEquals((await ask("/healthz")).text, "ok\n");
  assertStringIncludes((await ask("/")).text, "/metrics");
  for (const path of ["/rows", "/row/", "/../row", "//"]) {
    assertEquals((await ask(path)).status, 404, path);
  }
});

Deno.test("however many ask, a row is made once in a while", async () => {
  const { ask, clock, made } = pages(ROW);
  for (let i = 0; i < 50; i++) await Promise.all([ask("/row"), ask("/metrics")]);
  assertEquals(made(), 1);
  clock.stall(FRESH_MS);
  await ask("/row");
  assertEquals(made(), 2);
});

Deno.test("no page is older than a row may be, whichever was asked for before", async () => {
  const { ask, clock, made } = pages(ROW);
  for (const [first, second] of [["/metrics", "/row"], ["/row", "/metrics"]]) {
    const before = made();
    await ask(first);
    clock.stall(FRESH_MS - 1);
    await ask(second);
    assertEquals(made(), before + 1);
    clock.stall(1);
    await ask(second);
    assertEquals(made(), before + 2);
    clock.stall(FRESH_MS);
  }
});

Deno.test("a page of thousands of peers is whole", async () => {
  const names = Array.from({ length: 3000 }, (_, i) => `node-${i}.example.com`);
  const { ask } = pages(row("me", { peers: names.map((name) => peer(name)) }));
  const { text } = await ask("/metrics");
  const lines = text.split("\n").filter((line) => line.includes("rtt_p99"));
  assertEquals(lines.length, 3000 + 2);
  assertEquals(decodeRow((await ask("/row")).text).peers.length, 3000);
});
