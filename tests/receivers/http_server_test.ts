/** The HTTP server on loopback, against peers that are slow, silent, greedy or random. */
import { HttpAccess } from "../../src/net/http_access.ts";
import { assert, assertEquals, assertLess, assertLessOrEqual, assertThrows } from "@std/assert";
import { SystemError } from "../../src/domain/exit.ts";
import { openBreakOff } from "../../src/kernel/break_off.ts";
import type { HttpRequest } from "../../src/net/http_request.ts";
import { type HttpResponse, textResponse } from "../../src/net/http_response.ts";
import { HTTP_LIMITS, type HttpLimits } from "../../src/net/http_limits.ts";
import { type HttpPorts, HttpServer } from "../../src/net/http_server.ts";
import { systemClock } from "../../src/time/clock.ts";
import { Random } from "../unit/random.ts";
import {
  ask,
  close,
  descriptors,
  dial,
  get,
  joinChunks,
  parseAnswer,
  pause,
  readToEnd,
  send,
  until,
} from "./http_client.ts";

/** Short enough to be waited for. */
const SHORT: HttpLimits = {
  ...HTTP_LIMITS,
  connections: 8,
  headMs: 1000,
  writeMs: 300,
  responseMs: 700,
  lingerMs: 200,
};
const PIECE = new Uint8Array(64 * 1024).fill(120);
const PORTS: HttpPorts = {
  clock: systemClock,
  breakOff: openBreakOff(),
  access: new HttpAccess(["a"], null),
};

/** Pages whose response is over. */
let done = 0;

async function* endless(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (;;) {
    yield PIECE;
    await pause(0);
  }
}

async function* pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const text of ["one ", "", "two ", "three"]) {
    yield new TextEncoder().encode(text);
    await pause(1);
  }
}

async function* breaking(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield new TextEncoder().encode("part");
  await pause(1);
  throw new Error("no more");
}

function handler({ method, path, query }: HttpRequest): Promise<HttpResponse> {
  const page = (body: HttpResponse["body"]) =>
    Promise.resolve({ status: 200, contentType: "text/plain", body, done: () => void done++ });
  switch (path) {
    case "/":
      return page(`${method} ${query.get("a")}`);
    case "/pieces":
      return page(pieces());
    case "/endless":
      return page(endless());
    case "/large":
      return page(new Uint8Array(32 * 2 ** 20));
    case "/breaking":
      return page(breaking());
    case "/throws":
      throw new Error("at once");
    case "/rejects":
      return Promise.reject(new Error("later"));
    default:
      return Promise.resolve(textResponse(404, "not here"));
  }
}

/** Runs `body` with a server, then sees that no connection and no descriptor is left of it. */
function served(
  name: string,
  limits: HttpLimits,
  body: (server: HttpServer) => Promise<void>,
): void {
  Deno.test(name, async () => {
    done = 0;
    const before = descriptors();
    const server = new HttpServer("127.0.0.1", 0, handler, { ...PORTS, limits });
    try {
      await body(server);
      assertEquals((await get(server.port, "/?a=alive"))?.body, "GET alive");
      await until("no connection is left", () => server.connections === 0);
    } finally {
      server.close();
    }
    await until("no descriptor is left", () => descriptors() <= before);
  });
}

served("a request is answered, and the connection closed", HTTP_LIMITS, async ({ port }) => {
  const answer = await get(port, "/?a=b%20c");
  assertEquals([answer?.status, answer?.body], [200, "GET b c"]);
  assertEquals(answer?.headers.get("content-length"), "7");
  assertEquals(answer?.headers.get("content-type"), "text/plain");
  assertEquals(answer?.headers.get("connection"), "close");
});

