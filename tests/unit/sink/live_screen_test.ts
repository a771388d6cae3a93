/** When a screen is drawn, and that the terminal is given back. */
import { assertEquals, assertThrows } from "@std/assert";
import { type LiveContent, LiveScreen } from "../../../src/sink/live_screen.ts";
import { ENTER_SCREEN, LEAVE_SCREEN, STAY_ON_SCREEN } from "../../../src/sink/terminal.ts";
import { FakeClock, settle } from "../fake_clock.ts";
import { FakeTerminal } from "./fake_terminal.ts";

/** Shows how often it was asked, which makes each frame a new one. */
class Counter implements LiveContent {
  readonly sizes: string[] = [];
  readonly keys: string[] = [];
  onLines: () => void = () => {};

  lines(columns: number, rows: number): string[] {
    this.onLines();
    this.sizes.push(`${columns}x${rows}`);
    return [`frame ${this.sizes.length}`];
  }

  key(key: string): void {
    this.keys.push(key);
  }
}

function started(terminal = new FakeTerminal()): {
  clock: FakeClock;
  terminal: FakeTerminal;
  content: Counter;
  screen: LiveScreen;
  ends: string[];
} {
  const [clock, content, ends] = [new FakeClock(), new Counter(), [] as string[]];
  const screen = new LiveScreen(content, {
    clock,
    terminal,
    onQuit: () => ends.push("quit"),
    onBroken: (error) => ends.push(`broken: ${error}`),
  });
  screen.start();
  return { clock, terminal, content, screen, ends };
}

Deno.test("the terminal is entered, drawn on four times a second, and left as it was", async () => {
  const { clock, terminal, content, screen } = started();
  await clock.advance(1000);
  assertEquals(content.sizes.length, 5);
  assertEquals(terminal.log.slice(0, 2), ["take keys", ENTER_SCREEN]);
  terminal.log.length = 0;
  await screen.stop();
  assertEquals(terminal.log, [LEAVE_SCREEN, "give keys back"]);
  assertEquals([clock.waiting, terminal.listening], [0, false]);
  await clock.advance(1000);
  assertEquals(terminal.log.length, 2);
});

Deno.test("the last column stays free, and a changed size holds from the next frame on", async () => {
  const { clock, terminal, content } = started();
  await clock.advance(0);
  terminal.size = () => ({ columns: 90, rows: 30 });
  terminal.events.onResize();
  await clock.advance(40);
  terminal.size = () => null;
  await clock.advance(250);
  assertEquals(content.sizes, ["39x10", "89x30", "79x24"]);
});

Deno.test("a resize and Ctrl-L draw in full", async () => {
  const { clock, terminal } = started();
  await clock.advance(250);
  terminal.frames();
  terminal.events.onResize();
  await clock.advance(40);
  terminal.press("\x0c");
  await clock.advance(40);
  const erased = terminal.frames().map((frame) => frame.endsWith("\x1b[2;1H\x1b[J"));
  assertEquals(erased, [true, true]);
});

Deno.test("a key is answered at once, but many keys make no more than 25 frames a second", async () => {
  const { clock, terminal, content } = started();
  await clock.advance(100);
  const before = content.sizes.length;
  terminal.press("w");
  await clock.advance(0);
  assertEquals(content.sizes.length, before + 1);
  for (let i = 0; i < 100; i++) {
    terminal.press("n");
    await clock.advance(10);
  }
  assertEquals(content.keys.length, 101);
  assertEquals(content.sizes.length, before + 1 + 25);
});

Deno.test("q is the screen's own key, all others are the content's", async () => {
  const { clock, terminal, content, ends } = started();
  await clock.advance(0);
  terminal.press("aq\x1b[A");
  assertEquals([content.keys, ends], [["a", "up"], ["quit"]]);
});

Deno.test("a terminal that takes its time gets no second frame, and the newest one after that", async () => {
  const { clock, terminal, content } = started();
  await clock.advance(0);
  terminal.frames();
  terminal.slow = true;
  await clock.advance(10_000);
  assertEquals([terminal.log.length, content.sizes.length], [1, 2]);
  terminal.take();
  await clock.advance(250);
  assertEquals(content.sizes.length, 3);
});

Deno.test("a costly frame takes at most a twentieth of the time", async () => {
  const { clock, content } = started();
  content.onLines = () => clock.stall(100);
  await clock.advance(100_000);
  assertEquals(content.sizes.length <= 51, true, `${content.sizes.length} frames`);
  assertEquals(content.sizes.length > 40, true, `${content.sizes.length} frames`);
});

Deno.test("the terminal is given back in order once it takes what was written before", async () => {
  const { clock, terminal, screen } = started();
  await clock.advance(0);
  terminal.slow = true;
  await clock.advance(250);
  terminal.log.length = 0;
  let stopped = false;
  screen.stop().then(() => {
    stopped = true;
  });
  await settle();
  assertEquals([terminal.log, terminal.listening, stopped], [[], true, false]);
  terminal.take();
  await settle();
  assertEquals(terminal.log, [LEAVE_SCREEN, "give keys back"]);
  assertEquals([terminal.listening, stopped], [false, true]);
});

Deno.test("Ctrl-Z leaves the screen before the process stops, and comes back to it", async () => {
  const { clock, terminal } = started();
  await clock.advance(0);
  terminal.log.length = 0;
  terminal.events.onSuspend();
  await settle();
  assertEquals(terminal.log, [LEAVE_SCREEN, "give keys back", "suspend"]);
  await clock.advance(1000);
  assertEquals(terminal.log.length, 3);
  terminal.events.onContinue();
  await clock.advance(0);
  assertEquals(terminal.log.slice(3, 5), ["take keys", ENTER_SCREEN]);
  assertEquals(terminal.frames().length, 1);
});

Deno.test("where a process cannot be stopped, Ctrl-Z does nothing", async () => {
  const terminal = new FakeTerminal();
  terminal.suspend = null;
  const { clock, content } = started(terminal);
  await clock.advance(0);
  terminal.log.length = 0;
  terminal.events.onSuspend();
  await clock.advance(250);
  assertEquals([terminal.log.length, content.sizes.length], [1, 2]);
});

Deno.test("who was stopped by another stays on the screen and draws it in full", async () => {
  const { clock, terminal } = started();
  await clock.advance(0);
  terminal.log.length = 0;
  terminal.events.onContinue();
  await clock.advance(0);
  assertEquals(terminal.log.slice(0, 2), ["take keys", STAY_ON_SCREEN]);
});

Deno.test("what nobody catches ends the run, and is thrown once the terminal is given back", async () => {
  const { clock, terminal, screen, ends } = started();
  await clock.advance(0);
  screen.rethrow();
  terminal.events.onCrash(new Error("first"));
  terminal.events.onCrash(new Error("second"));
  assertEquals(ends, ["quit", "quit"]);
  await screen.stop();
  assertEquals(terminal.log.slice(-2), [LEAVE_SCREEN, "give keys back"]);
  assertThrows(() => screen.rethrow(), Error, "first");
});

Deno.test("a terminal that has gone away is told of, and drawn on no more", async () => {
  const { clock, terminal, content, screen, ends } = started();
  await clock.advance(0);
  terminal.broken = new Error("gone");
  await clock.advance(250);
  assertEquals(ends, ["broken: Error: gone"]);
  const drawn = content.sizes.length;
  await clock.advance(1000);
  assertEquals([content.sizes.length, clock.waiting], [drawn, 0]);
  await screen.stop();
});
