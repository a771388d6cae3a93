/** The fixed probes and summaries that every format is held to: each outcome, each undefined field. */
import { blankRecord, type ProbeRecord } from "../../src/domain/probe_record.ts";
import type { Distribution, RunSummary, Summary, Total } from "../../src/domain/summary.ts";
import type { Target } from "../../src/domain/target.ts";

const PLAIN: Target = {
  name: "10.0.0.5:5432",
  host: "10.0.0.5",
  port: 5432,
  az: "default",
  labels: [],
};

const SIX: Target = {
  name: "[2001:db8::5]:5432",
  host: "2001:db8::5",
  port: 5432,
  az: "eu-central-1b",
  labels: [["rack", "r12"], ["role", "replica"]],
};

const ODD: Target = {
  name: 'Größe, "primary" 🚀',
  host: "db.example.com",
  port: 1,
  az: 'zone "a", upper',
  labels: [["note", 'a,b;c="d"'], ["path", "C:\\db"]],
};

const SLOW: Target = { ...PLAIN, name: "slow", host: "10.0.0.6", port: 65_535 };
const GONE: Target = { ...PLAIN, name: "gone", host: "gone.example.com" };

export const TARGETS: readonly Target[] = [PLAIN, SIX, ODD, SLOW, GONE];

const SENT = { wallSeconds: Date.UTC(2026, 10, 21, 9) / 1000, wallNanos: 0, lagUs: 120 };

function probe(
  target: Target,
  address: string,
  seq: number,
  more: Partial<ProbeRecord>,
): ProbeRecord {
  const record = { ...blankRecord(), ...SENT, target, address, seq };
  return { ...record, wallSeconds: SENT.wallSeconds + seq - 1, ...more };
}

const answered = (rttUs: number, connectUs: number): Partial<ProbeRecord> => ({
  outcome: "established",
  rttUs,
  rttSource: "kernel",
  connectUs,
  synRetransmits: 0,
});

export const RECORDS: readonly ProbeRecord[] = [
  probe(PLAIN, "10.0.0.5", 1, { ...answered(8410, 8702), cold: true, lagUs: 0 }),
  probe(PLAIN, "10.0.0.5", 2, { ...answered(4120, 4300), wallNanos: 123_456_000 }),
  probe(PLAIN, "10.0.0.5", 3, { ...answered(2000, 2050), wallNanos: 999_999_000 }),
  probe(PLAIN, "10.0.0.5", 4, answered(7, 31)),
  probe(SIX, "2001:db8::5", 1, { ...answered(0, 0), rttUs: 250, connectUs: 1000, cold: true }),
  probe(SIX, "2001:db8::5", 2, {
    ...answered(1_031_204, 1_031_204),
    rttSource: "clock",
    synRetransmits: 1,
  }),
  probe(SIX, "2001:db8::5", 3, {
    ...answered(7_040_000, 7_040_000),
    rttSource: "clock",
    synRetransmits: 3,
    lagUs: 1_234_567,
  }),
  probe(SIX, "2001:db8::5", 4, { ...answered(-1, 812), rttSource: null, synRetransmits: -1 }),
  probe(SIX, "fe80::1%eth0", 5, { ...answered(901, 901), rttSource: "clock", synRetransmits: -1 }),
  probe(ODD, "192.0.2.7", 1, {
    outcome: "refused",
    rttUs: 388,
    rttSource: "clock",
    connectUs: 388,
    cold: true,
  }),
  probe(ODD, "192.0.2.7", 2, { outcome: "refused", connectUs: 400 }),
  probe(ODD, "192.0.2.7", 123_456, answered(60_000_000, 60_000_000)),
  probe(SLOW, "10.0.0.6", 1, { outcome: "timeout", cold: true }),
  probe(SLOW, "10.0.0.6", 2, { outcome: "timeout", synRetransmits: 2 }),
  probe(SLOW, "10.0.0.6", 3, { outcome: "unreachable", error: "No route to host (os error 113)" }),
  probe(SLOW, "10.0.0.6", 4, {
    outcome: "error",
    error: 'Cannot assign "10.0.0.9", requested address',
  }),
  probe(GONE, "", 1, {
    outcome: "unresolved",
    error: "cannot resolve gone.example.com: name not known",
  }),
];

function figures(count: number, us: number, spread: number): Distribution {
  return {
    count,
    minUs: us - spread,
    avgUs: us + spread / 3,
    maxUs: us + 9 * spread,
    stddevUs: spread * 1.25,
    p50Us: us,
    p90Us: us + spread,
    p99Us: us + 4 * spread,
    p999Us: us + 8.5 * spread,
  };
}

