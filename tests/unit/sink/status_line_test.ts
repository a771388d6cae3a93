import { assertEquals } from "@std/assert";
import { StatusLine, type StatusTerminal } from "../../../src/sink/status_line.ts";
import { settle } from "../fake_clock.ts";

/** A terminal of one line at a time, that takes what it is written when told. */
class FakeTerminal implements StatusTerminal {
  written = "";
  width = 80;
  #taken = Promise.withResolvers<void>();

  write(text: string): Promise<void> {
    return this.#taken.promise.then(() => this.writeNow(text));
  }
  writeNow(text: string): void {
    this.written += text;
  }
  columns(): number {
    return this.width;
  }
  async take(): Promise<void> {
    this.#taken.resolve();
    await settle();
  }

  /** What is seen: each line as it was left. */
  get seen(): string[] {
    return this.written.split("\n").map((line) => line.split("\r\x1b[K").at(-1)!);
  }
}

Deno.test("a line is drawn over the one before, and taken away at the end", async () => {
  const terminal = new FakeTerminal();
  await terminal.take();
  const line = new StatusLine(terminal);
  line.show("one, and long");
  await settle();
  line.show("two");
  await settle();
  assertEquals(terminal.seen, ["two"]);
  await line.clear();
  assertEquals([terminal.seen, terminal.written.includes("\n")], [[""], false]);
});

Deno.test("what something else says stands above it, whole", async () => {
  const terminal = new FakeTerminal();
  await terminal.take();
  const line = new StatusLine(terminal);
  line.above(() => terminal.writeNow("first\n"));
  line.show("50%");
  await settle();
  line.above(() => terminal.writeNow("said\n"));
  assertEquals(terminal.seen, ["first", "said", "50%"]);
});

Deno.test("while the terminal takes nothing, nothing more is written and nobody waits", async () => {
  const terminal = new FakeTerminal();
  const line = new StatusLine(terminal);
  line.show("one");
  for (const text of ["two", "three"]) line.show(text);
  await settle();
  assertEquals(terminal.written, "");
  await terminal.take();
  assertEquals(terminal.seen, ["one"]);
  line.show("four");
  await settle();
  assertEquals(terminal.seen, ["four"]);
});

Deno.test("taken away while it is on its way, it does not come back", async () => {
  const terminal = new FakeTerminal();
  const line = new StatusLine(terminal);
  line.show("one");
  const cleared = line.clear();
  await terminal.take();
  await cleared;
  assertEquals(terminal.seen, [""]);
});

Deno.test("a line too long for the terminal is cut before it would wrap", async () => {
  const terminal = new FakeTerminal();
  terminal.width = 10;
  await terminal.take();
  new StatusLine(terminal).show("0123456789abc");
  await settle();
  assertEquals(terminal.seen, ["012345678"]);
});
