import { assertEquals } from "@std/assert";
import { Report } from "../../../src/run/report.ts";
import { CsvFormat } from "../../../src/format/csv.ts";
import { JsonFormat } from "../../../src/format/json.ts";
import { LineBuffer } from "../../../src/sink/line_buffer.ts";
import { established, runOf, summary, target } from "../fixtures.ts";

interface Page {
  readonly buffer: LineBuffer;
  readonly text: () => string;
}

function page(capacity = 4096): Page {
  let text = "";
  const buffer = new LineBuffer(capacity, (bytes) => {
    text += new TextDecoder().decode(bytes);
    return Promise.resolve(bytes.length);
  }, () => {});
  return { buffer, text: () => text };
}

Deno.test("a report is the header, the records and the summaries, in this order", async () => {
  const csv = page();
  const report = new Report(new CsvFormat(false), csv.buffer, false);
  report.record(established(1, 5));
  await report.summary(runOf([summary()]));
  const starts = csv.text().split("\n").map((line) => line.slice(0, 5));
  assertEquals(starts, ["time,", "1970-", ""]);
  const json = page();
  const lines = new Report(new JsonFormat(), json.buffer, false);
  lines.record(established(1, 5));
  await lines.summary(runOf([summary()]));
  const schemas = json.text().trim().split("\n").map((line) => JSON.parse(line).schema);
  assertEquals(schemas, ["wire-probe.probe.v1", "wire-probe.summary.v1"]);
});

Deno.test("a quiet report has the summaries alone", async () => {
  const { buffer, text } = page();
  const report = new Report(new JsonFormat(), buffer, true);
  report.record(established(1, 5));
  await report.summary(runOf([summary()]));
  assertEquals(text().match(/"schema":"[^"]*"/g), ['"schema":"wire-probe.summary.v1"']);
});

Deno.test("a format that prints nothing prints nothing", async () => {
  const { buffer, text } = page();
  const report = new Report({}, buffer, false);
  report.record(established(1, 5));
  await report.summary(runOf([summary()]));
  assertEquals([text(), report.dropped], ["", 0]);
});

Deno.test("more summaries than the buffer holds all arrive", async () => {
  const { buffer, text } = page(32 * 1024);
  const report = new Report(new JsonFormat(), buffer, false);
  const all = Array.from({ length: 500 }, (_, i) => summary({ target: target(`n${i}`) }));
  await report.summary(runOf(all));
  assertEquals(text().trim().split("\n").length, 500);
  assertEquals(report.dropped, 0);
});

Deno.test("records that do not fit are counted", () => {
  const report = new Report(new JsonFormat(), page(400).buffer, false);
  for (let seq = 1; seq <= 5; seq++) report.record(established(seq, 5));
  assertEquals(report.dropped, 4);
});

Deno.test("a record larger than the whole buffer is counted too", () => {
  const report = new Report(new JsonFormat(), page(8).buffer, false);
  report.record(established(1, 5));
  assertEquals(report.dropped, 1);
});

Deno.test("a record that its format writes nothing for is no line and none dropped", async () => {
  const { buffer, text } = page();
  const report = new Report({ record: () => {} }, buffer, false);
  report.record(established(1, 5));
  await report.summary(runOf([]));
  assertEquals([text(), report.dropped], ["", 0]);
});
