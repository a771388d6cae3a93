/** Line protocol as an independent reader takes it, and what cannot be said in it. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../../src/domain/exit.ts";
import { NONE, type ProbeRecord } from "../../../src/domain/probe_record.ts";
import type { Target } from "../../../src/domain/target.ts";
import type { Window } from "../../../src/domain/summary.ts";
import { ByteWriter } from "../../../src/format/byte_writer.ts";
import { InfluxFormat } from "../../../src/format/influx.ts";
import { NAMING } from "../../../src/format/naming.ts";
import { OUTCOMES } from "../../../src/domain/outcome.ts";
import { established, flat, record, target, windowOf } from "../fixtures.ts";
import { property, type Random } from "../random.ts";
import { anyRecord } from "./any_record.ts";
import { type FieldValue, type Point, readPoint, readPoints } from "./influx_reader.ts";
import { nameText } from "./texts.ts";
import { textOf, written } from "./written.ts";

function lineOf(of: ProbeRecord): string {
  return written((out) => new InfluxFormat().record(out, of));
}

function pointOf(of: ProbeRecord): Point {
  const points = readPoints(lineOf(of));
  assertEquals(points.length, 1);
  return points[0];
}

function windowPoint(of: Window): Point {
  return readPoint(written((out) => new InfluxFormat().window(out, of)).trimEnd());
}

/** A value that a tag can have. */
function tagText(random: Random): string {
  return nameText(random).replace(/\\$/, "\\x");
}

function anyTarget(random: Random): Target {
  const labels = Array.from(
    { length: random.int(0, 4) },
    (_, i) => [`key_${i}`, tagText(random)] as const,
  );
  return target(tagText(random), { az: tagText(random), labels });
}

function tagsOf(of: Target): Point["tags"] {
  return [["target", of.name], ["az", of.az], ...of.labels];
}

function fieldsOf(of: ProbeRecord): Record<string, FieldValue> {
  const answered = of.outcome === "established";
  const fields: Record<string, FieldValue> = {
    success: answered ? 1n : 0n,
    lag_ms: of.lagUs / 1000,
    cold: of.cold,
    outcome: of.outcome,
  };
  if (answered && of.rttUs !== NONE) fields.rtt_ms = of.rttUs / 1000;
  if (of.connectUs !== NONE) fields.connect_ms = of.connectUs / 1000;
  if (of.synRetransmits !== NONE) fields.syn_retransmits = BigInt(of.synRetransmits);
  return fields;
}

function timeOf({ wallSeconds, wallNanos }: { wallSeconds: number; wallNanos: number }): bigint {
  return BigInt(wallSeconds) * 1_000_000_000n + BigInt(wallNanos);
}

property("a probe's line reads back as the record it was made from", 600, (random) => {
  const of = { ...anyRecord(random), target: anyTarget(random) };
  new InfluxFormat().check(of.target);
  assertEquals(pointOf(of), {
    measurement: "tcp_latency",
    tags: tagsOf(of.target),
    fields: fieldsOf(of),
    time: timeOf(of),
  });
});

Deno.test("the original's line is what each line begins with, byte for byte", () => {
  const t = target("T", { az: "Z" });
  const answered = lineOf(established(1, 4120, { target: t }));
  const prefix = "tcp_latency,target=T,az=Z rtt_ms=4.12,success=1i";
  assertEquals(answered.slice(0, prefix.length + 1), `${prefix},`);
  const whole = lineOf(established(1, 2000, { target: t }));
  assertStringIncludes(whole, "tcp_latency,target=T,az=Z rtt_ms=2.0,success=1i,");
});

Deno.test("a probe that got no handshake has success=0i and no rtt_ms", () => {
  const t = target("T", { az: "Z" });
  for (const outcome of OUTCOMES.filter((known) => known !== "established")) {
    // A refusal has a round trip of its own, which is no handshake's.
    const line = lineOf(record({ outcome, target: t, rttUs: 388, rttSource: "clock" }));
    const prefix = "tcp_latency,target=T,az=Z success=0i,";
    assertEquals(line.slice(0, prefix.length), prefix, outcome);
    assertEquals(line.includes("rtt_ms"), false, outcome);
  }
});

Deno.test("a handshake without a sample succeeded, and shows no time", () => {
  const { fields } = pointOf(
    established(1, NONE, { connectUs: 812, wallSeconds: 1_800_000_000 }),
  );
  assertEquals([fields.success, "rtt_ms" in fields, fields.connect_ms], [1n, false, 0.812]);
});