served("HEAD has the headers of GET and no body", HTTP_LIMITS, async ({ port }) => {
  for (const path of ["/?a=1", "/pieces", "/endless"]) {
    const answer = await ask(port, `HEAD ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assertEquals([answer?.status, answer?.body], [200, ""], path);
  }
  assertEquals(done, 3);
});

served("a body in pieces is whole, in chunks or until the end", HTTP_LIMITS, async ({ port }) => {
  const answer = await get(port, "/pieces");
  assertEquals(answer?.headers.get("transfer-encoding"), "chunked");
  assertEquals(joinChunks(answer?.body ?? ""), "one two three");
  const old = await ask(port, "GET /pieces HTTP/1.0\r\n\r\n");
  assertEquals([old?.headers.has("transfer-encoding"), old?.body], [false, "one two three"]);
});

served("fetch understands the answers", HTTP_LIMITS, async ({ port }) => {
  for (const [path, text] of [["/?a=1", "GET 1"], ["/pieces", "one two three"]]) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    assertEquals(await response.text(), text);
  }
});

served("a body that fails is cut off before its last chunk", HTTP_LIMITS, async ({ port }) => {
  const answer = await get(port, "/breaking");
  assertEquals(answer?.body, "4\r\npart");
  assertEquals(done, 1);
});

served("what cannot be answered is refused with its status", SHORT, async ({ port }) => {
  const cases: readonly [string, number][] = [
    ["GET /no HTTP/1.1\r\nHost: a\r\n\r\n", 404],
    ["GET / HTTP/1.1\r\n\r\n", 400],
    ["nonsense\r\n\r\n", 400],
    ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405],
    ["GET /throws HTTP/1.1\r\nHost: a\r\n\r\n", 500],
    ["GET /rejects HTTP/1.1\r\nHost: a\r\n\r\n", 500],
    ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
    ["GET / HTTP/1.1\r\nHo", 408],
    ["", 408],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(9000)}\r\n\r\n`, 431],
    [`GET /${"x".repeat(100_000)}`, 431],
  ];
  for (const [text, status] of cases) {
    const what = text.slice(0, 40);
    assertEquals((await ask(port, text))?.status, status, what);
  }
  const refused = await ask(port, "PUT / HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals(refused?.headers.get("allow"), "GET, HEAD");
});

served("a peer that still sends its body gets its refusal", HTTP_LIMITS, async ({ port }) => {
  const body = "b".repeat(60_000);
  const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
  for (let i = 0; i < 20; i++) assertEquals((await ask(port, head + body))?.status, 405);
});

served("a request that ends its side is answered, one cut short refused", SHORT, async (server) => {
  for (const [text, status] of [["GET / HTTP/1.0\r\n\r\n", 200], ["GET / HT", 400]] as const) {
    const connection = await dial(server.port);
    await send(connection, text);
    await connection.closeWrite();
    assertEquals(parseAnswer(await readToEnd(connection))?.status, status);
    connection.close();
  }
});

served("a byte now and then does not hold a connection", SHORT, async ({ port }) => {
  const connection = await dial(port);
  const startMs = performance.now();
  const reading = readToEnd(connection);
  let ended = false;
  reading.then(() => ended = true);
  for (let i = 0; !ended && i < 1000; i++) {
    await send(connection, "x").catch(() => {});
    await pause(20);
  }
  assertEquals(parseAnswer(await reading)?.status, 408);
  assertLess(performance.now() - startMs, 10 * SHORT.headMs);
  connection.close();
});

served("peers that never read are broken off, and free their places", SHORT, async (server) => {
  const silent = await Promise.all(Array.from({ length: 8 }, () => dial(server.port)));
  for (const [i, connection] of silent.entries()) {
    await send(connection, `GET /${i % 2 === 0 ? "endless" : "large"} HTTP/1.0\r\n\r\n`);
  }
  await until("all are being served", () => server.connections === 8);
  await until("all are broken off", () => server.connections === 0);
  assertEquals(done, 8);
  silent.forEach(close);
});

served("a peer that reads too slowly is broken off in the end", SHORT, async (server) => {
  const connection = await dial(server.port);
  await send(connection, "GET /endless HTTP/1.0\r\n\r\n");
  const buffer = new Uint8Array(4096);
  await connection.read(buffer);
  const startMs = performance.now();
  while (server.connections > 0 && performance.now() - startMs < 5000) {
    await pause(20);
    if (await connection.read(buffer).catch(() => null) === null) break;
  }
  await until("it is broken off", () => server.connections === 0);
  connection.close();
});

served("connections beyond the bound wait for their turn", SHORT, async (server) => {
  const idle = await Promise.all(Array.from({ length: 40 }, () => dial(server.port)));
  const waiting = get(server.port, "/?a=late");
  for (let i = 0; i < 20; i++) {
    assertLessOrEqual(server.connections, SHORT.connections);
    await pause(10);
  }
  idle.slice(20).forEach(close);
  assertEquals((await waiting)?.body, "GET late");
  idle.forEach(close);
});

Deno.test("closing the server ends everything at once", async () => {
  const before = descriptors();
  const server = new HttpServer("127.0.0.1", 0, handler, PORTS);
  const peers = await Promise.all(Array.from({ length: 12 }, () => dial(server.port)));
  for (const [i, peer] of peers.entries()) {
    if (i % 3 > 0) {
      await send(peer, `GET /endless HTTP/1.${i % 2}\r\n${i % 3 > 1 ? "Host" : "\r\n"}`);
    }
  }
  await until("all are accepted", () => server.connections === 12);
  await pause(50);
  server.close();
  server.close();
  await until("none is left", () => server.connections === 0);
  peers.forEach(close);
  await until("no descriptor is left", () => descriptors() <= before);
});

Deno.test("a port in use is a system error in one line", () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const open = () => new HttpServer("127.0.0.1", port, handler, { ...PORTS, breakOff: null });
  const { message } = assertThrows(open, SystemError);
  assert(message.startsWith(`cannot listen on 127.0.0.1:${port}: `), message);
  listener.close();
});

