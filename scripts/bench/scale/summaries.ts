/** Figures of a run of many targets, read from the lines that `probe -o json -q` ends with. */

const SUMMARY = "wire-probe.summary.v1";
const TOTAL = "wire-probe.total.v1";
/** The label of targets that are there to answer, where others are silent. */
export const ANSWERING = { key: "kind", value: "answering" } as const;
export const SILENT = { key: "kind", value: "silent" } as const;

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
