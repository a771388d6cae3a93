/** Records with anything in them that a run can put there. */
import { OUTCOMES } from "../../../src/domain/outcome.ts";
import { NONE, type ProbeRecord } from "../../../src/domain/probe_record.ts";
import type { Random } from "../random.ts";
import { record, target } from "../fixtures.ts";
import { anyText, wellFormedText } from "./texts.ts";

export function anyRecord(random: Random): ProbeRecord {
  const micros = () => random.pick([NONE, random.int(0, 300), random.int(0, 60_000_000)]);
  const labels = Array.from(
    { length: random.int(0, 3) },
    (_, i) => [`key${i}`, wellFormedText(random, 12)] as const,
  );
  return record({
    target: target(anyText(random), {
      az: anyText(random, 12),
      port: random.int(1, 65_535),
      labels,
    }),
    address: random.pick(["", "192.0.2.1", "2001:db8::1", "fe80::1%eth0"]),
    seq: random.int(1, 2 ** 31),
    outcome: random.pick(OUTCOMES),
    rttUs: micros(),
    rttSource: random.pick(["kernel", "clock", null]),
    connectUs: micros(),
    synRetransmits: random.int(-1, 6),
    cold: random.int(0, 1) === 1,
    lagUs: random.int(0, 5_000_000),
    wallSeconds: random.int(1_700_000_000, 2_000_000_000),
    wallNanos: random.int(0, 999_999_999),
    error: random.pick([null, "", anyText(random)]),
  });
}

/** µs as the number of ms that every format shows; null for none. */
export function millisOf(micros: number): number | null {
  return micros === NONE ? null : micros / 1000;
}

/** The time of a record, by Date and not by the code under test. */
export function timeOf({ wallSeconds, wallNanos }: ProbeRecord): string {
  const micros = String(Math.floor(wallNanos / 1000)).padStart(6, "0");
  return new Date(wallSeconds * 1000).toISOString().replace(/000Z$/, `${micros}Z`);
}
