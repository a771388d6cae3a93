import { assertEquals } from "@std/assert";
import { Progress, type ProgressSchedule } from "../../../src/run/progress.ts";
import { StatusLine } from "../../../src/sink/status_line.ts";
import { FakeClock, settle } from "../fake_clock.ts";
import { established, record } from "../fixtures.ts";

const SCHEDULE: ProgressSchedule = { count: null, durationMs: null, intervalMs: 1000, burst: 1 };

class Run {
  readonly clock = new FakeClock();
  /** What stands on the terminal, line by line, and how often the last was drawn. */
  screen = [""];
  draws = 0;
  readonly stderr: string[] = [];
  readonly entries: string[];
  readonly progress: Progress;
  #divert: ((text: string) => void) | null = null;

  constructor(schedule: Partial<ProgressSchedule>, targets = 1) {
    this.entries = Array.from({ length: targets }, (_, i) => `n${i}`);
    const write = (text: string) => {
      const [erased, rest] = text.startsWith("\r\x1b[K") ? [true, text.slice(4)] : [false, text];
      const last = erased ? "" : this.screen.at(-1);
      this.screen.splice(-1, 1, ...`${last}${rest}`.split("\n"));
    };
    const line = new StatusLine({
      write: (text) => {
        this.draws++;
        write(text);
        return Promise.resolve();
      },
      writeNow: write,
      columns: () => 80,
    });
    this.progress = new Progress({ ...SCHEDULE, ...schedule }, {
      clock: this.clock,
      line,
      divert: (to) => this.#divert = to,
      say: (text) => write(`wire-probe: ${text}\n`),
    });
    this.progress.start(this.entries);
  }

  /** As notices are said anywhere. */
  say(text: string): void {
    if (this.#divert === null) this.stderr.push(text);
    else this.#divert(text);
  }

  play(answered: number, lost = 0, unsent = 0): void {
    for (let i = 0; i < answered; i++) this.progress.record(established(1, 5));
    for (let i = 0; i < lost; i++) this.progress.record(record({ outcome: "timeout" }));
    for (let i = 0; i < unsent; i++) this.progress.record(record({ outcome: "error" }));
  }

  /** Lets time pass to the next redraw, and gives what is there then. */
  async after(ms: number): Promise<string> {
    await this.clock.advance(ms);
    return this.screen.at(-1)!;
  }
}

Deno.test("a run by time shows its share, its probes and the time left", async () => {
  const run = new Run({ durationMs: 100_000 });
  run.play(39, 2, 1);
  assertEquals(await run.after(40_000), " 40%  41 sent, 2 lost, 1:00 left");
  assertEquals(await run.after(59_400), " 99%  41 sent, 2 lost, 0:01 left");
  assertEquals(await run.after(700), "100%  41 sent, 2 lost, waiting for the last answers");
  await run.progress.stop();
});

Deno.test("a run by count goes by the probes whose fate is known, of all targets", async () => {
  const run = new Run({ count: 100, intervalMs: 500 }, 4);
  run.play(90, 6, 4);
  assertEquals(await run.after(200), " 25%  96 sent, 6 lost, 0:38 left");
  run.play(300);
  assertEquals(await run.after(200), "100%  396 sent, 6 lost, waiting for the last answers");
  await run.progress.stop();
});

Deno.test("a reload that takes targets away leaves the share within bounds", async () => {
  const run = new Run({ count: 10 }, 10);
  run.play(60);
  run.entries.length = 2;
  assertEquals(await run.after(200), "100%  60 sent, 0 lost, waiting for the last answers");
  await run.progress.stop();
});

Deno.test("with a count and a time the one that ends first is shown", async () => {
  const both = { count: 1000, durationMs: 10_000, intervalMs: 100 };
  const slow = new Run(both);
  slow.play(10);
  assertEquals(await slow.after(5000), " 50%  10 sent, 0 lost, 0:05 left");
  await slow.progress.stop();
  const quick = new Run(both);
  quick.play(990);
  assertEquals(await quick.after(5000), " 99%  990 sent, 0 lost, 0:01 left");
  await quick.progress.stop();
});

Deno.test("bursts and long runs are reckoned with", async () => {
  const run = new Run({ count: 100_000, burst: 10, intervalMs: 1000 });
  run.play(10);
  assertEquals(await run.after(200), "  0%  10 sent, 0 lost, 2:46:39 left");
  await run.progress.stop();
});

Deno.test("it is drawn five times a second at most, whatever comes in", async () => {
  const run = new Run({ durationMs: 60_000 });
  for (let i = 0; i < 100; i++) {
    run.play(50);
    await run.clock.advance(100);
  }
  assertEquals(run.draws, 50);
  await run.progress.stop();
});

Deno.test("what is said stands above it, in lines of its own", async () => {
  const run = new Run({ durationMs: 10_000 });
  await run.clock.advance(1000);
  run.say("db: now probing 192.0.2.2");
  assertEquals(run.screen, [
    "wire-probe: db: now probing 192.0.2.2",
    " 10%  0 sent, 0 lost, 0:09 left",
  ]);
  await run.progress.stop();
});

Deno.test("stopped, it has left nothing behind, and nothing wakes up", async () => {
  const run = new Run({ durationMs: 10_000 });
  await run.clock.advance(1000);
  await run.progress.stop();
  run.say("end");
  await run.clock.advance(5000);
  assertEquals([run.screen, run.stderr, run.clock.waiting], [[""], ["end"], 0]);
});

Deno.test("it makes room for a summary, and is back afterwards", async () => {
  const run = new Run({ durationMs: 10_000 });
  await run.clock.advance(1000);
  const summary = Promise.withResolvers<void>();
  const aside = run.progress.aside(() => summary.promise);
  await run.clock.advance(1000);
  assertEquals(run.screen, [""]);
  summary.resolve();
  await aside;
  assertEquals(await run.after(200), " 22%  0 sent, 0 lost, 0:08 left");
  await run.progress.stop();
  await settle();
});