const REFUSED: readonly [of: Target, message: string][] = [
  [target(""), 'name "" cannot be an Influx tag: it is empty'],
  [target("C:\\"), 'name "C:\\\\" cannot be an Influx tag: it ends in a backslash'],
  [target("db", { az: "" }), 'az "" cannot be an Influx tag: it is empty'],
  [target("db", { az: "a\\" }), 'az "a\\\\" cannot be an Influx tag: it ends in a backslash'],
  [
    target("db", { labels: [["rack", "r\\"]] }),
    'label rack "r\\\\" cannot be an Influx tag: it ends in a backslash',
  ],
  [
    target("db", { labels: [["ok", "1"], ["rack", ""]] }),
    'label rack "" cannot be an Influx tag: it is empty',
  ],
  [
    target("db", { labels: [["target", "x"]] }),
    "target db: label target is a tag of its own in Influx lines",
  ],
  [
    target("db", { labels: [["az", "x"]] }),
    "target db: label az is a tag of its own in Influx lines",
  ],
];

Deno.test("what a tag cannot be is refused by name", () => {
  for (const [of, message] of REFUSED) {
    const error = assertThrows(() => new InfluxFormat().check(of), UsageError);
    assertEquals(error.message, message);
  }
  new InfluxFormat().check(target("C:\\db", { labels: [["targets", "x"], ["path", "\\\\a"]] }));
});

Deno.test("labels that InfluxDB reserves, and whose points it would discard, are refused", () => {
  for (const key of ["time", "_field", "_measurement"]) {
    const of = target("db", { labels: [[key, "x"]] });
    const error = assertThrows(() => new InfluxFormat().check(of), UsageError, undefined, key);
    assertStringIncludes(error.message, key);
  }
});

/** A window with figures that are no whole numbers, as averages are. */
const WINDOW: Window = windowOf({
  target: target("a b", { az: "z", labels: [["rack", "r=1"]] }),
  sent: 10,
  answered: 8,
  lost: 2,
  refused: 1,
  unreachable: 2,
  skipped: 3,
  notSent: 4,
  synRetransmits: 5,
  rtt: { ...flat(0, 7), minUs: 1, avgUs: 1234.5, p50Us: 2000, p90Us: 3, p99Us: 4.4, maxUs: 60e6 },
  wallSeconds: 1_800_000_000,
  wallNanos: 7000,
});

Deno.test("a window's line has its counts and the figures of its round trips", () => {
  assertEquals(windowPoint(WINDOW), {
    measurement: "tcp_latency_window",
    tags: [["target", "a b"], ["az", "z"], ["rack", "r=1"]],
    fields: {
      sent: 10n,
      answered: 8n,
      lost: 2n,
      refused: 1n,
      unreachable: 2n,
      skipped: 3n,
      not_sent: 4n,
      syn_retransmits: 5n,
      rtt_min_ms: 0.001,
      rtt_avg_ms: 1.235,
      rtt_p50_ms: 2,
      rtt_p90_ms: 0.003,
      rtt_p99_ms: 0.004,
      rtt_max_ms: 60_000,
    },
    time: 1_800_000_000_000_007_000n,
  });
});

Deno.test("a window in which nothing was measured has its counts alone", () => {
  const { fields } = windowPoint(windowOf({ sent: 2, lost: 2 }));
  const zeros = { answered: 0n, refused: 0n, unreachable: 0n, skipped: 0n, not_sent: 0n };
  assertEquals(fields, { sent: 2n, lost: 2n, ...zeros });
});

Deno.test("a line that does not fit leaves the buffer as it was", () => {
  const out = new ByteWriter(100);
  out.ascii("before");
  out.begin();
  new InfluxFormat().record(out, established(1, 4120, { target: target("n".repeat(90)) }));
  assertEquals(out.end(), false);
  assert(textOf(out.takeCopy()) === "before");
});

Deno.test("the prober's host is a tag, so that two probers of a target are two series", () => {
  const hostOf = (host: string | null, of: Target) => {
    const format = new InfluxFormat(NAMING.probe, host);
    const lines = written((out) => {
      format.record(out, { ...established(1, 4120), target: of, wallSeconds: 1_700_000_000 });
      format.window(out, { ...WINDOW, target: of });
    });
    return readPoints(lines).map(({ tags }) => new Map(tags).get("host") ?? null);
  };
  assertEquals(hostOf("node 1", target("db")), ["node 1", "node 1"]);
  assertEquals(hostOf(null, target("db")), [null, null]);
  assertEquals(hostOf("", target("db")), [null, null]);
  // A label of the user's with this name stays.
  assertEquals(hostOf("node-1", target("db", { labels: [["host", "mine"]] })), ["mine", "mine"]);
});
