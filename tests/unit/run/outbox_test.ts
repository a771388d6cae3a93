/** A reader that has stopped delays nobody, and what is lost is counted and said once. */
import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { SystemError } from "../../../src/domain/exit.ts";
import { MAX_RECORD_BYTES } from "../../../src/format/record_format.ts";
import { Outbox } from "../../../src/run/outbox.ts";
import { Drops, type Exporter } from "../../../src/sink/exporter.ts";
import type { StreamOutput } from "../../../src/sink/stream_output.ts";
import { FakeClock, settle } from "../fake_clock.ts";

/** What reads a stream: at once, not at all, or no more. */
class Reader {
  text = "";
  #stuck = false;
  #failure: Error | null = null;
  #waiting: (() => void) | null = null;

  readonly write = async (bytes: Uint8Array): Promise<number> => {
    if (this.#stuck) await new Promise<void>((resolve) => this.#waiting = resolve);
    if (this.#failure !== null) throw this.#failure;
    this.text += new TextDecoder().decode(bytes);
    return bytes.length;
  };

  stop(): void {
    this.#stuck = true;
  }

  /** Takes what waits, and no more. */
  takeOne(): void {
    this.#waiting?.();
  }

  goOn(): void {
    this.#stuck = false;
    this.#waiting?.();
  }

  leave(failure: Error): void {
    this.#failure = failure;
  }

  /** The beginnings of the lines. */
  get lines(): string[] {
    return this.text.split("\n").slice(0, -1).map((line) => line.replace(/\.+$/, ""));
  }
}

interface Rig {
  readonly outbox: Outbox;
  readonly clock: FakeClock;
  readonly stdout: Reader;
  readonly stderr: Reader;
  readonly exits: number[];
  signal(name: "SIGINT" | "SIGTERM"): void;
}

function rig(): Rig {
  const [clock, stdout, stderr, exits] = [new FakeClock(), new Reader(), new Reader(), []];
  const handlers = new Map<string, () => void>();
  const outbox = new Outbox({
    clock,
    stdout: stdout.write,
    stderr: stderr.write,
    onSignal: (name, callback) => handlers.set(name, callback),
    exit: (code: number) => void (exits as number[]).push(code),
  });
  return { outbox, clock, stdout, stderr, exits, signal: (name) => handlers.get(name)?.() };
}

/** How many ms pass until the promise has ended; null when it has not within 5 s. */
async function msUntil(clock: FakeClock, promise: Promise<unknown>): Promise<number | null> {
  const startMs = clock.now();
  let ended = false;
  promise.then(() => ended = true);
  for (let step = 0; step <= 50; step++) {
    await clock.advance(0);
    await settle();
    if (ended) return clock.now() - startMs;
    await clock.advance(100);
  }
  return null;
}

/** A line of so many bytes, without its newline. */
function long(line: string, bytes: number): string {
  return line.padEnd(bytes, ".");
}

function put(stream: StreamOutput, line: string): void {
  stream.begin().ascii(`${line}\n`);
  stream.commit();
}

/** An exporter that lost lines. */
function exporter(drops: Drops): Exporter {
  return {
    check: () => {},
    record: () => {},
    close: () => Promise.resolve(),
    drops,
    get dropped() {
      return drops.total;
    },
  };
}

Deno.test("a stdout that nobody reads holds up no notice, and the end for 2 s", async () => {
  const { outbox, clock, stdout, stderr } = rig();
  stdout.stop();
  put(outbox.stdout, "result");
  outbox.say("a notice");
  await settle();
  assertEquals(stderr.text, "wire-probe: a notice\n");
  assertEquals(await msUntil(clock, outbox.flush()), 2000);
});

Deno.test("a stderr that nobody reads holds up no result, and the end for 2 s", async () => {
  const { outbox, clock, stdout, stderr } = rig();
  stderr.stop();
  outbox.say("a notice");
  await outbox.print("result\n");
  assertEquals(stdout.text, "result\n");
  assertEquals(await msUntil(clock, outbox.flush()), 2000);
});

Deno.test("streams that are read are flushed without a wait", async () => {
  const { outbox, clock, stdout, stderr } = rig();
  put(outbox.stdout, "result");
  outbox.line("verdict");
  outbox.status("redrawn");
  assertEquals(await msUntil(clock, outbox.flush()), 0);
  assertEquals([stdout.text, stderr.text], ["result\n", "verdict\nredrawn"]);
  assertEquals(clock.waiting, 0);
});

Deno.test("a reader that is slow is waited for at the end as long as it takes something", async () => {
  const { outbox, clock, stdout } = rig();
  stdout.stop();
  const printed = outbox.print(`${long("line", MAX_RECORD_BYTES - 1)}\n`.repeat(200));
  await settle();
  const ended = outbox.within(printed);
  for (let taken = 0; taken < 4; taken++) {
    await clock.advance(1900);
    stdout.takeOne();
    await settle();
  }
  assert(stdout.lines.length >= 4);
  // The last look at what was taken was at 8 s, the next one finds that nothing was since.
  assertEquals(await msUntil(clock, ended), 10_000 - 4 * 1900);
});

Deno.test("all waits at one end share their time", async () => {
  const { outbox, clock } = rig();
  const never = new Promise<void>(() => {});
  assertEquals(outbox.patienceMs, 2000);
  await clock.advance(500);
  assertEquals(outbox.patienceMs, 1500);
  assertEquals(await msUntil(clock, outbox.within(never)), 1500);
  assertEquals(outbox.patienceMs, 0);
  assertEquals(await msUntil(clock, outbox.within(never)), 0);
});

Deno.test("what goes wrong in time is told, and leaves no wake-up behind", async () => {
  const { outbox, clock } = rig();
  await assertRejects(() => outbox.within(Promise.reject(new Error("no disk"))), Error, "no disk");
  assertEquals(clock.waiting, 0);
});

Deno.test("exporters' time ends 0.3 s before the outputs' patience, after a signal too", async () => {
  const given: number[] = [];
  const close = (leftMs: () => number) => {
    given.push(leftMs());
    return Promise.resolve();
  };
  const usual = rig();
  await usual.outbox.deliver(close);
  const ended = rig();
  ended.outbox.onEnd(() => {});
  ended.signal("SIGTERM");
  await ended.outbox.deliver(close);
  await ended.clock.advance(600);
  await ended.outbox.deliver(close);
  await ended.clock.advance(900);
  await ended.outbox.deliver(close);
  assertEquals(given, [1700, 900, 700, 0]);
});

Deno.test("while stdout's reader takes something, what is left to deliver has time anew", async () => {
  const { outbox, clock } = rig();
  const left: number[] = [];
  await outbox.deliver(async (leftMs) => {
    left.push(leftMs());
    await clock.advance(1500);
    left.push(leftMs());
    await outbox.print("a line\n");
    left.push(leftMs());
  });
  assertEquals(left, [1700, 200, 1700]);
});

Deno.test("an exporter that does not keep to its time is left behind", async () => {
  const { outbox, clock } = rig();
  assertEquals(await msUntil(clock, outbox.deliver(() => new Promise(() => {}))), 2000);
  assertEquals(await msUntil(clock, outbox.flush()), 0);
});

for (const name of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${name}: told once, outputs have 1.2 s, the process ends after 1.8 s with its code`, async () => {
    const { outbox, clock, stdout, exits, signal } = rig();
    let stops = 0;
    outbox.onEnd(() => stops++);
    stdout.stop();
    put(outbox.stdout, "result");
    signal(name);
    assertEquals([stops, outbox.patienceMs], [1, 1200]);
    outbox.exitCode = 1;
    assertEquals(await msUntil(clock, outbox.flush()), 1200);
    await clock.advance(599);
    assertEquals(exits, []);
    await clock.advance(1);
    assertEquals([exits, stops], [[1], 1]);
  });
}

Deno.test("a second signal, whichever it is, ends the process at once", () => {
  const { outbox, exits, signal } = rig();
  let stops = 0;
  outbox.onEnd(() => stops++);
  signal("SIGTERM");
  assertEquals(exits, []);
  signal("SIGINT");
  // As a shell has it, since no code is known yet.
  assertEquals([exits, stops], [[130], 1]);
});

Deno.test("a full stdout drops its oldest lines, and says so once when it begins and once when it ends", async () => {
  const { outbox, stdout, stderr } = rig();
  stdout.stop();
  // Eight buffers of 64 KiB, each of them full with six of these lines; the first one is in flight.
  for (let i = 0; i < 100; i++) put(outbox.stdout, long(`line ${i}`, 9000));
  await settle();
  assertEquals(stderr.lines, [
    "wire-probe: standard output: not read in time: dropping the oldest lines",
  ]);
  const { dropped } = outbox;
  assert(dropped > 40, String(dropped));
  stdout.goOn();
  await outbox.flush();
  const rest = Array.from({ length: 100 }, (_, i) => `line ${i}`);
  const before = rest.findIndex((line, i) => stdout.lines[i] !== line);
  assertEquals(stdout.lines, [...rest.slice(0, before), ...rest.slice(before + dropped)]);
  assertEquals(stderr.lines.slice(1), [
    `wire-probe: standard output: delivering again after ${dropped} dropped`,
  ]);
});

Deno.test("a full stderr drops its oldest lines, none arrives twice, and what was lost is said there", async () => {
  const { outbox, stderr } = rig();
  stderr.stop();
  outbox.line("the one in flight");
  await settle();
  for (let i = 0; i < 100; i++) outbox.line(long(`line ${i}`, 9000));
  stderr.goOn();
  await outbox.flush();
  const { lines } = stderr;
  const numbers = lines.filter((line) => line.startsWith("line ")).map((line) =>
    Number(line.slice(5))
  );
  assertEquals(lines[0], "the one in flight");
  assertEquals(numbers, Array.from(numbers, (_, i) => 100 - numbers.length + i));
  // The notice that it begins was dropped itself, being older than the lines that are kept.
  const ends = lines.filter((line) => line.includes("delivering again"));
  assertEquals(ends, [
    `wire-probe: standard error: delivering again after ${101 - numbers.length} dropped`,
  ]);
  outbox.line("later");
  await outbox.flush();
  assertEquals(stderr.lines.at(-1), "later");
});

Deno.test("a full queue of an exporter drops its oldest lines, counted as such and said once", async () => {
  const { outbox, stderr } = rig();
  const { queue, trouble } = outbox.output("influx-http://db", {
    batches: 3,
    batchBytes: MAX_RECORD_BYTES + 7,
  });
  for (let i = 1; i <= 6; i++) {
    queue.begin().ascii(`line ${i}\n\n`);
    queue.commit();
  }
  await settle();
  assertEquals(queue.drops.entries(), [["full", 8]]);
  assertEquals(new TextDecoder().decode(queue.take()?.out.bytes.subarray(0, 6)), "line 5");
  queue.settle();
  trouble.ends(queue.dropped);
  trouble.ends(queue.dropped);
  await settle();
  assertEquals(stderr.lines, [
    "wire-probe: influx-http://db: the queue is full: dropping the oldest lines",
    "wire-probe: influx-http://db: delivering again after 8 dropped",
  ]);
});

Deno.test("what exporters lost is told by reason, and with stdout's it is one count", () => {
  const { outbox } = rig();
  assertEquals([outbox.exportLosses(), outbox.dropped], [null, 0]);
  const [one, other] = [new Drops(), new Drops()];
  outbox.add(exporter(one));
  outbox.add(exporter(other));
  one.add(3, "full");
  one.add(2, "ended");
  other.add(4, "full");
  other.add(1, "late");
  assertEquals(outbox.exportLosses(), "10 (7 no room, 2 left at the end, 1 too late)");
  assertEquals(outbox.dropped, 10);
});

Deno.test("at the end what stdout's reader did not take is counted and said, and so is what exporters lost", async () => {
  const { outbox, clock, stdout, stderr } = rig();
  const drops = new Drops();
  outbox.add(exporter(drops));
  drops.add(3, "refused");
  stdout.stop();
  put(outbox.stdout, "one");
  await settle();
  for (const line of ["two", "three"]) put(outbox.stdout, line);
  assertEquals(await msUntil(clock, outbox.finish()), 2000);
  assertEquals(stderr.lines, [
    "wire-probe: at least 3 lines were dropped: standard output was not read in time",
    "wire-probe: lines that could not be exported: 3 (3 refused)",
  ]);
  assertEquals(clock.waiting, 0);
});

Deno.test("an end at which everything was taken says nothing, and neither does one without a reader", async () => {
  const taken = rig();
  put(taken.outbox.stdout, "result");
  assertEquals(await msUntil(taken.clock, taken.outbox.finish()), 0);
  const gone = rig();
  gone.stdout.leave(new Deno.errors.BrokenPipe("closed"));
  put(gone.outbox.stdout, "result");
  assertEquals(await msUntil(gone.clock, gone.outbox.finish()), 0);
  assertEquals([taken.stderr.text, gone.stderr.text], ["", ""]);
});

Deno.test("a stderr that nobody reads is waited for 0.15 s where no other time is left", async () => {
  const { outbox, clock, stdout, stderr } = rig();
  for (const reader of [stdout, stderr]) reader.stop();
  put(outbox.stdout, "result");
  assertEquals(await msUntil(clock, outbox.finish()), 2200);
});

Deno.test("a closed pipe is no error, any other failure of stdout is one", async () => {
  const closed = rig();
  closed.stdout.leave(new Deno.errors.BrokenPipe("closed"));
  await closed.outbox.print("a\n");
  const full = rig();
  full.stdout.leave(new Error("no space left on device"));
  const told = "cannot write to standard output: no space left on device";
  await assertRejects(() => full.outbox.print("a\n"), SystemError, told);
});

Deno.test("notices can go elsewhere, details only to who asked for them", async () => {
  const { outbox, stderr } = rig();
  const elsewhere: string[] = [];
  outbox.detail("unseen");
  outbox.verbose = true;
  outbox.detail("a retry");
  outbox.divert((text) => elsewhere.push(text));
  outbox.say("diverted");
  outbox.sayNow("here");
  outbox.divert(null);
  outbox.say("again");
  await settle();
  assertEquals(elsewhere, ["diverted"]);
  assertEquals(stderr.lines, ["wire-probe: a retry", "wire-probe: here", "wire-probe: again"]);
  assertFalse(stderr.text.includes("unseen"));
});
