import { assertEquals } from "@std/assert";
import { type LineStream, MAX_UNANSWERED } from "../../../src/sink/collectd_conversation.ts";
import { CollectdSocket } from "../../../src/sink/collectd_socket.ts";
import { FakeClock, settle } from "../fake_clock.ts";
import { record } from "../fixtures.ts";
import { property } from "../random.ts";
import { range, seqFormat } from "./seq_format.ts";

/** collectd's end of a connection: takes bytes and answers when told. */
class FakeStream implements LineStream {
  text = "";
  writes = 0;
  closed = false;
  /** Replies so far. */
  answers = 0;
  /** Writes take this many bytes at most; at 0 they wait. */
  most = Infinity;
  #replies: string[] = [];
  #reader: PromiseWithResolvers<number | null> | null = null;
  #into: Uint8Array = new Uint8Array(0);
  #writer: { bytes: Uint8Array; done: PromiseWithResolvers<number> } | null = null;
  #over: Error | null | undefined;

  read(into: Uint8Array): Promise<number | null> {
    this.#reader = Promise.withResolvers();
    this.#into = into;
    this.#move();
    return this.#reader?.promise ?? Promise.resolve(null);
  }

  write(bytes: Uint8Array): Promise<number> {
    this.writes++;
    const done = Promise.withResolvers<number>();
    this.#writer = { bytes, done };
    this.#move();
    return done.promise;
  }

  close(): void {
    this.closed = true;
    this.#reader?.reject(new Error("closed here"));
  }

  reply(text: string): Promise<void> {
    this.answers++;
    this.#replies.push(text);
    this.#move();
    return settle();
  }

  resume(): Promise<void> {
    this.most = Infinity;
    this.#move();
    return settle();
  }

  /** The other end goes away, after what it replied was read. */
  breakOff(): Promise<void> {
    this.#over = null;
    this.#writer?.done.reject(new Error("broken pipe"));
    this.#move();
    return settle();
  }

  get lines(): number[] {
    return this.text.split("\n").slice(0, -1).map(Number);
  }

