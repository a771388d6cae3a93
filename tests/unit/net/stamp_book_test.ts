import { assertEquals } from "@std/assert";
import { StampBook } from "../../../src/net/stamp_book.ts";
import { property } from "../random.ts";

Deno.test("each time finds its packet, in any order, and once only", () => {
  const book = new StampBook<string>();
  for (const packet of ["a", "b", "c"]) book.sent(packet);
  assertEquals([2, 0, 1, 0, 3].map((ordinal) => book.take(ordinal)), ["c", "a", "b", null, null]);
});

/** Packet `a`, so many failures, packet `b`, which has this number, and `c` behind it. */
function afterFailures(failures: number, number: number): void {
  const book = new StampBook<string>();
  book.sent("a");
  for (let i = 0; i < failures; i++) book.failed();
  book.sent("b");
  assertEquals([book.take(0), book.take(number)], ["a", "b"]);
  book.sent("c");
  assertEquals(book.take(number + 1), "c");
}

Deno.test("after a failure that used up no number the next time is the next packet's", () => {
  afterFailures(1, 1);
});

Deno.test("after a failure that used up a number the next time is the next packet's too", () => {
  afterFailures(2, 3);
});

Deno.test("with two packets sent since a failure a time is nobody's", () => {
  const book = new StampBook<string>();
  book.failed();
  book.sent("a");
  book.sent("b");
  assertEquals([book.take(0), book.take(1), book.take(2)], [null, null, null]);
});

Deno.test("once both their times are there, the numbers are sure again", () => {
  const book = new StampBook<string>();
  book.failed();
  for (const packet of ["a", "b"]) book.sent(packet);
  assertEquals([book.take(3), book.take(4)], [null, null]);
  book.sent("c");
  assertEquals(book.take(5), "c");
});

Deno.test("a failure between a packet and its time leaves the next number open", () => {
  const book = new StampBook<string>();
  book.failed();
  book.sent("a");
  book.failed();
  assertEquals(book.take(1), "a");
  book.sent("b");
  assertEquals(book.take(3), "b");
  book.sent("c");
  assertEquals(book.take(4), "c");
});

Deno.test("an older packet's time does not tell the number of a newer one", () => {
  const book = new StampBook<string>();
  book.sent("a");
  book.take(0);
  book.failed();
  book.sent("b");
  assertEquals(book.take(0), null);
  assertEquals(book.take(1), "b");
});

Deno.test("packets beyond the bound are forgotten, never confused", () => {
  const book = new StampBook<number>();
  for (let i = 0; i < 5000; i++) book.sent(i);
  assertEquals([book.take(0), book.take(4096), book.take(4999)], [null, 4096, 4999]);
  assertEquals(book.take(903), null);
  assertEquals(book.take(904), 904);
});

property("no time is ever given to a packet that it is not of", 200, (random) => {
  const book = new StampBook<number>();
  /** The kernel's side: which number each packet really has. */
  const truth = new Map<number, number>();
  let kernel = 0;
  const due: number[] = [];
  for (let packet = 0; packet < 200; packet++) {
    if (random.int(0, 9) === 0) {
      kernel += random.int(0, 1);
      book.failed();
    } else {
      truth.set(kernel, packet);
      due.push(kernel++);
      book.sent(packet);
    }
    // Times come in order, at once as a rule, but may be late.
    while (due.length > 0 && random.int(0, 9) > 1) {
      const ordinal = due.shift() ?? 0;
      const found = book.take(ordinal);
      if (found !== null) assertEquals(found, truth.get(ordinal));
    }
  }
});