const NOTHING: Omit<Summary, "target"> = {
  address: "",
  sent: 0,
  answered: 0,
  lost: 0,
  refused: 0,
  unreachable: 0,
  skipped: 0,
  notSent: 0,
  waiting: 0,
  lastError: null,
  synRetransmits: null,
  synCounted: 0,
  synRepeated: 0,
  longestLossRun: 0,
  rtt: null,
  connect: null,
  cold: null,
  delayVariation: null,
  lag: null,
  exportDropped: 0,
};

/** Some of everything. */
const MIXED: Summary = {
  ...NOTHING,
  target: SIX,
  address: "2001:db8::5",
  sent: 1000,
  answered: 993,
  lost: 7,
  refused: 2,
  unreachable: 3,
  skipped: 12,
  notSent: 1,
  synRetransmits: 4,
  synCounted: 991,
  synRepeated: 3,
  longestLossRun: 5,
  rtt: figures(986, 10_040, 20),
  connect: figures(993, 10_300, 300),
  cold: figures(1, 15_120, 0),
  delayVariation: figures(970, 30, 11),
  lag: figures(1000, 1200, 90),
  exportDropped: 3,
};

const CLEAN: Summary = {
  ...NOTHING,
  target: PLAIN,
  address: "10.0.0.5",
  sent: 3,
  answered: 3,
  synRetransmits: 0,
  synCounted: 3,
  rtt: figures(2, 4120, 10),
  connect: figures(3, 4300, 90),
  cold: figures(1, 8410, 0),
  delayVariation: figures(1, 20, 0),
  lag: figures(3, 120, 1),
};

const LOST: Summary = {
  ...NOTHING,
  target: SLOW,
  address: "10.0.0.6",
  sent: 4,
  lost: 4,
  unreachable: 1,
  longestLossRun: 4,
  lag: figures(4, 120, 1),
};

const REFUSED: Summary = {
  ...NOTHING,
  target: ODD,
  address: "192.0.2.7",
  sent: 2,
  answered: 2,
  refused: 2,
  connect: figures(2, 394, 6),
  lag: figures(2, 120, 1),
};

const UNSENT: Summary = { ...NOTHING, target: GONE, notSent: 3 };

/** The targets' summaries, by the name of the case. */
export const SUMMARIES: Readonly<Record<string, readonly Summary[]>> = {
  one: [CLEAN],
  mixed: [MIXED],
  lost: [LOST],
  unsent: [UNSENT],
  several: [CLEAN, MIXED, REFUSED, LOST, UNSENT].map((of) => ({ ...of, exportDropped: 3 })),
};

/** CLEAN and LOST. */
const GROUP: Omit<Total, "group"> = {
  ...CLEAN,
  targets: 2,
  sent: 7,
  lost: 4,
  unreachable: 1,
  longestLossRun: 4,
  lag: figures(7, 120, 1),
  exportDropped: 3,
};

const ALL: Total = {
  ...MIXED,
  group: null,
  targets: 5,
  sent: 1009,
  answered: 998,
  lost: 11,
  refused: 4,
  unreachable: 4,
  notSent: 4,
  synCounted: 300_000,
  synRepeated: 4,
  rtt: figures(988, 10_040, 600),
};

/** Three octaves, a gap, and a bar that is a sliver. */
const BARS = [
  { fromUs: 9216, toUs: 9727, count: 40 },
  { fromUs: 9728, toUs: 10_239, count: 941 },
  { fromUs: 10_240, toUs: 10_751, count: 6 },
  { fromUs: 1_048_576, toUs: 1_114_111, count: 1 },
];

/** What runs come to, by the name of the case. */
export const RUNS: Readonly<Record<string, RunSummary>> = {
  ...Object.fromEntries(Object.entries(SUMMARIES).map(([name, of]) => [name, runOf(of)])),
  // A threshold crossed, and a histogram.
  crossed: {
    ...runOf([]),
    targets: [{ ...MIXED, crossed: ["loss", "p99"] }],
    shape: { kind: "rtt", bars: BARS },
  },
  several: {
    ...runOf([]),
    targets: SUMMARIES.several.map((of) => ({ ...of, crossed: of.lost === 4 ? ["loss"] : [] })),
    totals: [
      { ...GROUP, group: ["az", "default"], crossed: [] },
      { ...GROUP, ...REFUSED, group: ["note", 'a,b;c="d"'], targets: 1, crossed: [] },
      { ...ALL, crossed: ["p50"] },
    ],
    shape: { kind: "connect", bars: [{ fromUs: 384, toUs: 391, count: 2 }] },
  },
};

function runOf(summaries: readonly Summary[]): RunSummary {
  const targets = summaries.map((of) => ({ ...of, crossed: [] }));
  return { targets, totals: [], ungrouped: [], shape: null };
}