  #move(): void {
    const writer = this.#writer;
    if (writer !== null && this.#over !== undefined) writer.done.reject(new Error("broken pipe"));
    else if (writer !== null && this.most > 0) {
      const size = Math.min(this.most, writer.bytes.length);
      this.text += new TextDecoder().decode(writer.bytes.subarray(0, size));
      this.#writer = null;
      writer.done.resolve(size);
    }
    const reader = this.#reader;
    if (reader === null) return;
    const text = this.#replies.shift();
    if (text !== undefined) {
      this.#into.set(new TextEncoder().encode(text));
      this.#reader = null;
      reader.resolve(text.length);
    } else if (this.#over !== undefined) reader.resolve(null);
  }
}

const OK = "0 Success: 1 value has been dispatched.\n";

const setUp = (lineBytes = 0, absent = false) => {
  const clock = new FakeClock();
  const streams: FakeStream[] = [];
  const said: string[] = [];
  const collectd = { absent, attempts: 0 };
  const exporter = new CollectdSocket("collectd", {
    format: seqFormat(lineBytes),
    connect: () => {
      collectd.attempts++;
      if (collectd.absent) return Promise.reject(new Error("No such file or directory"));
      const stream = new FakeStream();
      streams.push(stream);
      return Promise.resolve(stream);
    },
    clock,
    notice: (text) => said.push(text),
  });
  const put = async (from: number, to: number) => {
    for (const seq of range(from, to)) exporter.record(record({ seq }));
    await settle();
  };
  return { clock, streams, said, exporter, put, collectd };
};

const connected = async (lineBytes = 0) => {
  const all = setUp(lineBytes);
  await all.exporter.started;
  return all;
};

Deno.test("the lines of one turn leave in one write, whole and in order", async () => {
  const { streams: [stream], exporter, put } = await connected();
  await put(1, 3);
  assertEquals([stream.lines, stream.writes, exporter.waiting], [[1, 2, 3], 1, 3]);
  await stream.reply(OK + OK.slice(0, 9));
  await stream.reply(OK.slice(9) + OK);
  assertEquals([exporter.waiting, exporter.dropped], [0, 0]);
});

Deno.test("a stream that takes a few bytes at a time gets everything", async () => {
  const { streams: [stream], put } = await connected();
  stream.most = 2;
  await put(100, 104);
  assertEquals(stream.lines, range(100, 104));
});

Deno.test("without collectd lines are dropped at once, and it is said once", async () => {
  const { clock, said, exporter, put, collectd, streams } = setUp(0, true);
  await exporter.started;
  await put(1, 5);
  assertEquals([exporter.dropped, exporter.waiting], [5, 0]);
  await clock.advance(100 + 200 + 400);
  assertEquals(collectd.attempts, 4);
  collectd.absent = false;
  await clock.advance(5000);
  await put(6, 6);
  await streams[0].reply(OK);
  assertEquals([exporter.dropped, exporter.waiting, streams[0].lines], [5, 0, [6]]);
  assertEquals(said, [
    "collectd: cannot connect: No such file or directory; trying again",
    "collectd: delivering again after 5 dropped",
  ]);
});

Deno.test("attempts to connect come no more often than every five seconds in the end", async () => {
  const { clock, collectd } = setUp(0, true);
  await clock.advance(60_000);
  const before = collectd.attempts;
  await clock.advance(60_000);
  assertEquals(collectd.attempts - before, 12);
});

Deno.test("lines beyond what may be unanswered wait, and are dropped beyond that", async () => {
  const { streams: [stream], exporter, put } = await connected();
  await put(1, 128);
  await put(129, 256);
  assertEquals(stream.lines.length, MAX_UNANSWERED);
  await put(257, 384);
  await put(385, 400);
  assertEquals([stream.lines.length, exporter.waiting, exporter.dropped], [256, 384, 16]);
  await stream.reply(OK.repeat(50));
  assertEquals(stream.lines.length, 256);
  await stream.reply(OK.repeat(78));
  assertEquals([stream.lines.length, exporter.waiting], [384, 256]);
});

Deno.test("what waits while a write is stuck is bounded in lines and in bytes", async () => {
  const many = await connected();
  many.streams[0].most = 0;
  await many.put(1, 1);
  await many.put(1, 1000);
  assertEquals([many.exporter.waiting, many.exporter.dropped], [129, 872]);
  const long = await connected(1000);
  long.streams[0].most = 0;
  await long.put(1, 1);
  await long.put(1, 1000);
  assertEquals([long.exporter.waiting, long.exporter.dropped], [17, 984]);
  await long.streams[0].resume();
  assertEquals(long.streams[0].lines.length, 17);
});

Deno.test("to a collectd that has stopped nothing more is sent, and what waited is not late", async () => {
  const { clock, streams: [stream], exporter, put } = await connected();
  await put(1, 1);
  await clock.advance(900);
  await put(2, 2);
  assertEquals(stream.lines, [1, 2]);
  await clock.advance(200);
  await put(3, 4);
  await clock.advance(800);
  await put(5, 5);
  assertEquals([stream.lines, exporter.waiting], [[1, 2], 5]);
  await clock.advance(300);
  await put(6, 6);
  assertEquals([exporter.waiting, exporter.dropped], [3, 3]);
  await stream.reply(OK + OK);
  assertEquals([stream.lines, exporter.waiting], [[1, 2, 6], 1]);
});

Deno.test("lines that collectd refuses are counted, and it is said once", async () => {
  const { streams: [stream], said, exporter, put } = await connected();
  await put(1, 4);
  await stream.reply("-1 Type `latency'\u001b not found\n" + OK + "-1 again\n" + OK);
  assertEquals([exporter.dropped, exporter.waiting], [2, 0]);
  assertEquals(said, ["collectd: a line was refused: Type `latency' not found"]);
});

Deno.test("a line longer than collectd reads is not sent", async () => {
  const { streams: [stream], exporter, put } = await connected(1024);
  await put(1, 2);
  assertEquals([stream.text, exporter.dropped], ["", 2]);
});

Deno.test("a connection that breaks costs what was unanswered and what waited, no torn line", async () => {
  const { clock, streams, said, exporter, put } = await connected();
  await put(10, 12);
  await streams[0].reply(OK);
  streams[0].most = 1;
  streams[0].write = () => new Promise((_, reject) => breakWrite = reject);
  let breakWrite = (_: Error) => {};
  await put(13, 14);
  await put(15, 16);
  // The reply that came before the end still counts.
  breakWrite(new Error("broken pipe"));
  await streams[0].reply(OK);
  await streams[0].breakOff();
  assertEquals([exporter.dropped, exporter.waiting, streams[0].closed], [5, 0, true]);
  await put(17, 17);
  await clock.advance(100);
  await put(18, 19);
  assertEquals([streams[1].lines, exporter.dropped], [[18, 19], 6]);
  await streams[1].reply(OK);
  assertEquals(said, [
    "collectd: connection lost: collectd closed the connection",
    "collectd: delivering again after 6 dropped",
  ]);
});

Deno.test("after a write that failed a connection is given up even if its end stays open", async () => {
  const { clock, streams, exporter, put } = await connected();
  streams[0].write = () => Promise.reject(new Error("broken pipe"));
  await put(1, 2);
  assertEquals(exporter.dropped, 0);
  await clock.advance(500);
  assertEquals([exporter.dropped, streams[0].closed], [2, true]);
});

Deno.test("replies that make no sense end the connection", async () => {
  for (const reply of ["hello\n", "3 lines follow\n", OK + OK, "\n"]) {
    const { streams: [stream], exporter, put, said } = await connected();
    await put(1, 1);
    await stream.reply(reply);
    assertEquals([stream.closed, exporter.waiting], [true, 0]);
    assertEquals(said.at(-1)?.startsWith("collectd: connection lost: unexpected reply: "), true);
  }
});

Deno.test("closing waits for the answers", async () => {
  const { clock, streams: [stream], exporter, put } = await connected();
  await put(1, 2);
  const closed = exporter.close(1000);
  await stream.reply(OK + OK);
  await closed;
  assertEquals([exporter.dropped, stream.closed, clock.waiting], [0, true, 0]);
});

Deno.test("closing gives up in time and counts what was not answered", async () => {
  const { clock, streams: [stream], exporter, put } = await connected();
  stream.most = 0;
  await put(1, 2);
  await put(3, 5);
  const closed = exporter.close(1000);
  await clock.advance(1000);
  await closed;
  assertEquals([exporter.dropped, exporter.waiting, clock.waiting], [5, 0, 0]);
  await put(6, 6);
  assertEquals(exporter.dropped, 6);
});

Deno.test("closing without a connection ends at once and leaves no timer", async () => {
  const { clock, exporter } = setUp(0, true);
  await exporter.started;
  await settle();
  await exporter.close(1000);
  await settle();
  assertEquals(clock.waiting, 0);
});

Deno.test("a connection that comes after the close is closed", async () => {
  const { clock, streams, exporter } = setUp();
  await exporter.close(1000);
  await settle();
  assertEquals([streams[0].closed, clock.waiting], [true, 0]);
});

property("lines made = lines taken + dropped, whatever collectd does", 100, async (random) => {
  const { clock, streams, exporter, put } = setUp(random.int(2, 300));
  let made = 0;
  let taken = 0;
  for (let step = 0; step < 40; step++) {
    const count = random.int(0, 60);
    await put(1, count);
    made += count;
    const stream = streams.at(-1);
    for (let replies = random.int(0, 5); replies > 0; replies--) {
      if (stream === undefined || stream.closed || stream.lines.length <= stream.answers) break;
      const good = random.int(0, 3) > 0;
      if (good) taken++;
      await stream.reply(good ? OK : "-1 no\n");
    }
    if (random.int(0, 9) === 0) await stream?.breakOff();
    await clock.advance(random.int(0, 300));
    assertEquals(taken + exporter.dropped + exporter.waiting, made);
  }
  const closed = exporter.close(10);
  await clock.advance(10);
  await closed;
  assertEquals(taken + exporter.dropped, made);
});
