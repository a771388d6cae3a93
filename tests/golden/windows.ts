/** The fixed windows that every format is held to, made of the fixed summaries. */
import type { Distribution, Summary, Window } from "../../src/domain/summary.ts";
import { SUMMARIES } from "./records.ts";

const END = Date.UTC(2026, 10, 21, 9, 0, 10) / 1000;

function windowOf(summary: Summary, more: Partial<Window> = {}): Window {
  return {
    ...summary,
    wallSeconds: END,
    wallNanos: 250_000,
    windowMs: 10_000,
    handshakes: allOf(summary),
    pressure: null,
    ...more,
  };
}

/** Steady and cold round trips together, as far as a fixture needs them. */
function allOf({ rtt, cold }: Summary): Distribution | null {
  if (rtt === null || cold === null) return rtt ?? cold;
  const count = rtt.count + cold.count;
  const avgUs = (rtt.avgUs * rtt.count + cold.avgUs * cold.count) / count;
  return { ...rtt, count, avgUs, maxUs: Math.max(rtt.maxUs, cold.maxUs), stddevUs: 161.25 };
}

const [first] = SUMMARIES.one;

export const WINDOWS: readonly Window[] = [
  ...SUMMARIES.several.map((summary) => windowOf(summary)),
  // The last one of a run, a cold handshake in it and no other.
  windowOf(
    { ...first, sent: 1, answered: 1, rtt: null, connect: first.cold, delayVariation: null },
    {
      wallSeconds: END + 3,
      wallNanos: 467_250_000,
      windowMs: 3217,
      pressure: { cpu: 0.125, memory: 0, io: 0.5, steal: 0.0123456, throttled: null },
    },
  ),
];
