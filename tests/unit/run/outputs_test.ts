/** Which outputs and exporters are told what of a run, and in which order. */
import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { type OutputOptions, Outputs } from "../../../src/run/outputs.ts";
import { Report } from "../../../src/run/report.ts";
import { UsageError } from "../../../src/domain/exit.ts";
import type { Target } from "../../../src/domain/target.ts";
import { InfluxFormat } from "../../../src/format/influx.ts";
import type { RecordFormat } from "../../../src/format/record_format.ts";
import { Drops, type Exporter } from "../../../src/sink/exporter.ts";
import { STREAM_BOUNDS, StreamOutput } from "../../../src/sink/stream_output.ts";
import { FakeClock } from "../fake_clock.ts";
import { established, target } from "../fixtures.ts";
import { seqFormat } from "../sink/seq_format.ts";

const [A, B] = [target("a"), target("b")];

/** Writes down what it is told. */
class Told implements Exporter {
  readonly calls: string[] = [];
  readonly drops = new Drops();

  get dropped(): number {
    return this.drops.total;
  }

  check({ name }: Target): void {
    if (name === "bad") throw new UsageError("cannot be told");
    this.calls.push(`check ${name}`);
  }
  watch({ name }: Target): void {
    this.calls.push(`watch ${name}`);
  }
  record({ target, seq }: { target: Target; seq: number }): void {
    this.calls.push(`record ${target.name} ${seq}`);
  }
  window({ target, sent }: { target: Target; sent: number }): void {
    this.calls.push(`window ${target.name} ${sent}`);
  }
  skipped({ name }: Target, slots: number): void {
    this.calls.push(`skipped ${name} ${slots}`);
  }
  forget({ name }: Target): void {
    this.calls.push(`forget ${name}`);
  }
  close(withinMs: number): Promise<void> {
    this.calls.push(`close ${withinMs}`);
    return Promise.resolve();
  }
}

/** An exporter with nothing but what it must have. */
function bare(): Exporter {
  return {
    check: () => {},
    record: () => {},
    drops: new Drops(),
    dropped: 0,
    close: () => Promise.resolve(),
  };
}

interface Page {
  readonly report: Report;
  text(): Promise<string>;
}

function page(format: RecordFormat = seqFormat()): Page {
  let text = "";
  const write = (bytes: Uint8Array) => {
    text += new TextDecoder().decode(bytes);
    return Promise.resolve(bytes.length);
  };
  const buffer = new StreamOutput({ write });
  return {
    report: new Report(format, buffer, false),
    text: async () => {
      await buffer.flushed();
      return text;
    },
  };
}

const PROBES: OutputOptions = { perProbe: true, windowMs: null };

function outputs(
  exporters: readonly Exporter[],
  options: OutputOptions = PROBES,
  { report } = page(),
  clock = new FakeClock(),
): Outputs {
  return new Outputs(report, exporters, clock, options);
}

Deno.test("each record goes to stdout and to every exporter", async () => {
  const [first, second, stdout] = [new Told(), new Told(), page()];
  const all = outputs([first, second], PROBES, stdout);
  all.record(established(1, 5, { target: A }));
  all.record(established(2, 5, { target: B }));
  assertEquals(await stdout.text(), "1\n2\n");
  for (const { calls } of [first, second]) assertEquals(calls, ["record a 1", "record b 2"]);
});

/** Windows of a second beside the single probes, after one probe of A. */
function begun(): { told: Told; clock: FakeClock; all: Outputs } {
  const [told, clock] = [new Told(), new FakeClock()];
  const all = outputs([told], { perProbe: true, windowMs: 1000 }, page(), clock);
  all.start();
  all.record(established(1, 5, { target: A }));
  return { told, clock, all };
}

