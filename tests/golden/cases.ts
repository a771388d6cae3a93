/** Every golden file's name and the bytes that the formats make for it now. */
import { ByteWriter } from "../../src/format/byte_writer.ts";
import { NAMING } from "../../src/format/naming.ts";
import { type Paint, plain } from "../../src/format/paint.ts";
import type { RecordFormat, Step } from "../../src/format/record_format.ts";
import { type FormatOptions, FORMATS } from "../../src/run/formats.ts";
import { comparisonTexts } from "./comparisons.ts";
import { heatmapTexts } from "./heatmaps.ts";
import { RECORDS, RUNS, TARGETS } from "./records.ts";
import { WINDOWS } from "./windows.ts";

/** Larger than any golden file. */
const MAX_GOLDEN_BYTES = 64 * 1024;

/** The folder of the golden files. */
export const GOLDEN_FOLDER = new URL(".", import.meta.url);
export const GOLDEN_SUFFIX = ".golden";

/** The colours that `coloured` gives, also where NO_COLOR is set: the files are the same everywhere. */
const coloured: Paint = {
  bad: (text) => `\u001b[31m${text}\u001b[39m`,
  warn: (text) => `\u001b[33m${text}\u001b[39m`,
};

const PLAIN: FormatOptions = {
  targets: TARGETS,
  style: { timestamps: false, paint: plain, columns: 80, brief: false },
  collectd: { host: "node-1.example.com", intervalMs: 10_000, types: "latency", windowed: false },
  naming: NAMING.probe,
  host: null,
  windowsOnly: false,
};

function alike(options: FormatOptions, formats: readonly string[]): Record<string, FormatOptions> {
  return Object.fromEntries(formats.map((format) => [format, options]));
}

/** Each format, by the end of its name, with the options that change what it writes. */
const STYLES: Readonly<Record<string, FormatOptions>> = {
  ...alike(PLAIN, ["text", "json", "csv", "influx", "collectd", "none"]),
  "colour.text": { ...PLAIN, style: { ...PLAIN.style, timestamps: true, paint: coloured } },
  "icmp.text": { ...PLAIN, naming: NAMING.ping },
  "icmp.json": { ...PLAIN, naming: NAMING.ping },
  "icmp.influx": { ...PLAIN, naming: NAMING.ping },
  "icmp.collectd": { ...PLAIN, naming: NAMING.ping },
  "syn.json": { ...PLAIN, naming: NAMING.knock },
};

const WINDOWED: FormatOptions = {
  ...PLAIN,
  collectd: { ...PLAIN.collectd, windowed: true },
  windowsOnly: true,
};

/** The same for windows alone. */
const WINDOW_STYLES: Readonly<Record<string, FormatOptions>> = {
  ...alike(WINDOWED, ["text", "json", "csv", "influx", "collectd"]),
  "colour.text": { ...WINDOWED, style: { ...PLAIN.style, timestamps: true, paint: coloured } },
  "ping.collectd": { ...WINDOWED, collectd: { ...WINDOWED.collectd, types: "ping" } },
};

/** File names and their contents. */
export async function goldenCases(): Promise<ReadonlyMap<string, Uint8Array>> {
  const cases = new Map<string, Uint8Array>();
  for (const [style, options] of Object.entries(STYLES)) {
    const make = () => formatOf(style)(options);
    cases.set(`probe.${style}${GOLDEN_SUFFIX}`, probesBy(await make()));
    for (const [name, run] of Object.entries(RUNS)) {
      const format = await make();
      const bytes = stepsOf(format.summary?.(run) ?? []);
      // A format without a summary has the one empty file of its probes, if any.
      if (bytes.length > 0) cases.set(`summary-${name}.${style}${GOLDEN_SUFFIX}`, bytes);
    }
  }
  for (const [style, options] of Object.entries(WINDOW_STYLES)) {
    cases.set(`windows.${style}${GOLDEN_SUFFIX}`, windowsBy(await formatOf(style)(options)));
  }
  for (const [name, text] of heatmapTexts()) {
    cases.set(`heatmap-${name}${GOLDEN_SUFFIX}`, new TextEncoder().encode(text));
  }
  for (const [name, text] of comparisonTexts(coloured)) {
    cases.set(`compare.${name}${GOLDEN_SUFFIX}`, new TextEncoder().encode(text));
  }
  return cases;
}

function formatOf(style: string): typeof FORMATS.text {
  const name = style.split(".").at(-1);
  const [, make] = Object.entries(FORMATS).find(([known]) => known === name) ?? [];
  if (make === undefined) throw new Error(`no format ${name}`);
  return make;
}

function probesBy(format: RecordFormat): Uint8Array {
  const lines = RECORDS.map((record): Step => (out) => format.record?.(out, record));
  return stepsOf([headerOf(format), ...lines]);
}

function windowsBy(format: RecordFormat): Uint8Array {
  const lines = WINDOWS.map((window): Step => (out) => format.window?.(out, window));
  return stepsOf([headerOf(format), ...lines]);
}

function headerOf(format: RecordFormat): Step {
  return (out) => format.header?.(out);
}

function stepsOf(steps: Iterable<Step>): Uint8Array {
  const out = new ByteWriter(MAX_GOLDEN_BYTES);
  for (const step of steps) {
    out.begin();
    step(out);
    if (!out.end()) throw new Error("a golden file's content does not fit");
  }
  return out.takeCopy();
}
