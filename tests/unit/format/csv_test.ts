import { assertEquals } from "@std/assert";
import { NONE, type ProbeRecord } from "../../../src/domain/probe_record.ts";
import { CsvFormat } from "../../../src/format/csv.ts";
import { record, target } from "../fixtures.ts";
import { property } from "../random.ts";
import { anyRecord, millisOf, timeOf } from "./any_record.ts";
import { readCsv } from "./csv_reader.ts";
import { written } from "./written.ts";

function rowOf(of: ProbeRecord): string[] {
  const rows = readCsv(written((out) => new CsvFormat(false).record(out, of)));
  assertEquals(rows.length, 1);
  return rows[0];
}

/** A number as it stands in a field; nothing for none. */
function cell(value: number | null): string {
  if (value === null) return "";
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

Deno.test("the header names the fields of a probe in the order of the rows", () => {
  const [header] = readCsv(written((out) => new CsvFormat(false).header(out)));
  assertEquals(
    header.join(" "),
    "time target address port az labels seq outcome rtt_ms rtt_source connect_ms " +
      "syn_retransmits cold lag_ms error",
  );
  assertEquals(rowOf(record()).length, header.length);
});

property("a row reads back as the record it was made from", 400, (random) => {
  const of = anyRecord(random);
  assertEquals(rowOf(of), [
    timeOf(of),
    of.target.name.toWellFormed(),
    of.address,
    String(of.target.port),
    of.target.az.toWellFormed(),
    of.target.labels.map(([key, value]) => `${key}=${value}`).join(";"),
    String(of.seq),
    of.outcome,
    cell(millisOf(of.rttUs)),
    of.rttSource ?? "",
    cell(millisOf(of.connectUs)),
    of.synRetransmits === NONE ? "" : String(of.synRetransmits),
    String(of.cold),
    cell(of.lagUs / 1000),
    of.error === null ? "" : of.error.toWellFormed(),
  ]);
});

Deno.test("only fields that need it are quoted", () => {
  const plain = record({ target: target("plain name", { labels: [["a", "b"], ["c", "d"]] }) });
  assertEquals(written((out) => new CsvFormat(false).record(out, plain)).includes('"'), false);
  const loud = record({ target: target('a,"b"'), error: "first\nsecond" });
  const text = written((out) => new CsvFormat(false).record(out, loud));
  assertEquals(text.match(/"/g)?.length, 2 + 4 + 2);
});
