/** Figures of a run of many targets, read from the lines that `probe -o json -q` ends with. */

const SUMMARY = "wire-probe.summary.v1";
const TOTAL = "wire-probe.total.v1";
/** The labels of targets that are there to answer, and of the others. */
export interface Label {
  readonly key: "kind";
  readonly value: string;
}
export const ANSWERING: Label = { key: "kind", value: "answering" };
export const SILENT: Label = { key: "kind", value: "silent" };
export const REFUSED: Label = { key: "kind", value: "refused" };

interface Spread {
  readonly p50: number | null;
  readonly p99: number | null;
}

/** What of a summary line, and of a total, is needed here. */
interface Figures {
  readonly sent: number;
  readonly answered: number;
  readonly skipped: number;
  readonly rtt_ms: Spread;
  readonly lag_ms: Spread;
}

/** Of the targets that are there to answer; times in milliseconds, NaN where there is none. */
export interface RunFigures {
  readonly sent: number;
  readonly answered: number;
  readonly skipped: number;
  readonly rttP50Ms: number;
  readonly rttP99Ms: number;
  readonly lagP50Ms: number;
  readonly lagP99Ms: number;
}

/** The total of the targets labelled as answering, else that of all; of one target its summary. */
export function readRun(text: string): RunFigures {
  const summaries: Figures[] = [];
  let all: Figures | null = null;
  let answering: Figures | null = null;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const record = JSON.parse(line);
    if (record.schema === SUMMARY) summaries.push(record);
    else if (record.schema !== TOTAL) continue;
    else if (record.group === null) all = record;
    else if (record.group[ANSWERING.key] === ANSWERING.value) answering = record;
  }
  const found = answering ?? all ?? (summaries.length === 1 ? summaries[0] : null);
  if (found === null) throw new Error(`${summaries.length} summaries of wire-probe and no total`);
  return {
    sent: found.sent,
    answered: found.answered,
    skipped: found.skipped,
    rttP50Ms: found.rtt_ms.p50 ?? NaN,
    rttP99Ms: found.rtt_ms.p99 ?? NaN,
    lagP50Ms: found.lag_ms.p50 ?? NaN,
    lagP99Ms: found.lag_ms.p99 ?? NaN,
  };
}

const MIB = 2 ** 20;
/** `[PID:0x…] 6589 ms: Scavenge 32.7 (36.1) -> 31.7 (36.1) MB, …`: heap before and after. */
const COLLECTION = /^\[[^\]]*\]\s+(\d+) ms: .*? (\d+\.\d) \(\d+\.\d\) -> (\d+\.\d) \(/gm;

/** Bytes a second that were taken from the heap within a span of the engine's `--trace-gc`. */
export function allocatedASecond(trace: string, fromMs: number, toMs: number): number {
  const collections = Array.from(trace.matchAll(COLLECTION), (words) => words.slice(1).map(Number))
    .filter(([atMs]) => atMs >= fromMs && atMs <= toMs);
  if (collections.length < 2) return 0;
  let mib = 0;
  for (const [i, [, before]] of collections.entries()) {
    if (i > 0) mib += before - collections[i - 1][2];
  }
  return mib * MIB * 1000 / (collections[collections.length - 1][0] - collections[0][0]);
}
