import { assertEquals } from "@std/assert";
import { Report } from "../../../src/run/report.ts";
import { CsvFormat } from "../../../src/format/csv.ts";
import { JsonFormat } from "../../../src/format/json.ts";
import { MAX_RECORD_BYTES } from "../../../src/format/record_format.ts";
import { StreamOutput } from "../../../src/sink/stream_output.ts";
import { established, runOf, summary, target } from "../fixtures.ts";

interface Page {
  readonly buffer: StreamOutput;
  readonly text: () => string;
}

function page(room = 4096, batches = 3): Page {
  let text = "";
  const write = (bytes: Uint8Array) => {
    text += new TextDecoder().decode(bytes);
    return Promise.resolve(bytes.length);
  };
  const bounds = { batches, batchBytes: MAX_RECORD_BYTES + room };
  const buffer = new StreamOutput({ write, bounds });
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
  const { buffer, text } = page();
  const report = new Report(new JsonFormat(), buffer, false);
  const all = Array.from({ length: 500 }, (_, i) => summary({ target: target(`n${i}`) }));
  await report.summary(runOf(all));
  assertEquals(text().trim().split("\n").length, 500);
  assertEquals(report.dropped, 0);
});

Deno.test("records that make room for newer ones are counted", () => {
  const report = new Report(new JsonFormat(), page(1).buffer, false);
  for (let seq = 1; seq <= 5; seq++) report.record(established(seq, 5));
  // A buffer each, of which the last is filled next.
  assertEquals(report.dropped, 3);
});

Deno.test("a record that its format writes nothing for is no line and none dropped", async () => {
  const { buffer, text } = page();
  const report = new Report({ record: () => {} }, buffer, false);
  report.record(established(1, 5));
  await report.summary(runOf([]));
  assertEquals([text(), report.dropped], ["", 0]);
});
