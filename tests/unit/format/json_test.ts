import { assertEquals } from "@std/assert";
import { NONE, type ProbeRecord } from "../../../src/domain/probe_record.ts";
import type { RunSummary, Summary } from "../../../src/domain/summary.ts";
import { ByteWriter } from "../../../src/format/byte_writer.ts";
import { JsonFormat } from "../../../src/format/json.ts";
import { established, flat, record, runOf, summary, target, total } from "../fixtures.ts";
import { property } from "../random.ts";
import { anyRecord, millisOf, timeOf } from "./any_record.ts";
import { textOf, written } from "./written.ts";

/** The fields of a probe, in the order of the schema. */
const PROBE_FIELDS = "schema time target address port az labels seq outcome rtt_ms rtt_source " +
  "connect_ms syn_retransmits cold lag_ms error";
const SUMMARY_FIELDS = "schema target address port az labels sent answered lost refused skipped " +
  "syn_retransmits loss_ratio longest_loss_run rtt_ms connect_ms cold_rtt_ms " +
  "delay_variation_ms lag_ms export_dropped";
const FIGURES = ["count", "min", "avg", "max", "stddev", "p50", "p90", "p99", "p99_9"];

function lineOf(of: ProbeRecord): Record<string, unknown> {
  return parsed(written((out) => new JsonFormat().record(out, of)));
}

function summaryLine(of: Summary): Record<string, unknown> {
  const [line] = runLines(runOf([of]));
  return line;
}

function runLines(run: RunSummary): Record<string, unknown>[] {
  return [...new JsonFormat().summary(run)].map((step) => parsed(written(step)));
}

/** The one object of one line. */
function parsed(line: string): Record<string, unknown> {
  assertEquals(line.indexOf("\n"), line.length - 1);
  return JSON.parse(line);
}

property("a probe's line reads back as the record it was made from", 400, (random) => {
  const of = anyRecord(random);
  assertEquals(lineOf(of), {
    schema: "wire-probe.probe.v1",
    time: timeOf(of),
    target: of.target.name.toWellFormed(),
    address: of.address === "" ? null : of.address,
    port: of.target.port,
    az: of.target.az.toWellFormed(),
    labels: Object.fromEntries(of.target.labels),
    seq: of.seq,
    outcome: of.outcome,
    rtt_ms: millisOf(of.rttUs),
    rtt_source: of.rttSource,
    connect_ms: millisOf(of.connectUs),
    syn_retransmits: of.synRetransmits === NONE ? null : of.synRetransmits,
    cold: of.cold,
    lag_ms: millisOf(of.lagUs),
    error: of.error === null ? null : of.error.toWellFormed(),
  });
});

Deno.test("a probe's line has the documented fields in their order, undefined ones as null", () => {
  const line = lineOf(record({ outcome: "unresolved", address: "", error: "name not known" }));
  assertEquals(Object.keys(line).join(" "), PROBE_FIELDS);
  const nulls = Object.keys(line).filter((key) => line[key] === null);
  assertEquals(nulls, ["address", "rtt_ms", "rtt_source", "connect_ms", "syn_retransmits"]);
});

Deno.test("the lines of two targets of one name do not mix", () => {
  const format = new JsonFormat();
  const out = new ByteWriter(4096);
  const [a, b] = [target("db", { port: 1 }), target("db", { port: 2 })];
  for (const each of [a, b, a]) format.record(out, established(1, 5, { target: each }));
  const ports = textOf(out.takeCopy()).trimEnd().split("\n").map((line) => JSON.parse(line).port);
  assertEquals(ports, [1, 2, 1]);
});

Deno.test("a summary's line has the documented fields, in their order", () => {
  const keys = Object.keys(summaryLine(summary()));
  const documented = SUMMARY_FIELDS.split(" ");
  assertEquals(keys.filter((key) => documented.includes(key)), documented);
  const more = [
    "unreachable",
    "not_sent",
    "waiting",
    "repeated_handshakes",
    "syn_loss_ratio",
    "crossed",
  ];
  assertEquals(keys.filter((key) => !documented.includes(key)), more);
});