/** What one random peer does, told by its seed. */
async function misbehave(port: number, random: Random): Promise<void> {
  const connection = await dial(port);
  try {
    const path = random.pick(["/", "/pieces", "/endless", "/large", "/throws", "/breaking"]);
    const request = new TextEncoder().encode(
      `${random.pick(["GET", "HEAD", "POST"])} ${path} HTTP/1.${random.int(0, 1)}\r\n` +
        `Host: a\r\nX: ${"y".repeat(random.pick([0, 10, 8000, 70_000]))}\r\n\r\n`,
    );
    const noise = Uint8Array.from({ length: random.int(0, 9000) }, () => random.int(0, 255));
    const data = random.pick([request, request.slice(0, random.int(0, request.length)), noise]);
    if (random.int(0, 3) === 0) {
      data[random.int(0, Math.max(0, data.length - 1))] = random.int(0, 255);
    }
    const cut = random.int(0, data.length);
    await send(connection, data.subarray(0, cut));
    if (random.int(0, 1) === 0) await pause(random.int(0, 30));
    await send(connection, data.subarray(cut));
    const after = random.int(0, 4);
    if (after === 0) await connection.closeWrite();
    if (after <= 1) await connection.read(new Uint8Array(random.int(1, 5000)));
    if (after === 2) await pause(random.int(0, 400));
    if (after === 3 && path !== "/endless" && path !== "/large") await readToEnd(connection);
  } catch {
    // The server may end it at any moment.
  } finally {
    close(connection);
  }
}

/** The same ones each time; `task fuzz` draws others. */
const first = 1;

served(`300 mad peers, from seed ${first} on, leave it as it was`, SHORT, async (server) => {
  const rssBefore = Deno.memoryUsage().rss;
  const seeds = Array.from({ length: 300 }, (_, i) => (first + i) >>> 0).values();
  const worker = async () => {
    for (const seed of seeds) {
      await misbehave(server.port, new Random(seed));
      assertLessOrEqual(server.connections, SHORT.connections);
    }
  };
  await Promise.all(Array.from({ length: 12 }, worker));
  await until("no connection is left", () => server.connections === 0);
  assertLess(Deno.memoryUsage().rss - rssBefore, 512 * 2 ** 20);
});
