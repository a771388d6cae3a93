/** Fixed comparisons, a target each: what there is to find, what is missing, and what was left out. */
import { Samples } from "../../src/commands/compare/samples.ts";
import { decide } from "../../src/commands/compare/decision/conclusion.ts";
import type { Comparison, LiveFigures } from "../../src/domain/comparison.ts";
import { blankRecord, type ProbeRecord } from "../../src/domain/probe_record.ts";
import type { Target } from "../../src/domain/target.ts";
import { answerText } from "../../src/format/answer_text.ts";
import { comparisonJson } from "../../src/format/compare_json.ts";
import { comparisonText } from "../../src/format/compare_text.ts";
import { type Paint, plain } from "../../src/format/paint.ts";
import { TargetStats } from "../../src/stats/target_stats.ts";

const SLOTS = 20;

/** Of one kind of probe: a round trip in µs by slot; null for refused, or one of those below. */
type Delays = (slot: number) => number | null;

interface Kinds {
  readonly cold: Delays;
  readonly steady: Delays;
  readonly ping: Delays | null;
  readonly knock: Delays | null;
}

/** A little more with each slot, so that the quantiles can be told apart. */
const around = (us: number): Delays => (slot) => us + 10 * slot;
const LOST = -1;
/** Answered after the SYN was sent again. */
const AGAIN = -2;
/** A router says that there is no way. */
const NO_WAY = -3;
const lost: Delays = () => LOST;
const refused: Delays = () => null;

function recordOf(us: number | null, slot: number, seq: number): ProbeRecord {
  const record = { ...blankRecord(), slot, seq };
  if (us === null) return { ...record, outcome: "refused", connectUs: 400 + slot };
  if (us === LOST) return { ...record, outcome: "timeout" };
  if (us === NO_WAY) return { ...record, outcome: "unreachable", error: "No route to host" };
  if (us === AGAIN) {
    const waited = { rttUs: 1_031_000, rttSource: "clock", connectUs: 1_031_000 } as const;
    return { ...record, ...waited, outcome: "established", synRetransmits: 1 };
  }
  const answered = { rttUs: us, rttSource: "kernel", connectUs: us + 150 + slot } as const;
  return { ...record, ...answered, outcome: "established", synRetransmits: 0 };
}

function comparison(name: string, kinds: Kinds, more: Partial<Comparison> = {}): Comparison {
  const target: Target = { name, host: "db.example.com", port: 5432, az: "default", labels: [] };
  const stats = { handshake: new TargetStats(target), extra: new Map<string, TargetStats>() };
  const [cold, steady] = [new Samples(SLOTS), new Samples(SLOTS)];
  for (let slot = 0; slot < SLOTS; slot++) {
    for (const [i, delays] of [kinds.cold, kinds.steady].entries()) {
      const record = { ...recordOf(delays(slot), slot, 2 * slot + i + 1), cold: i === 0 };
      stats.handshake.add(record);
      (i === 0 ? cold : steady).add(record);
    }
  }
  const extra = (delays: Delays | null) => {
    if (delays === null) return null;
    const [samples, of] = [new Samples(SLOTS), new TargetStats(target)];
    for (let slot = 0; slot < SLOTS; slot++) {
      const record = { ...recordOf(delays(slot), slot, slot + 1), cold: slot === 0 };
      samples.add(record);
      of.add(record);
    }
    return { samples, summary: of.summary(0) };
  };
  const [ping, knock] = [extra(kinds.ping), extra(kinds.knock)];
  const live = more.live ?? null;
  const measured = {
    cold,
    steady,
    ping: ping?.samples ?? null,
    knock: knock?.samples ?? null,
    live,
  };
  return {
    target,
    address: "192.0.2.7",
    schedule: { count: SLOTS, intervalMs: 1000, burst: 2 },
    handshake: stats.handshake.summary(0),
    ping: ping?.summary ?? null,
    knock: knock?.summary ?? null,
    leftOut: {},
    live,
    ...decide(measured),
    ...more,
  };
}

const LINK = around(10_000);
const ALL = { cold: LINK, steady: LINK, ping: LINK, knock: LINK };
const SOME: Delays = (slot) => slot % 2 === 0 ? 10_000 : -1;

const SPIKES: Delays = (slot) => slot % 3 === 0 ? 20_000 + slot : 10_000 + slot;
const JITTER: Delays = (slot) => 10_000 + 1000 * ((7 * slot) % 20);
const DISTANT = around(200_000);
const FAR = { cold: DISTANT, steady: DISTANT, ping: DISTANT, knock: DISTANT };
const noWay: Delays = () => NO_WAY;
const REPEATED: Delays = (slot) => slot % 5 === 0 ? AGAIN : 10_000 + slot;
const THINKING: LiveFigures = {
  connections: 4,
  readings: 4,
  segmentsOut: 373,
  segmentsRetransmitted: 1,
  minRttUs: 9800,
  rtt: null,
  replyRtt: {
    count: 16,
    minUs: 35_000,
    p50Us: 40_700,
    maxUs: 44_000,
    medians: [40_100, 40_700, 40_800, 41_000],
  },
  loss: null,
  queueing: null,
};

const TWICE = { count: 8, minUs: 35_000, p50Us: 40_400, maxUs: 44_000, medians: [40_100, 40_700] };

export const COMPARISONS: readonly Comparison[] = [
  comparison("truth", ALL),
  comparison("misleads", { ...ALL, cold: around(42_000), ping: around(25_000) }),
  comparison("bypassed", { ...ALL, ping: around(900), knock: lost }),
  comparison("lossy", { ...ALL, ping: SOME }),
  comparison("filtered", { ...ALL, ping: lost }),
  comparison("noisy", { ...ALL, ping: (slot) => slot % 3 === 0 ? 30_000 : 10_000 }),
  comparison("spiking", { cold: SPIKES, steady: SPIKES, ping: LINK, knock: SPIKES }),
  comparison("losing", { cold: REPEATED, steady: REPEATED, ping: LINK, knock: LINK }),
  comparison("thinking", ALL, { live: THINKING }),
  comparison("closed", { cold: refused, steady: refused, ping: around(200), knock: refused }),
  comparison("dark", { cold: lost, steady: lost, ping: lost, knock: lost }),
  comparison("jitter", { ...ALL, steady: JITTER, cold: JITTER, ping: JITTER, knock: JITTER }),
  comparison("far", { ...ALL, ...FAR }),
  comparison("one lost", { ...ALL, steady: (slot) => slot === 7 ? AGAIN : 10_000 + slot }),
  comparison("port silent", { ...ALL, cold: lost, steady: lost, knock: lost }),
  comparison("closed way", { cold: noWay, steady: noWay, ping: noWay, knock: noWay }),
  comparison("read twice", ALL, { live: { ...THINKING, readings: 2, replyRtt: TWICE } }),
  comparison("alone", { ...ALL, ping: null, knock: null }, {
    leftOut: { ping: "cannot ping: not permitted", knock: "cannot knock: not permitted" },
  }),
  comparison("gone", ALL, { address: "", ping: null, knock: null, findings: [], conclusion: null }),
];

/** By the names of their files. */
export function comparisonTexts(coloured: Paint): ReadonlyMap<string, string> {
  const all = (format: (of: Comparison) => string) => COMPARISONS.map(format).join("");
  return new Map([
    ["text", all((of) => comparisonText(of, plain, 80))],
    ["colour.text", all((of) => comparisonText(of, coloured, 80))],
    ["json", all(comparisonJson)],
    [
      "answer.text",
      all((of) => answerText({ comparison: of, path: "no hop has answered" }, plain, 80)),
    ],
  ]);
}