Deno.test("windows go to all of them too, beside the single probes", async () => {
  const [told, stdout, clock] = [new Told(), page(), new FakeClock()];
  const all = outputs([told, bare()], { perProbe: true, windowMs: 1000 }, stdout, clock);
  all.start();
  all.record(established(1, 5, { target: A }));
  await clock.advance(1000);
  await all.close(() => 7);
  assertEquals(told.calls, ["record a 1", "window a 1", "close 7"]);
  assertEquals(await stdout.text(), "1\nw1\nw2\nw3\n");
});

Deno.test("without single probes stdout has the windows alone", async () => {
  const [told, stdout, clock] = [new Told(), page(), new FakeClock()];
  const all = outputs([told], { perProbe: false, windowMs: 1000 }, stdout, clock);
  all.start();
  all.record(established(1, 5, { target: A }));
  await clock.advance(1000);
  await all.close(() => 7);
  assertEquals(await stdout.text(), "w1\nw2\nw3\n");
  // Which exporter wants them all the same is decided where it is opened.
  assertEquals(told.calls, ["record a 1", "window a 1", "close 7"]);
});

Deno.test("the last window is out before the exporters are closed", async () => {
  const { told, clock, all } = begun();
  await clock.advance(300);
  await all.close(() => 7);
  assertEquals(told.calls, ["record a 1", "window a 1", "close 7"]);
  assertEquals(clock.waiting, 0);
});

Deno.test("no windows were asked for: nothing waits, and none comes", async () => {
  const [told, clock] = [new Told(), new FakeClock()];
  const all = outputs([told], PROBES, page(), clock);
  all.start();
  assertEquals(clock.waiting, 0);
  all.record(established(1, 5, { target: A }));
  all.forget(A);
  await all.close(() => 7);
  assertEquals(told.calls, ["record a 1", "forget a", "close 7"]);
});

Deno.test("skipped probes are told to those that count them, and to the windows", async () => {
  const [told, clock] = [new Told(), new FakeClock()];
  const skipped: number[] = [];
  const counting = {
    ...bare(),
    window: (window: { skipped: number }) => skipped.push(window.skipped),
  };
  const exporters: Exporter[] = [told, { ...counting, window: (of) => void counting.window(of) }];
  const all = outputs(exporters, { perProbe: true, windowMs: 1000 }, page(), clock);
  all.start();
  all.skip(A, 3);
  await clock.advance(1000);
  await all.close(() => 7);
  assertEquals(told.calls, ["skipped a 3", "window a 0", "close 7"]);
  assertEquals(skipped, [3]);
});

Deno.test("a target is checked by stdout's format and by every exporter", () => {
  const [first, second] = [new Told(), new Told()];
  outputs([first, second]).check([A, B]);
  for (const { calls } of [first, second]) assertEquals(calls, ["check a", "check b"]);
  const refusing = () => outputs([bare(), new Told()]).check([A, target("bad")]);
  assertEquals(assertThrows(refusing, UsageError).message, "cannot be told");
  const influx = outputs([bare()], PROBES, page(new InfluxFormat()));
  assertThrows(() => influx.check([target("a\\")]), UsageError, "backslash");
});

Deno.test("targets are watched and forgotten by the exporters that want to know", () => {
  const told = new Told();
  const all = outputs([bare(), told]);
  all.watch([A, B]);
  all.forget(A);
  assertEquals(told.calls, ["watch a", "watch b", "forget a"]);
});

Deno.test("a forgotten target has one last window, and none after", async () => {
  const { told, clock, all } = begun();
  all.forget(A);
  await clock.advance(3000);
  await all.close(() => 7);
  assertEquals(told.calls.filter((call) => call.startsWith("window")), ["window a 1"]);
});

