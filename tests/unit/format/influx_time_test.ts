/** Points of one series with one timestamp would merge to a single one: no two may be alike. */
import { assertEquals } from "@std/assert";
import type { Target } from "../../../src/domain/target.ts";
import { ByteWriter } from "../../../src/format/byte_writer.ts";
import { InfluxFormat } from "../../../src/format/influx.ts";
import type { WallTime } from "../../../src/time/wall_anchor.ts";
import { established, target, windowOf } from "../fixtures.ts";
import { property } from "../random.ts";
import { readPoint } from "./influx_reader.ts";
import { textOf } from "./written.ts";

const START = 1_800_000_000;
const MICRO = 1000n;
const DB = target("db");

/** Whole microseconds since START as a record states them. */
function wall(micros: number): WallTime {
  const seconds = Math.floor(micros / 1e6);
  return { wallSeconds: START + seconds, wallNanos: (micros - seconds * 1e6) * 1000 };
}

function nanos({ wallSeconds, wallNanos }: WallTime): bigint {
  return BigInt(wallSeconds) * 1_000_000_000n + BigInt(wallNanos);
}

/** The times of one format's lines for probes sent so many µs after START. */
function timesOf(micros: readonly number[], of: (i: number) => Target = () => DB): bigint[] {
  const format = new InfluxFormat();
  const out = new ByteWriter(1024);
  return micros.map((at, i) => {
    format.record(out, established(i + 1, 100, { target: of(i), ...wall(at) }));
    return readPoint(textOf(out.takeCopy()).trimEnd()).time;
  });
}

function assertNoneTwice(times: readonly bigint[]): void {
  assertEquals(new Set(times).size, times.length, "a timestamp is there twice");
}

Deno.test("a time is the record's, to the nanosecond's digit", () => {
  for (const micros of [0, 1, 7, 999_999, 1_000_000, 86_399_999_999]) {
    assertEquals(timesOf([micros]), [nanos(wall(micros))]);
  }
  const [time] = timesOf([999_999]);
  assertEquals(String(time), "1800000000999999000");
});

Deno.test("probes of one microsecond are told apart within it, in their order", () => {
  const times = timesOf([5, 5, 5, 6, 6]);
  const base = nanos(wall(0));
  assertEquals(times.map((time) => Number(time - base)), [5000, 5001, 5002, 6000, 6001]);
});

Deno.test("more probes in one microsecond than it has nanoseconds are still told apart", () => {
  const times = timesOf(Array.from({ length: 3500 }, () => 999_999));
  assertNoneTwice(times);
  // Those that have no room go on beyond it, not far off.
  for (const time of times) {
    const off = time - nanos(wall(999_999));
    assertEquals(off >= 0n && off < 10n * MICRO, true, `off by ${off} ns`);
  }
});

Deno.test("probes after an overfull microsecond are told apart from its own", () => {
  assertNoneTwice(timesOf([...Array.from({ length: 2500 }, () => 5), 6, 7, 7, 8, 9]));
});

Deno.test("a clock that steps back onto earlier stamps makes none a second time", () => {
  const first = Array.from({ length: 100 }, (_, i) => i * 10_000);
  const stepped = [...first, ...first.slice(50), ...first.slice(20)];
  const times = timesOf(stepped);
  assertNoneTwice(times);
  for (const [i, time] of times.entries()) {
    const off = time - nanos(wall(stepped[i]));
    assertEquals(off >= 0n && off < MICRO, true, `line ${i} is off by ${off} ns`);
  }
});

Deno.test("a result that comes late keeps the time it was sent at", () => {
  const sent = [0, 1_000_000, 2_000_000];
  const times = timesOf([sent[1], sent[2], sent[0]]);
  const off = times[2] - nanos(wall(sent[0]));
  assertEquals(off >= 0n && off < MICRO, true, `off by ${off} ns`);
});

Deno.test("a late result is told apart from a probe of its own microsecond", () => {
  assertNoneTwice(timesOf([5, 6, 5, 7, 6, 5]));
});

property("no two lines of a series bear one time, whatever the clock does", 100, (random) => {
  const micros: number[] = [];
  let now = 0;
  // Fewer than a microsecond has nanoseconds: so many can be late and still be told apart.
  while (micros.length < 600) {
    const burst = random.pick([1, 1, 1, random.int(2, 20)]);
    for (let i = 0; i < burst; i++) micros.push(now);
    now = random.int(0, 30) === 0
      ? random.pick([0, Math.max(0, now - 1), Math.floor(now / 2)])
      : now + random.pick([1, 1, 2, 10_000, 1_000_000]);
  }
  assertNoneTwice(timesOf(micros));
});

Deno.test("targets are series of their own, and so are windows", () => {
  const [a, b] = [target("a"), target("b")];
  const [first, second] = timesOf([5, 5], (i) => [a, b][i]);
  assertEquals([first, second], [nanos(wall(5)), nanos(wall(5))]);
  const format = new InfluxFormat();
  const out = new ByteWriter(1024);
  format.record(out, established(1, 100, { target: a, ...wall(5) }));
  out.takeCopy();
  format.window(out, windowOf({ target: a, ...wall(5) }));
  assertEquals(readPoint(textOf(out.takeCopy()).trimEnd()).time, nanos(wall(5)));
});

Deno.test("windows of one target are told apart too", () => {
  const format = new InfluxFormat();
  const out = new ByteWriter(1024);
  const times = [5, 5, 4].map((micros) => {
    format.window(out, windowOf({ target: DB, ...wall(micros) }));
    return readPoint(textOf(out.takeCopy()).trimEnd()).time;
  });
  assertNoneTwice(times);
});

Deno.test("targets that differ in their address alone are one series to InfluxDB", () => {
  const [a, b] = [target("db", { port: 1 }), target("db", { port: 2 })];
  assertNoneTwice(timesOf([5, 5], (i) => [a, b][i]));
});
