/** What reaches a terminal for a frame, and when. */
import { assertEquals } from "@std/assert";
import { Screen } from "../../../src/sink/screen.ts";
import { settle } from "../fake_clock.ts";

/** Takes what is written only when told. */
class SlowTerminal {
  readonly writes: string[] = [];
  broken: unknown = null;
  #waiting: (() => void)[] = [];
  #most: number;

  constructor(most = Infinity) {
    this.#most = most;
  }

  readonly write = (bytes: Uint8Array): Promise<number> => {
    if (this.broken !== null) return Promise.reject(this.broken);
    const taken = bytes.subarray(0, this.#most);
    this.writes.push(new TextDecoder().decode(taken));
    return new Promise((resolve) => this.#waiting.push(() => resolve(taken.length)));
  };

  async take(): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve();
    await settle();
  }
}

const frame = (changes: string) => `\x1b[?2026h${changes}\x1b[?2026l`;

function screenOn(terminal: SlowTerminal): Screen {
  return new Screen(terminal.write, () => {});
}

/** A screen that shows these lines. */
async function showing(
  lines: readonly string[],
  rows: number,
): Promise<{ terminal: SlowTerminal; screen: Screen }> {
  const terminal = new SlowTerminal();
  const screen = screenOn(terminal);
  screen.draw(lines, rows);
  await terminal.take();
  return { terminal, screen };
}

Deno.test("the first frame places every line, erases each line's rest, and what is below", () => {
  const terminal = new SlowTerminal();
  screenOn(terminal).draw(["one", "two"], 5);
  assertEquals(terminal.writes, [frame("\x1b[1;1Hone\x1b[K\x1b[2;1Htwo\x1b[K\x1b[3;1H\x1b[J")]);
});

Deno.test("a frame is one write of the lines that changed", async () => {
  const { terminal, screen } = await showing(["one", "two", "three"], 5);
  screen.draw(["one", "TWO", "three"], 5);
  assertEquals(terminal.writes.slice(1), [frame("\x1b[2;1HTWO\x1b[K")]);
});

Deno.test("a frame that shows nothing new is not written", async () => {
  const { terminal, screen } = await showing(["one"], 5);
  screen.draw(["one"], 5);
  assertEquals([terminal.writes.length, screen.busy], [1, false]);
});

Deno.test("fewer lines than before erase what was below them", async () => {
  const { terminal, screen } = await showing(["one", "two", "three"], 3);
  screen.draw(["one"], 3);
  assertEquals(terminal.writes.slice(1), [frame("\x1b[2;1H\x1b[J")]);
});

Deno.test("a full screen has no line below to erase, and more lines than rows are left out", () => {
  const terminal = new SlowTerminal();
  screenOn(terminal).draw(["one", "two", "three"], 2);
  assertEquals(terminal.writes, [frame("\x1b[1;1Hone\x1b[K\x1b[2;1Htwo\x1b[K")]);
});

Deno.test("while a frame is under way others are left out, and the next one makes up for them", async () => {
  const terminal = new SlowTerminal();
  const screen = screenOn(terminal);
  assertEquals(screen.draw(["one"], 5), true);
  assertEquals(screen.draw(["two"], 5), false);
  assertEquals([screen.busy, terminal.writes.length], [true, 1]);
  await terminal.take();
  assertEquals(screen.draw(["three"], 5), true);
  assertEquals(terminal.writes.slice(1), [frame("\x1b[1;1Hthree\x1b[K")]);
});

Deno.test("a screen that may have been written on is drawn in full", async () => {
  const { terminal, screen } = await showing(["one"], 5);
  screen.invalidate();
  screen.draw(["one"], 5);
  assertEquals(terminal.writes[1], terminal.writes[0]);
});

Deno.test("a control sequence waits for the frame under way, and the frames for it", async () => {
  const terminal = new SlowTerminal();
  const screen = screenOn(terminal);
  screen.draw(["one"], 5);
  const written = screen.control("\x1b[?1049l");
  await settle();
  assertEquals(terminal.writes.length, 1);
  await terminal.take();
  assertEquals([terminal.writes[1], screen.busy], ["\x1b[?1049l", true]);
  await terminal.take();
  await written;
  assertEquals(screen.busy, false);
});

Deno.test("a terminal that takes a frame in pieces gets all of it", async () => {
  const terminal = new SlowTerminal(7);
  const screen = screenOn(terminal);
  screen.draw(["one line", "another"], 5);
  while (screen.busy) await terminal.take();
  const whole = frame("\x1b[1;1Hone line\x1b[K\x1b[2;1Hanother\x1b[K\x1b[3;1H\x1b[J");
  assertEquals(terminal.writes.join(""), whole);
});

Deno.test("a terminal that has gone away is told of once, and written to no more", async () => {
  const terminal = new SlowTerminal();
  const told: unknown[] = [];
  const screen = new Screen(terminal.write, (error) => told.push(error));
  terminal.broken = new Error("gone");
  screen.draw(["one"], 5);
  await screen.settled();
  terminal.broken = null;
  assertEquals(screen.draw(["two"], 5), false);
  await screen.control("\x1b[?1049l");
  assertEquals([terminal.writes, String(told)], [[], "Error: gone"]);
});
