/** The order in which traces to several targets are printed. */
import { assertEquals } from "@std/assert";
import { PrintOrder } from "../../../../src/commands/trace/print_order.ts";

function order(places: number, over: Set<number>, lookedUp: Set<number>): PrintOrder {
  return new PrintOrder(places, {
    isOver: (place) => over.has(place),
    isPending: (place) => lookedUp.has(place),
  });
}

Deno.test("traces are printed in the order of the command line, each once", () => {
  const over = new Set([1]);
  const printed = order(3, over, new Set());
  assertEquals([...printed.take()], []);
  over.add(0);
  assertEquals([...printed.take()], [0, 1]);
  over.add(2);
  assertEquals([...printed.take()], [2]);
  assertEquals([...printed.take()], []);
});

Deno.test("a name that is still looked up holds up no target behind it", () => {
  const [over, lookedUp] = [new Set([1]), new Set([0, 2])];
  const printed = order(4, over, lookedUp);
  assertEquals([...printed.take()], [1]);
  over.add(3);
  assertEquals([...printed.take()], [3]);
  // Once it has an address, it is waited for as others are.
  lookedUp.delete(0);
  over.add(2);
  assertEquals([...printed.take()], []);
  over.add(0);
  assertEquals([...printed.take()], [0, 2]);
});
