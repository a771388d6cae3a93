import { assert, assertEquals } from "@std/assert";
import { MAX_RECORD_BYTES } from "../../../src/format/record_format.ts";
import type { Reply } from "../../../src/sink/http_post.ts";
import { InfluxHttp } from "../../../src/sink/influx_http.ts";
import { Trouble } from "../../../src/sink/exporter.ts";
import { OutputQueue } from "../../../src/sink/output_queue.ts";
import { FakeClock, settle } from "../fake_clock.ts";
import { record } from "../fixtures.ts";
import { property } from "../random.ts";
import { numbersOf, range, seqFormat } from "./seq_format.ts";

/** A server that answers when told. */
class FakeServer {
  /** What it was sent, request by request. */
  readonly requests: number[][] = [];
  readonly stored: number[] = [];
  /** Answers at once with this, when set. */
  automatic: Reply | null = null;
  #answer: ((reply: Reply | Error) => void) | null = null;

  readonly post = (body: Uint8Array, signal: AbortSignal): Promise<Reply> => {
    assert(this.#answer === null, "one request at a time");
    const numbers = numbersOf(new TextDecoder().decode(body));
    this.requests.push(numbers);
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#answer = (reply) => {
      this.#answer = null;
      if (reply instanceof Error) return reject(reply);
      if (reply.status === 204) this.stored.push(...numbers);
      resolve(reply);
    };
    signal.addEventListener("abort", () => this.#answer?.(signal.reason), { once: true });
    if (this.automatic !== null) this.#answer(this.automatic);
    return promise;
  };

  get busy(): boolean {
    return this.#answer !== null;
  }

  async answer(status: number, message = ""): Promise<void> {
    await settle();
    this.#answer?.({ status, message });
    await settle();
  }

  async breakOff(): Promise<void> {
    await settle();
    this.#answer?.(new Error("connection refused"));
    await settle();
  }
}

/** Lines of 10 bytes, ten to a batch. */
const QUEUE = { batches: 4, batchBytes: MAX_RECORD_BYTES + 99 };
const BOUNDS = {
  flushMs: 1000,
  timeoutMs: 10_000,
  backoff: { firstMs: 1000, mostMs: 4000 },
};

const setUp = (bounds = QUEUE) => {
  const clock = new FakeClock();
  const server = new FakeServer();
  const said: string[] = [];
  const details: string[] = [];
  const parts = {
    format: seqFormat(10),
    post: server.post,
    clock,
    output: {
      queue: new OutputQueue(bounds),
      trouble: new Trouble("db", (text) => said.push(text), (text) => details.push(text)),
    },
  };
  const exporter = new InfluxHttp(parts, BOUNDS);
  const put = (from: number, to: number) => {
    for (const seq of range(from, to)) exporter.record(record({ seq }));
  };
  return { clock, server, said, details, exporter, put };
};

Deno.test("a full batch leaves at once, another after a second", async () => {
  const { clock, server, exporter, put } = setUp();
  put(1, 12);
  assertEquals(server.requests, [range(1, 10)]);
  await server.answer(204);
  await clock.advance(999);
  assertEquals(server.requests.length, 1);
  await clock.advance(1);
  assertEquals(server.requests.slice(1), [[11, 12]]);
  await server.answer(204);
  assertEquals([exporter.dropped, exporter.waiting, clock.waiting], [0, 0, 0]);
});

Deno.test("one request is in flight, and the batches behind it follow in order", async () => {
  const { server, put } = setUp();
  put(1, 30);
  assertEquals(server.requests.length, 1);
  for (let i = 0; i < 3; i++) await server.answer(204);
  assertEquals(server.stored, range(1, 30));
});

Deno.test("a server that fails gets the same batch again, later each time; it is said once", async () => {
  const { clock, server, said, put } = setUp();
  put(1, 10);
  await server.answer(503, '{"message":"busy"}');
  const waits = [1000, 2000, 4000, 4000];
  for (const [i, wait] of waits.entries()) {
    await clock.advance(wait - 1);
    assertEquals(server.requests.length, i + 1);
    await clock.advance(1);
    assertEquals(server.requests.length, i + 2);
    await (i % 2 === 0 ? server.breakOff() : server.answer(401));
  }
  await clock.advance(4000);
  await server.answer(204);
  assertEquals([server.stored, server.requests.length], [range(1, 10), 6]);
  assertEquals(said, [
    'db: cannot write: HTTP 503 {"message":"busy"}; trying again',
    "db: delivering again after 0 dropped",
  ]);
});

Deno.test("a server that is silent is given up on after the timeout", async () => {
  const { clock, server, said, put } = setUp();
  put(1, 10);
  await clock.advance(9_999);
  assertEquals(server.busy, true);
  await clock.advance(1);
  assertEquals([server.busy, said], [
    false,
    ["db: cannot write: no answer within 10 s; trying again"],
  ]);
  await clock.advance(1000);
  assertEquals(server.requests.length, 2);
});

Deno.test("while the server is away the oldest batch that was not sent is dropped", async () => {
  const { clock, server, said, exporter, put } = setUp();
  server.automatic = { status: 503, message: "" };
  put(1, 10);
  await settle();
  put(11, 95);
  // 1–10 was sent; of the nine others, four buffers leave room for two and what is being filled.
  assertEquals([exporter.dropped, exporter.waiting], [60, 35]);
  server.automatic = { status: 204, message: "" };
  await clock.advance(5000);
  assertEquals(server.stored, [...range(1, 10), ...range(71, 95)]);
  assertEquals([exporter.dropped, exporter.waiting], [60, 0]);
  assertEquals(said.at(-1), "db: delivering again after 60 dropped");
});

Deno.test("few lines a second share a batch while the server is away", async () => {
  const { clock, server, exporter, put } = setUp();
  put(1, 1);
  await clock.advance(1000);
  for (let seq = 2; seq <= 25; seq++) {
    put(seq, seq);
    await clock.advance(200);
  }
  assertEquals([server.requests.length, exporter.dropped, exporter.waiting], [1, 0, 25]);
  await server.answer(204);
  await server.answer(204);
  await server.answer(204);
  // What is left came after a batch that was full, and has its own second to wait.
  await clock.advance(1000);
  await server.answer(204);
  assertEquals([server.stored, exporter.waiting], [range(1, 25), 0]);
});

/** Answers by what a request holds. */
function judging(server: FakeServer, judge: (numbers: number[]) => Reply): void {
  Object.defineProperty(server, "automatic", { get: () => judge(server.requests.at(-1) ?? []) });
}

const STORED: Reply = { status: 204, message: "" };

Deno.test("of a refused batch all lines but the bad ones are stored; it is said once", async () => {
  for (const status of [400, 422]) {
    const { server, said, exporter, put } = setUp();
    const bad = { status, message: "unable to\nparse" };
    judging(server, (numbers) => numbers.includes(7) || numbers.includes(13) ? bad : STORED);
    put(1, 30);
    await settle(50);
    const good = range(1, 30).filter((n) => n !== 7 && n !== 13);
    assertEquals(server.stored.toSorted((a, b) => a - b), good);
    assertEquals([exporter.dropped, exporter.waiting], [2, 0]);
    assertEquals(said, [`db: lines refused: HTTP ${status} unable to parse`]);
  }
});

Deno.test("where half of the lines are bad, the others are stored all the same", async () => {
  const { clock, server, exporter, put } = setUp({
    batches: 4,
    batchBytes: MAX_RECORD_BYTES + 2999,
  });
  judging(
    server,
    (numbers) => numbers.some((n) => n % 2 === 0) ? { status: 400, message: "" } : STORED,
  );
  put(1, 300);
  await clock.advance(1000);
  await settle(5000);
  const good = range(1, 300).filter((n) => n % 2 === 1);
  assertEquals(server.stored.toSorted((a, b) => a - b), good);
  assertEquals([exporter.dropped, exporter.waiting], [150, 0]);
});

Deno.test("a batch of bad lines alone is given up after a bounded number of tries", async () => {
  const { server, exporter, put } = setUp();
  server.automatic = { status: 400, message: "no" };
  put(1, 10);
  await settle(50);
  assertEquals([exporter.dropped, exporter.waiting], [10, 0]);
  assert(server.requests.length < 30);
});

Deno.test("what is too large is sent in halves, and further batches in parts at once", async () => {
  const { server, exporter, put } = setUp();
  judging(server, (numbers) => numbers.length > 4 ? { status: 413, message: "" } : STORED);
  put(1, 10);
  await settle(50);
  const first = server.requests.length;
  put(11, 20);
  await settle(50);
  assertEquals([server.stored, exporter.dropped], [range(1, 20), 0]);
  assertEquals(server.requests.slice(first).every((numbers) => numbers.length <= 4), true);
});

Deno.test("of a partial write only the points not stored are counted, whatever its status", async () => {
  for (const status of [400, 500]) {
    const { server, said, exporter, put } = setUp();
    put(1, 10);
    await server.answer(status, '{"error":"partial write: field type conflict: … dropped=3"}');
    assertEquals([exporter.dropped, exporter.waiting], [3, 0]);
    put(11, 20);
    await server.answer(status, '{"error":"partial write: unable to parse: … dropped=0"}');
    assertEquals([exporter.dropped, exporter.waiting], [4, 0]);
    put(21, 30);
    await server.answer(status, '{"error":"partial write: … dropped=99"}');
    assertEquals([exporter.dropped, server.requests.length], [14, 3]);
    assertEquals([said.length, said[0].startsWith(`db: lines refused: HTTP ${status} {`)], [
      1,
      true,
    ]);
  }
});

Deno.test("a batch that the server fails on does not hold up those behind it for ever", async () => {
  const { clock, server, exporter, put } = setUp();
  const failed = { status: 500, message: "panic" };
  judging(server, (numbers) => numbers.includes(3) ? failed : STORED);
  put(1, 30);
  await clock.advance(60_000);
  await settle(50);
  assertEquals(server.stored.toSorted((a, b) => a - b), range(1, 30).filter((n) => n !== 3));
  assertEquals([exporter.dropped, exporter.waiting], [1, 0]);
});

Deno.test("while a server fails on everything nothing is given up", async () => {
  const { clock, server, exporter, put } = setUp();
  server.automatic = { status: 500, message: "panic" };
  put(1, 25);
  await clock.advance(120_000);
  assertEquals([exporter.dropped, exporter.waiting], [0, 25]);
  server.automatic = STORED;
  await clock.advance(10_000);
  assertEquals(server.stored.toSorted((a, b) => a - b), range(1, 25));
});

Deno.test("closing delivers what is left", async () => {
  const { clock, server, exporter, put } = setUp();
  put(1, 15);
  const closed = exporter.close(2000);
  await server.answer(204);
  await server.answer(204);
  await closed;
  assertEquals([server.stored, exporter.dropped, clock.waiting], [range(1, 15), 0, 0]);
});

Deno.test("closing tries at once what waits for its next attempt", async () => {
  const { server, exporter, put } = setUp();
  put(1, 10);
  await server.answer(503);
  const closed = exporter.close(2000);
  await server.answer(204);
  await closed;
  assertEquals([server.stored.length, exporter.dropped], [10, 0]);
});

Deno.test("closing gives up in time and counts what was not answered", async () => {
  const { clock, server, details, exporter, put } = setUp();
  put(1, 15);
  const closed = exporter.close(2000);
  await clock.advance(2000);
  await closed;
  assertEquals([exporter.dropped, exporter.waiting, server.requests.length], [15, 0, 1]);
  assertEquals(details, ["db: given up at the end"]);
  put(16, 17);
  assertEquals([exporter.dropped, clock.waiting], [17, 0]);
});

Deno.test("closing with nothing to deliver ends at once", async () => {
  const { clock, exporter } = setUp();
  await exporter.close(2000);
  assertEquals(clock.waiting, 0);
});

property("lines made = lines stored + dropped, whatever the server does", 100, async (random) => {
  const { clock, server, exporter, put } = setUp();
  let made = 0;
  for (let step = 0; step < 40; step++) {
    const count = random.int(0, 25);
    put(made + 1, made + count);
    made += count;
    const fate = random.int(0, 4);
    if (fate === 0) await server.answer(503);
    else if (fate === 1) await server.answer(400);
    else if (fate < 4) await server.answer(204);
    await clock.advance(random.int(0, 1500));
    assertEquals(server.stored.length + exporter.dropped + exporter.waiting, made);
  }
  server.automatic = { status: 204, message: "" };
  await server.answer(204);
  await exporter.close(1000);
  assertEquals(server.stored.length + exporter.dropped, made);
  assertEquals(new Set(server.stored).size, server.stored.length);
});
