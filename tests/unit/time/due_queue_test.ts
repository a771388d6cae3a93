import { assertEquals } from "@std/assert";
import { DueQueue } from "../../../src/time/due_queue.ts";
import { property } from "../random.ts";

Deno.test("an empty queue has nothing to peek at or to pop", () => {
  const queue = new DueQueue<{ dueMs: number }>();
  assertEquals([queue.peek(), queue.pop(), queue.size], [undefined, undefined, 0]);
});

property("entries come out in order of due time, whatever the order of calls", 200, (random) => {
  const queue = new DueQueue<{ dueMs: number }>();
  let model: number[] = [];
  for (let step = 0; step < 200; step++) {
    const choice = random.int(0, 9);
    if (choice < 6) {
      const dueMs = random.int(0, 50);
      queue.push({ dueMs });
      model.push(dueMs);
    } else if (choice < 9) {
      model.sort((a, b) => a - b);
      assertEquals(queue.peek()?.dueMs, model[0]);
      assertEquals(queue.pop()?.dueMs, model.shift());
    } else {
      const drop = random.int(0, 50);
      queue.retain((entry) => entry.dueMs !== drop);
      model = model.filter((dueMs) => dueMs !== drop);
    }
    assertEquals(queue.size, model.length);
  }
  model.sort((a, b) => a - b);
  assertEquals(Array.from(model, () => queue.pop()?.dueMs), model);
});
