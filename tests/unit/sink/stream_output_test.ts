import { assertEquals, assertFalse } from "@std/assert";
import { MAX_RECORD_BYTES } from "../../../src/format/record_format.ts";
import { Trouble } from "../../../src/sink/exporter.ts";
import { StreamOutput } from "../../../src/sink/stream_output.ts";
import { settle } from "../fake_clock.ts";
import { property } from "../random.ts";

/** A reader that takes bytes only when told, or goes away. */
class Reader {
  text = "";
  writes = 0;
  broken: unknown[] = [];
  #most: number;
  #next: { take: () => void; breakOff: (error: Error) => void } | null = null;

  constructor(most = Infinity) {
    this.#most = most;
  }

  readonly write = (bytes: Uint8Array): Promise<number> => {
    this.writes++;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const taken = Math.min(this.#most, bytes.length);
    const take = () => {
      // Read only now: the writer must not have touched what it handed over.
      this.text += new TextDecoder().decode(bytes.subarray(0, taken));
      resolve(taken);
    };
    this.#next = { take, breakOff: reject };
    return promise;
  };

  /** Lets the write under way end; false when there is none. */
  async take(): Promise<boolean> {
    await settle();
    const next = this.#next;
    this.#next = null;
    next?.take();
    await settle();
    return next !== null;
  }

  async breakOff(): Promise<void> {
    await settle();
    this.#next?.breakOff(new Error("the reader is gone"));
    await settle();
  }

  async takeAll(): Promise<void> {
    while (await this.take());
  }
}

const said: string[] = [];

/** Three buffers, full with so many bytes. */
function streamTo(reader: Reader, bytes = 64): StreamOutput {
  said.length = 0;
  return new StreamOutput({
    write: reader.write,
    bounds: { batches: 3, batchBytes: MAX_RECORD_BYTES + bytes },
    onBroken: (error) => reader.broken.push(error),
    trouble: new Trouble("stdout", (text) => said.push(text)),
  });
}

function put(stream: StreamOutput, line: string): void {
  stream.begin().ascii(line);
  stream.commit();
}

/** A stream into which these lines went in one turn, all of it taken by the reader. */
async function taken(reader: Reader, ...lines: readonly string[]): Promise<StreamOutput> {
  const stream = streamTo(reader);
  for (const line of lines) put(stream, line);
  await reader.takeAll();
  return stream;
}

Deno.test("lines arrive whole and in order", async () => {
  const reader = new Reader();
  const stream = await taken(reader, "one\n", "two\n");
  assertEquals([reader.text, stream.dropped], ["one\ntwo\n", 0]);
});

Deno.test("the lines of one turn leave in one write", async () => {
  const reader = new Reader();
  await taken(reader, "a\n", "b\n", "c\n");
  assertEquals([reader.writes, reader.text], [1, "a\nb\nc\n"]);
});

Deno.test("a reader that takes a few bytes at a time gets everything", async () => {
  const reader = new Reader(3);
  await taken(reader, "0123456789\n");
  assertEquals([reader.text, reader.writes], ["0123456789\n", 4]);
});

Deno.test("a line longer than any buffer is dropped and counted, its neighbours are not", async () => {
  const reader = new Reader();
  const stream = await taken(reader, "ok\n", `${"x".repeat(MAX_RECORD_BYTES + 100)}\n`, "fine\n");
  assertEquals([reader.text, stream.dropped], ["ok\nfine\n", 1]);
});

Deno.test("a reader that stopped costs the oldest lines, counted and said once", async () => {
  const reader = new Reader();
  const stream = streamTo(reader, 7);
  for (const line of ["1234567\n", "abcdefg\n", "hijklmn\n", "opqrstu\n", "vwxyz01\n"]) {
    put(stream, line);
    await settle();
  }
  await reader.takeAll();
  put(stream, "later\n");
  await reader.takeAll();
  assertEquals([reader.text, stream.dropped], ["1234567\nvwxyz01\nlater\n", 3]);
  assertEquals(said, [
    "stdout: not read in time: dropping the oldest lines",
    "stdout: delivering again after 3 dropped",
  ]);
});

Deno.test("a long text waits for room, and arrives whole", async () => {
  const reader = new Reader();
  const stream = streamTo(reader);
  const text = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join("");
  const printed = stream.print(text + "x".repeat(3 * MAX_RECORD_BYTES));
  await reader.takeAll();
  await printed;
  assertEquals(reader.text, text + "x".repeat(3 * MAX_RECORD_BYTES));
  assertEquals(stream.dropped, 0);
});

Deno.test("waiting for the flush ends when the last byte has left", async () => {
  const reader = new Reader(2);
  const stream = streamTo(reader);
  await stream.flushed();
  put(stream, "abcd");
  let flushed = false;
  stream.flushed().then(() => flushed = true);
  await reader.take();
  assertFalse(flushed);
  put(stream, "ef");
  await reader.take();
  assertFalse(flushed);
  await reader.takeAll();
  assertEquals([flushed, reader.text], [true, "abcdef"]);
});

Deno.test("a reader that has gone away is told of once, and all later lines are dropped", async () => {
  const reader = new Reader();
  const stream = streamTo(reader);
  put(stream, "one\n");
  put(stream, "two\n");
  await reader.breakOff();
  assertEquals(reader.broken.length, 1);
  assertEquals(stream.dropped, 2);
  put(stream, "three\n");
  put(stream, `${"x".repeat(100)}\n`);
  await stream.flushed();
  assertEquals([stream.dropped, reader.broken.length, reader.writes], [4, 1, 1]);
});

/** A stream whose first line is being written, and two more wait. */
async function writing(reader: Reader): Promise<StreamOutput> {
  const stream = streamTo(reader);
  put(stream, "one\n");
  await settle();
  put(stream, "two\n");
  put(stream, "three\n");
  return stream;
}

Deno.test("lines that came while another write was under way are dropped with it", async () => {
  const reader = new Reader();
  const stream = await writing(reader);
  await reader.breakOff();
  assertEquals(stream.dropped, 3);
});

Deno.test("lines that came during a write that went well count when the next one breaks", async () => {
  const reader = new Reader();
  const stream = await writing(reader);
  await reader.take();
  await reader.breakOff();
  assertEquals([reader.text, stream.dropped], ["one\n", 2]);
});

property("every line arrives whole and in order, or is counted as dropped", 200, async (random) => {
  const reader = new Reader(random.pick([1, 3, 7, Infinity]));
  const stream = streamTo(reader, random.int(4, 40));
  const put60: string[] = [];
  for (let i = 0; i < 60; i++) {
    const line = `${i}${"-".repeat(random.int(0, 12))}\n`;
    put60.push(line);
    put(stream, line);
    if (random.int(0, 2) === 0) await reader.take();
  }
  await reader.takeAll();
  const arrived = reader.text.split("\n").filter((line) => line !== "").map((line) => `${line}\n`);
  assertEquals(arrived, put60.filter((line) => arrived.includes(line)));
  assertEquals(arrived.length + stream.dropped, put60.length);
});
