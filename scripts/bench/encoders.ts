/**
 * Ten million lines through each line format: heap bytes, collections and nanoseconds a line,
 * beside an encoder of template strings in the same run.
 */
import { blankRecord, type ProbeRecord } from "../../src/domain/probe_record.ts";
import type { Target } from "../../src/domain/target.ts";
import { ByteWriter } from "../../src/format/byte_writer.ts";
import { CollectdFormat } from "../../src/format/collectd.ts";
import { CsvFormat } from "../../src/format/csv.ts";
import { InfluxFormat } from "../../src/format/influx.ts";
import { JsonFormat } from "../../src/format/json.ts";
import type { RecordFormat } from "../../src/format/record_format.ts";

/** The runtime flags of the compiled binary, and those for the collector's trace. */
const V8_FLAGS = "--max-semi-space-size=1,--trace-gc,--expose-gc";
const WARM_UP_LINES = 1_000_000;
const MARK = "== measured from here";
const END = "== to here";
/** What a collection of the young generation frees at the most, by the flags above. */
const COLLECTION_BYTES = 1024 * 1024;
/**
 * Heap bytes a line that pass as none. The engine keeps some 0.3 to 1 MB of a run (compiled code,
 * its notes), whatever the number of lines; a single boxed number a line would be 12 bytes or more.
 */
const MAX_HEAP_BYTES_PER_LINE = 0.5;

const target: Target = {
  name: "mdb_primary",
  host: "10.0.0.5",
  port: 5432,
  az: "eu-west",
  labels: [["rack", "r1"]],
};

const collectd = { host: "obs01", intervalMs: 10_000, types: "latency", windowed: false } as const;

const FORMATS: Record<string, () => RecordFormat> = {
  influx: () => new InfluxFormat(),
  collectd: () => new CollectdFormat(collectd),
  json: () => new JsonFormat(),
  csv: () => new CsvFormat(false),
};

/** A different record each time, as a run would make them. */
function vary(record: ProbeRecord, i: number): void {
  record.seq = i + 1;
  record.rttUs = i % 60_000;
  record.connectUs = record.rttUs + 200;
  record.lagUs = i % 3000;
  record.wallSeconds = 1_763_715_600 + ((i / 1000) | 0);
  record.wallNanos = (i % 1000) * 1_000_000;
}

function freshRecord(): ProbeRecord {
  return Object.assign(blankRecord(), {
    target,
    address: "10.0.0.5",
    outcome: "established",
    rttSource: "kernel",
    synRetransmits: 0,
  });
}

function encodeLines(format: RecordFormat, writer: ByteWriter, lines: number): void {
  const record = freshRecord();
  for (let i = 0; i < lines; i++) {
    vary(record, i);
    if (writer.length > writer.bytes.length - 1024) writer.length = 0;
    writer.begin();
    format.record?.(writer, record);
    writer.end();
  }
}

/** The usual way: a string a line, encoded into the same kind of buffer. */
function templateLines(lines: number): void {
  const record = freshRecord();
  const buffer = new Uint8Array(65_536);
  const encoder = new TextEncoder();
  for (let i = 0; i < lines; i++) {
    vary(record, i);
    const line = `tcp_latency,target=${target.name},az=${target.az},rack=r1 ` +
      `rtt_ms=${record.rttUs / 1000},success=1i,connect_ms=${record.connectUs / 1000},` +
      `syn_retransmits=${record.synRetransmits}i,lag_ms=${
        record.lagUs / 1000
      },cold=${record.cold},` +
      `outcome="${record.outcome}" ` +
      `${BigInt(record.wallSeconds) * 1_000_000_000n + BigInt(record.wallNanos)}\n`;
    encoder.encodeInto(line, buffer);
  }
}

/** In a process of its own: one encoder, its marks on stdout between the collector's lines. */
function measureHere(name: string, lines: number): void {
  const writer = new ByteWriter(65_536);
  const format = name === "template" ? null : FORMATS[name]();
  const work = (count: number) =>
    format === null ? templateLines(count) : encodeLines(format, writer, count);
  work(WARM_UP_LINES);
  (globalThis as { gc?: () => void }).gc?.();
  console.log(MARK);
  const heap = Deno.memoryUsage().heapUsed;
  const start = performance.now();
  work(lines);
  const elapsedMs = performance.now() - start;
  const bytes = Deno.memoryUsage().heapUsed - heap;
  console.log(END);
  console.log(JSON.stringify({ nsPerLine: elapsedMs * 1e6 / lines, heapBytes: bytes }));
}

interface Result {
  readonly name: string;
  readonly nsPerLine: number;
  readonly heapBytes: number;
  readonly collections: number;
}

async function measure(name: string, lines: number): Promise<Result> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      `--v8-flags=${V8_FLAGS}`,
      import.meta.filename ?? "",
      name,
      String(lines),
    ],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`the measuring of ${name} failed`);
  const text = new TextDecoder().decode(stdout);
  const between = text.slice(text.indexOf(MARK), text.indexOf(END));
  const collections = between.split("\n").filter((line) => / ms: /.test(line)).length;
  return { name, collections, ...JSON.parse(text.slice(text.indexOf(END)).split("\n")[1]) };
}

/** Prints the table; true when every format allocates nothing. */
async function report(lines: number): Promise<boolean> {
  const template = await measure("template", lines);
  console.log(
    `${lines} lines each; heap bytes a line, collections, ns a line, ratio to template\n`,
  );
  let clean = true;
  for (const name of [...Object.keys(FORMATS), "template"]) {
    const result = name === "template" ? template : await measure(name, lines);
    const perLine = result.heapBytes / lines;
    if (name !== "template") {
      const bytes = result.heapBytes + result.collections * COLLECTION_BYTES;
      clean &&= bytes / lines <= MAX_HEAP_BYTES_PER_LINE;
    }
    console.log(
      `${name.padEnd(9)} ${perLine.toFixed(3).padStart(9)} B ${
        String(result.collections).padStart(6)
      } GCs ${result.nsPerLine.toFixed(0).padStart(6)} ns ${
        (result.nsPerLine / template.nsPerLine).toFixed(2).padStart(6)
      }`,
    );
  }
  return clean;
}

if (import.meta.main) {
  const [first, second] = Deno.args;
  if (second !== undefined) measureHere(first, Number(second));
  else if (!await report(Number(first ?? 10_000_000))) Deno.exit(1);
}
