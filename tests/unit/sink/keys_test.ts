import { assertEquals } from "@std/assert";
import { KeyDecoder } from "../../../src/sink/keys.ts";
import { property } from "../random.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function keysOf(...pieces: string[]): string[] {
  const decoder = new KeyDecoder();
  return pieces.flatMap((piece) => decoder.decode(bytes(piece)));
}

Deno.test("printable characters are themselves", () => {
  assertEquals(keysOf("wn ?q"), ["w", "n", " ", "?", "q"]);
});

Deno.test("arrows and paging have names, in both cursor modes and in the spellings of all terminals", () => {
  assertEquals(keysOf("\x1b[A\x1bOA\x1b[B\x1bOB"), ["up", "up", "down", "down"]);
  assertEquals(keysOf("\x1b[5~\x1b[6~"), ["page-up", "page-down"]);
  assertEquals(keysOf("\x1b[H\x1bOH\x1b[1~\x1b[7~"), Array(4).fill("home"));
  assertEquals(keysOf("\x1b[F\x1bOF\x1b[4~\x1b[8~"), Array(4).fill("end"));
  assertEquals(keysOf("\x0c"), ["redraw"]);
});

Deno.test("a sequence may come in pieces", () => {
  assertEquals(keysOf("\x1b", "[", "5", "~", "q"), ["page-up", "q"]);
});

Deno.test("an unknown sequence is no key, nor is any part of it", () => {
  assertEquals(keysOf("\x1b[1;5Cw\x1b[200~n\x1bOP"), ["w", "n"]);
});

Deno.test("escape by itself means nothing, and what follows it still counts", () => {
  assertEquals(keysOf("\x1bq"), ["q"]);
  assertEquals(keysOf("\x1b\x1b[A"), ["up"]);
});

Deno.test("other control characters and letters beyond ASCII are no keys", () => {
  assertEquals(keysOf("\x01\x13\r\t\x7fé東"), []);
});

property("any bytes leave a decoder that still knows its keys", 300, (random) => {
  const decoder = new KeyDecoder();
  decoder.decode(Uint8Array.from({ length: random.int(0, 40) }, () => random.int(0, 255)));
  // Enough to end whatever was begun.
  decoder.decode(bytes("xxxxxxxxxx"));
  assertEquals(decoder.decode(bytes("\x1b[A")), ["up"]);
});