Deno.test("lines lost are those of stdout and of all exporters together", async () => {
  const [first, second] = [new Told(), new Told()];
  // A line that is longer than any buffer.
  const stdout = page(seqFormat(STREAM_BOUNDS.batchBytes + 1));
  const seen: number[] = [];
  const clock = new FakeClock();
  const watching: Exporter = {
    ...bare(),
    window: ({ exportDropped }) => void seen.push(exportDropped),
  };
  const exporters = [first, second, watching];
  const all = outputs(exporters, { perProbe: true, windowMs: 1000 }, stdout, clock);
  all.start();
  all.record(established(1, 5, { target: A }));
  assertEquals(all.dropped, 1);
  first.drops.add(10, "late");
  second.drops.add(100, "refused");
  assertEquals(all.dropped, 111);
  await clock.advance(1000);
  assertEquals(seen, [111]);
  await all.close(() => 7);
});

Deno.test("closing waits for every exporter", async () => {
  const ended: string[] = [];
  const slow = (name: string, turns: number): Exporter => ({
    ...bare(),
    close: async () => {
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      ended.push(name);
    },
  });
  await outputs([slow("slow", 20), slow("fast", 1)]).close(() => 7);
  assertEquals(ended, ["fast", "slow"]);
});

Deno.test("the last windows are spread over half of the time there is, so that no receiver is flooded", async () => {
  const [told, clock] = [new Told(), new FakeClock()];
  const all = outputs([told], { perProbe: false, windowMs: 10_000 }, page(), clock);
  all.start();
  for (let i = 0; i < 600; i++) all.record(established(1, 5, { target: target(`t${i}`) }));
  await clock.advance(100);
  const closing = all.close(() => 1700);
  const handedOut = () => told.calls.filter((call) => call.startsWith("window ")).length;
  let [before, most] = [handedOut(), 0];
  for (let ms = 0; ms < 1000; ms += 10) {
    await clock.advance(10);
    most = Math.max(most, handedOut() - before);
    before = handedOut();
  }
  await closing;
  assertEquals([handedOut(), most], [600, 8]);
});

Deno.test("a slow reader of stdout has every last window, as long as it takes something in time", async () => {
  const clock = new FakeClock();
  let text = "";
  const write = async (bytes: Uint8Array) => {
    await new Promise<void>((resolve) => clock.wakeAt(clock.now() + 700, resolve));
    const some = bytes.subarray(0, 16 * 1024);
    text += new TextDecoder().decode(some);
    return some.length;
  };
  const out = new StreamOutput({ write });
  const told = new Told();
  // More in all than may wait.
  const long: RecordFormat = {
    ...seqFormat(),
    window: (out) => out.ascii("w".repeat(1999) + "\n"),
  };
  const options = { perProbe: false, windowMs: 10_000 };
  const all = new Outputs(new Report(long, out, false), [told], clock, options);
  all.start();
  for (let i = 0; i < 600; i++) all.record(established(1, 5, { target: target(`t${i}`) }));
  await clock.advance(100);
  let isOver = false;
  const closing = all.close(() => 1700).then(() => out.flushed()).then(() => isOver = true);
  for (let i = 0; i < 8000 && !isOver; i++) await clock.advance(10);
  await closing;
  assertEquals(text.split("\n").length - 1, 600);
  assertEquals(told.calls.filter((call) => call.startsWith("window ")).length, 600);
});

Deno.test("an exporter that is stuck at the end costs half of the time, and the others no window", async () => {
  const [told, stdout, clock] = [new Told(), page(), new FakeClock()];
  const stuck = { ...bare(), room: () => new Promise<void>(() => {}) };
  const all = outputs([stuck, told], { perProbe: false, windowMs: 10_000 }, stdout, clock);
  all.start();
  for (let i = 0; i < 1000; i++) {
    all.record(established(1, 5, { target: target(`t${i}`) }));
  }
  await clock.advance(100);
  const startMs = clock.now();
  let tookMs = Infinity;
  const closing = all.close(() => 1700).then(() => tookMs = clock.now() - startMs);
  // The first turn waits 850 ms for the stuck one, the others are spread over as much.
  for (let ms = 0; ms < 1800; ms++) await clock.advance(1);
  await closing;
  assertLess(tookMs, 1750);
  assertEquals(told.calls.filter((call) => call.startsWith("window ")).length, 1000);
});
