/** Paths and reports that the tests of a trace's outputs share. */
import type { TraceReport } from "../../../src/domain/path.ts";
import { NO_EXTENSIONS } from "../../../src/packet/icmp_extension.ts";
import type { HopAnswer } from "../../../src/trace/hop_prober.ts";
import { NO_NAMES } from "../../../src/trace/names.ts";
import { TracePath } from "../../../src/trace/path.ts";
import { hopAnswer } from "../trace/fake_path.ts";

/** Hop 1 answers in the first round; nothing else was sent. */
export function oneHop(): TracePath {
  const path = new TracePath(1);
  path.beginRound();
  note(path, 1, 0, hopAnswer("192.0.2.1", 1000));
  return path;
}

/** A probe of the one flow has its fate. */
function note(path: TracePath, hops: number, query: number, answer: HopAnswer | null): void {
  path.add({ round: path.rounds, hops, flow: 0, query, answer });
}

/** Hop 1 answers, 2 and 3 are silent, 4 has two addresses and loses one, 5 is the end. */
export function examplePath(): TracePath {
  const path = new TracePath(1);
  path.beginRound();
  const add = (hops: number, query: number, found: HopAnswer | null) =>
    note(path, hops, query, found);
  add(1, 0, hopAnswer("192.0.2.1", 1000));
  add(1, 1, hopAnswer("192.0.2.1", 1500));
  add(2, 0, null);
  add(3, 0, null);
  const labels = [{ label: 16_001, trafficClass: 5, ttl: 1 }];
  add(4, 0, hopAnswer("192.0.2.4", 4000, { extensions: { ...NO_EXTENSIONS, labels } }));
  add(4, 1, null);
  add(4, 2, hopAnswer("192.0.2.14", 4100));
  add(5, 0, hopAnswer("198.51.100.9", 5000, { kind: "end", detail: "open" }));
  add(5, 1, hopAnswer("198.51.100.9", -1, { kind: "end", detail: "open", rttSource: null }));
  // Sent before the end was known.
  add(6, 0, hopAnswer("198.51.100.9", 5100, { kind: "end", detail: "open" }));
  return path;
}

export function report(path: TracePath, more: Partial<TraceReport> = {}): TraceReport {
  return {
    wallSeconds: 1_795_251_600,
    wallNanos: 250_000_000,
    host: "db.test",
    address: "198.51.100.9",
    family: 4,
    port: 443,
    protocol: "tcp",
    flow: "fixed",
    paths: 1,
    rounds: path.rounds,
    queries: 3,
    firstHop: 1,
    maxHops: 30,
    sizeBytes: null,
    refusal: null,
    durationMs: 12.3456,
    hops: path.hops(),
    silentTail: path.silentTail(),
    end: path.end(),
    mtu: null,
    handshake: null,
    namesOf: (address) =>
      address === "192.0.2.1"
        ? { name: "gw\u001b[31m.test", origin: { numbers: [64_500], prefix: "192.0.2.0/24" } }
        : NO_NAMES,
    ...more,
  };
}