Deno.test("a summary without a single answer has every figure, as null", () => {
  const line = summaryLine(summary({ sent: 3, lost: 3, longestLossRun: 3 }));
  const nothing = Object.fromEntries(FIGURES.map((key) => [key, key === "count" ? 0 : null]));
  assertEquals([line.rtt_ms, line.connect_ms], [nothing, nothing]);
  assertEquals(line.cold_rtt_ms, { count: 0, min: null, avg: null, max: null });
  assertEquals(line.delay_variation_ms, { p50: null, p99: null });
  assertEquals(line.lag_ms, { p50: null, p99: null });
  assertEquals([line.loss_ratio, line.longest_loss_run, line.syn_retransmits], [1, 3, null]);
});

Deno.test("a summary of nothing sent has no loss ratio", () => {
  const line = summaryLine(summary({ notSent: 2, skipped: 1 }));
  assertEquals([line.sent, line.loss_ratio, line.not_sent, line.skipped], [0, null, 2, 1]);
  assertEquals(line.address, null);
});

Deno.test("a summary's figures are milliseconds to the microsecond", () => {
  const rtt = {
    count: 9,
    minUs: 1,
    avgUs: 1234.5678,
    maxUs: 60_000_000,
    stddevUs: 0.4,
    p50Us: 2000,
    p90Us: 2001.5,
    p99Us: 3000,
    p999Us: 4000,
  };
  const line = summaryLine(summary({ address: "192.0.2.1", sent: 3, lost: 1, rtt, cold: flat(5) }));
  assertEquals(line.rtt_ms, {
    count: 9,
    min: 0.001,
    avg: 1.235,
    max: 60_000,
    stddev: 0,
    p50: 2,
    p90: 2.002,
    p99: 3,
    p99_9: 4,
  });
  assertEquals(line.cold_rtt_ms, { count: 1, min: 0.005, avg: 0.005, max: 0.005 });
  assertEquals([line.loss_ratio, line.address], [0.333333, "192.0.2.1"]);
});

Deno.test("a summary names the thresholds that its target crossed", () => {
  const of = { ...summary({ sent: 2, lost: 1 }), crossed: ["loss", "p99"] as const };
  assertEquals(runLines(runOf([of, summary()])).map(({ crossed }) => crossed), [
    ["loss", "p99"],
    [],
  ]);
});

Deno.test("groups and the total follow the targets, with all figures that those have", () => {
  const figures = { sent: 4, answered: 3, lost: 1, synCounted: 3, synRepeated: 1 };
  const all = runLines(runOf([summary({ target: target("a") }), summary()], {
    totals: [
      total({ group: ["rack", "r1"], targets: 1 }),
      total({ ...figures, synRetransmits: 2, crossed: ["p50"] }),
    ],
  }));
  const about = ({ schema, group, targets }: Record<string, unknown>) => [schema, group, targets];
  assertEquals(all.map(about), [
    ["wire-probe.summary.v1", undefined, undefined],
    ["wire-probe.summary.v1", undefined, undefined],
    ["wire-probe.total.v1", { rack: "r1" }, 1],
    ["wire-probe.total.v1", null, 2],
  ]);
  const [one, , , whole] = all;
  const own = new Set(["target", "address", "port", "az", "labels"]);
  const shared = Object.keys(one).filter((key) => !own.has(key));
  assertEquals(Object.keys(whole), ["schema", "group", "targets", ...shared.slice(1)]);
  assertEquals([whole.loss_ratio, whole.syn_retransmits, whole.syn_loss_ratio], [
    0.25,
    2,
    0.333333,
  ]);
  assertEquals(whole.crossed, ["p50"]);
});
