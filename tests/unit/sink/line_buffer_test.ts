import { assert, assertEquals, assertFalse } from "@std/assert";
import { LineBuffer } from "../../../src/sink/line_buffer.ts";
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

function bufferFor(reader: Reader, capacity: number): LineBuffer {
  return new LineBuffer(capacity, reader.write, (error) => reader.broken.push(error));
}

function put(buffer: LineBuffer, line: string): boolean {
  const { writer } = buffer;
  writer.begin();
  writer.ascii(line);
  return buffer.commit();
}

Deno.test("lines arrive whole and in order", async () => {
  const reader = new Reader();
  const buffer = bufferFor(reader, 64);
  assert(put(buffer, "one\n"));
  assert(put(buffer, "two\n"));
  await reader.takeAll();
  assertEquals([reader.text, buffer.dropped], ["one\ntwo\n", 0]);
});

Deno.test("the lines of one turn leave in one write", async () => {
  const reader = new Reader();
  const buffer = bufferFor(reader, 64);
  for (const line of ["a\n", "b\n", "c\n"]) put(buffer, line);
  await reader.takeAll();
  assertEquals([reader.writes, reader.text], [1, "a\nb\nc\n"]);
});

Deno.test("a reader that takes a few bytes at a time gets everything", async () => {
  const reader = new Reader(3);
  const buffer = bufferFor(reader, 64);
  put(buffer, "0123456789\n");
  await reader.takeAll();
  assertEquals([reader.text, reader.writes], ["0123456789\n", 4]);
});

Deno.test("a line longer than the buffer is dropped and counted, its neighbours are not", async () => {
  const reader = new Reader();
  const buffer = bufferFor(reader, 8);
  assert(put(buffer, "ok\n"));
  assertFalse(put(buffer, "far too long\n"));
  assert(put(buffer, "fine\n"));
  await reader.takeAll();
  assertEquals([reader.text, buffer.dropped], ["ok\nfine\n", 1]);
});

Deno.test("a reader that stopped costs whole lines, counted; none is lost once it resumes", async () => {
  const reader = new Reader();
  const buffer = bufferFor(reader, 8);
  assert(put(buffer, "1234567\n"));
  await settle();
  assert(put(buffer, "abcdefg\n"));
  assertFalse(put(buffer, "x\n"));
  assertFalse(put(buffer, "y\n"));
  await reader.take();
  assert(put(buffer, "z\n"));
  await reader.takeAll();
  assertEquals([reader.text, buffer.dropped], ["1234567\nabcdefg\nz\n", 2]);
});

Deno.test("waiting for the flush ends when the last byte has left", async () => {
  const reader = new Reader(2);
  const buffer = bufferFor(reader, 16);
  await buffer.flushed();
  put(buffer, "abcd");
  let flushed = false;
  buffer.flushed().then(() => flushed = true);
  await reader.take();
  assertFalse(flushed);
  put(buffer, "ef");
  await reader.take();
  assertFalse(flushed);
  await reader.takeAll();
  assertEquals([flushed, reader.text], [true, "abcdef"]);
});

Deno.test("a reader that has gone away is told of once, and all later lines are dropped", async () => {
  const reader = new Reader();
  const buffer = bufferFor(reader, 64);
  put(buffer, "one\n");
  put(buffer, "two\n");
  await reader.breakOff();
  assertEquals(reader.broken.length, 1);
  assertEquals(buffer.dropped, 2);
  assertFalse(put(buffer, "three\n"));
  assertFalse(put(buffer, "x".repeat(100)));
  await buffer.flushed();
  assertEquals([buffer.dropped, reader.broken.length, reader.writes], [4, 1, 1]);
});

Deno.test("lines that came while another write was under way are dropped with it", async () => {
  const reader = new Reader();
  const buffer = bufferFor(reader, 64);
  put(buffer, "one\n");
  await settle();
  put(buffer, "two\n");
  put(buffer, "three\n");
  await reader.breakOff();
  assertEquals(buffer.dropped, 3);
});

Deno.test("lines that came during a write that went well count when the next one breaks", async () => {
  const reader = new Reader();
  const buffer = bufferFor(reader, 64);
  put(buffer, "one\n");
  await settle();
  put(buffer, "two\n");
  put(buffer, "three\n");
  await reader.take();
  await reader.breakOff();
  assertEquals([reader.text, buffer.dropped], ["one\n", 2]);
});

property("every line arrives whole and in order, or is counted as dropped", 200, async (random) => {
  const reader = new Reader(random.pick([1, 3, 7, Infinity]));
  const buffer = bufferFor(reader, random.int(4, 40));
  const accepted: string[] = [];
  let refused = 0;
  for (let i = 0; i < 60; i++) {
    const line = `${i}${"-".repeat(random.int(0, 12))}\n`;
    if (put(buffer, line)) accepted.push(line);
    else refused++;
    if (random.int(0, 2) === 0) await reader.take();
  }
  await reader.takeAll();
  assertEquals([reader.text, buffer.dropped], [accepted.join(""), refused]);
});
