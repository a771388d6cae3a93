import { assert, assertEquals } from "@std/assert";
import { MAX_RECORD_BYTES } from "../../../src/format/record_format.ts";
import { OutputQueue } from "../../../src/sink/output_queue.ts";
import { property } from "../random.ts";
import { numbersOf, range } from "./seq_format.ts";

/** Lines of 4 bytes: 25 of them fill a batch. */
const BOUNDS = { batches: 4, batchBytes: MAX_RECORD_BYTES + 99 };
const BATCH_LINES = 25;

function put(queue: OutputQueue, from: number, to: number): void {
  for (const seq of range(from, to)) {
    queue.begin().ascii(`${String(seq).padStart(3, "0")}\n`);
    queue.commit();
  }
}

function takeNumbers(queue: OutputQueue): number[] {
  const batch = queue.take();
  assert(batch !== null);
  const { out } = batch;
  return numbersOf(new TextDecoder().decode(out.bytes.subarray(0, out.length)));
}

Deno.test("a batch is sealed when the next record might not fit", () => {
  const queue = new OutputQueue(BOUNDS);
  put(queue, 1, BATCH_LINES - 1);
  assertEquals([queue.ready, queue.open, queue.take()], [false, true, null]);
  put(queue, BATCH_LINES, BATCH_LINES);
  assertEquals([queue.ready, queue.open], [true, false]);
  assertEquals(takeNumbers(queue), range(1, BATCH_LINES));
});

Deno.test("a batch with nothing in it is not sealed", () => {
  const queue = new OutputQueue(BOUNDS);
  queue.seal();
  queue.begin();
  queue.commit();
  queue.seal();
  assertEquals([queue.ready, queue.buffers], [false, 1]);
});

Deno.test("buffers are made when needed, no more than allowed, and used again", () => {
  const queue = new OutputQueue(BOUNDS);
  assertEquals(queue.buffers, 1);
  for (let round = 0; round < 20; round++) {
    put(queue, 1, BATCH_LINES);
    queue.take();
    queue.settle(0);
  }
  assertEquals([queue.buffers, queue.dropped, queue.lines], [2, 0, 0]);
  put(queue, 0, 999);
  assertEquals(queue.buffers, BOUNDS.batches);
});

Deno.test("when all buffers are full the oldest batch that was not sent makes room", () => {
  const queue = new OutputQueue(BOUNDS);
  put(queue, 1, BATCH_LINES);
  assertEquals(takeNumbers(queue), range(1, 25));
  put(queue, 26, 125);
  // One in flight, one to fill: two wait.
  assertEquals([queue.dropped, queue.lines], [50, 75]);
  queue.settle(0);
  assertEquals(takeNumbers(queue), range(76, 100));
  queue.settle(3);
  assertEquals(takeNumbers(queue), range(101, 125));
  queue.settle(0);
  assertEquals([queue.dropped, queue.lines], [53, 0]);
});

Deno.test("giving up counts what is in flight, what waits and what is being filled", () => {
  const queue = new OutputQueue(BOUNDS);
  put(queue, 1, 55);
  queue.take();
  queue.dropAll();
  assertEquals([queue.dropped, queue.lines, queue.open, queue.ready], [55, 0, false, false]);
});

Deno.test("a record that is longer than any may be is dropped and leaves the batch as it was", () => {
  const queue = new OutputQueue(BOUNDS);
  put(queue, 1, 1);
  queue.begin().ascii("x".repeat(BOUNDS.batchBytes) + "\n");
  queue.commit();
  queue.seal();
  assertEquals([takeNumbers(queue), queue.dropped], [[1], 1]);
});

property("lines put = lines delivered + dropped + still there", 100, (random) => {
  const queue = new OutputQueue({ ...BOUNDS, batches: random.int(3, 6) });
  let made = 0;
  let delivered = 0;
  let inFlight: number | null = null;
  for (let step = 0; step < 60; step++) {
    const count = random.int(0, 40);
    put(queue, 1, count);
    made += count;
    if (random.int(0, 3) === 0) queue.seal();
    if (inFlight === null) inFlight = queue.take()?.lines ?? null;
    else if (random.int(0, 2) === 0) {
      const lost = random.int(0, inFlight);
      queue.settle(lost);
      delivered += inFlight - lost;
      inFlight = null;
    }
    assertEquals(made, delivered + queue.dropped + queue.lines);
  }
  queue.dropAll();
  assertEquals(made, delivered + queue.dropped);
  return Promise.resolve();
});
