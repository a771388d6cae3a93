/** Rows over real HTTP, from nodes that are slow, wrong, large or lie: each costs only itself. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { encodeRow, MAX_ROW_BYTES } from "../../src/mesh/row_json.ts";
import type { NodeEntry } from "../../src/input/nodes_file.ts";
import { type Fetched, rowFetcher } from "../../src/mesh/row_fetch.ts";
import type { Resolver } from "../../src/net/resolver.ts";
import { peer, row } from "../unit/mesh/meshes.ts";

/** Generous: only a node that never ends reaches it. */
const PATIENCE_MS = 30_000;
const IMPATIENCE_MS = 300;

/** Every name is this machine's, at two addresses of which the first refuses. */
const resolver: Resolver = { resolve: () => Promise.resolve(["::1", "127.0.0.1"]) };
const fetchRow = rowFetcher(null, resolver);

const entry = (port: number, host = "127.0.0.1"): NodeEntry => ({
  target: { name: "n1", host, port: 9999, az: "a", labels: [] },
  httpPort: port,
});

/** Asks a node that answers every request so. */
async function ask(
  answer: (request: Request) => Response | Promise<Response>,
  timeoutMs = PATIENCE_MS,
  host = "127.0.0.1",
): Promise<Fetched> {
  const ended = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: ended.signal, onListen: () => {} },
    answer,
  );
  try {
    return await fetchRow(entry(server.addr.port, host), timeoutMs);
  } finally {
    ended.abort();
    await server.finished;
  }
}

const GOOD = row("n1", { peers: [peer("n2")] });

Deno.test("a node's row is asked for below its HTTP port", async () => {
  let asked = "";
  const fetched = await ask((request) => {
    asked = `${request.method} ${new URL(request.url).pathname}`;
    return new Response(encodeRow(GOOD));
  });
  assertEquals(asked, "GET /row");
  assertEquals(fetched, { row: GOOD, reason: null });
});

const WRONG: readonly [what: string, answer: () => Response, reason: string][] = [
  ["a status", () => new Response("", { status: 503 }), "answered with HTTP status 503"],
  [
    "a redirect",
    () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1:1/" } }),
    "answered with HTTP status 302",
  ],
  ["another's row", () => new Response(encodeRow(row("n2"))), "the row is another node's"],
  ["no JSON", () => new Response("<html>"), "its row: not JSON"],
  ["an empty body", () => new Response(null), "its row: not JSON"],
  [
    "counts that lie",
    () => new Response(encodeRow(row("n1", { peers: [peer("n2", { lost: 5 })] }))),
    "its row: peers[0]: its counts contradict each other",
  ],
];

Deno.test("an answer that is no row of this node is refused with the reason", async () => {
  for (const [what, answer, reason] of WRONG) {
    assertEquals(await ask(answer), { row: null, reason }, what);
  }
});

Deno.test("a body without end is given up at the bound", async () => {
  let sent = 0;
  const chunk = new Uint8Array(256 * 1024).fill(32);
  const endless = () =>
    new Response(
      new ReadableStream({
        pull(controller): void {
          sent += chunk.length;
          controller.enqueue(chunk);
        },
      }),
    );
  const fetched = await ask(endless);
  assertEquals(fetched.reason, `its row: larger than ${MAX_ROW_BYTES} bytes`);
  assert(sent < 16 * MAX_ROW_BYTES, `${sent} bytes were taken`);
});

Deno.test("that bound holds where a length is told beside chunks without end", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let sent = 0;
  const serving = (async () => {
    using connection = await listener.accept();
    const write = async (bytes: Uint8Array) => {
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    };
    const text = (text: string) => write(new TextEncoder().encode(text));
    await connection.read(new Uint8Array(1024));
    await text("HTTP/1.1 200 OK\r\ncontent-length: 10\r\ntransfer-encoding: chunked\r\n\r\n");
    const chunk = new Uint8Array(2 ** 18 + 2).fill(32);
    chunk.set([13, 10], 2 ** 18);
    // More than any bound; ends when the asker hangs up.
    for (; sent < 32 * MAX_ROW_BYTES; sent += 2 ** 18) {
      await text("40000\r\n");
      await write(chunk);
    }
  })().catch(() => {});
  const { reason } = await fetchRow(entry(listener.addr.port), PATIENCE_MS);
  listener.close();
  await serving;
  assert(reason !== null, "taken for a row");
  assert(sent < 16 * MAX_ROW_BYTES, `${sent} bytes were taken`);
});

Deno.test("a node that is silent, or stops in the middle, costs its time and no more", async () => {
  const never = new Promise<Response>((resolve) => setTimeout(() => resolve(new Response()), 2000));
  assertEquals(await ask(() => never, IMPATIENCE_MS), { row: null, reason: "no answer in time" });
  await never;
  const half = () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(10).fill(32)),
      }),
    );
  assertEquals(await ask(half, IMPATIENCE_MS), { row: null, reason: "no answer in time" });
});

Deno.test("a port on which nothing listens is named in words", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { reason } = await fetchRow(entry(port), PATIENCE_MS);
  assertEquals(reason, "Connection refused");
});

Deno.test("a peer that speaks no HTTP is refused", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(1024));
    await connection.write(new TextEncoder().encode("\u001b[2J hello\r\n\r\n"));
  })();
  const { row: found, reason } = await fetchRow(entry(listener.addr.port), PATIENCE_MS);
  assertEquals(found, null);
  assert(reason !== null && !/\p{Cc}/u.test(reason), String(reason));
  await serving;
  listener.close();
});

Deno.test("a node that is named is asked at its addresses until one answers, and called by its name", async () => {
  let called = "";
  const answer = (request: Request) => {
    called = new URL(request.url).host;
    return new Response(encodeRow(GOOD));
  };
  const fetched = await ask(answer, PATIENCE_MS, "db.test");
  assertEquals(fetched, { row: GOOD, reason: null });
  assertMatch(called, /^db\.test:\d+$/);
});

Deno.test("why a node's name has no address is its reason, and a look-up is waited for no longer than the node", async () => {
  const failing: Resolver = { resolve: () => Promise.reject(new Error("no such name")) };
  const silent: Resolver = { resolve: () => new Promise(() => {}) };
  const asked = [failing, silent].map((one) =>
    rowFetcher(null, one)(entry(1, "gone.test"), IMPATIENCE_MS)
  );
  assertEquals((await Promise.all(asked)).map(({ reason }) => reason), [
    "cannot resolve gone.test: no such name",
    "no answer in time",
  ]);
  const stopped = new AbortController();
  const waiting = rowFetcher(null, silent)(entry(1, "gone.test"), PATIENCE_MS, stopped.signal);
  stopped.abort();
  assertEquals((await waiting).reason, "not waited for");
});
