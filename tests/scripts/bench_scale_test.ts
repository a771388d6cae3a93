/** The scale benchmark's pure parts: options, addresses, quantiles, what programs print, reports. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  addresses,
  isSilent,
  MOST_TARGETS,
  partlySilent,
  ranges,
} from "../../scripts/bench/scale/addresses.ts";
import { isWhole } from "../../scripts/bench/scale/blackbox.ts";
import { parse } from "../../scripts/bench/scale/options.ts";
import type { OurFigures } from "../../scripts/bench/scale/ours.ts";
import { readBlackbox, readFping, readNping } from "../../scripts/bench/scale/peer_output.ts";
import { fpingSpacingMs, type PeerFigures } from "../../scripts/bench/scale/peers.ts";
import { quantile } from "../../src/stats/quantile.ts";
import {
  broken,
  chart,
  notes,
  ourTable,
  peersTable,
  type Results,
} from "../../scripts/bench/scale/report.ts";
import { allocatedASecond, readRun } from "../../scripts/bench/scale/summaries.ts";
import { CUTIME, readCpuSeconds } from "../../scripts/bench/child.ts";
import { readStatus } from "../../scripts/bench/scale/watched.ts";

const MIB = 2 ** 20;

Deno.test("options have defaults, and sizes are put in order", () => {
  const defaults = parse([], "a.svg");
  assertEquals(defaults.targets, [100, 1000, 5000, 10_000, 20_000]);
  assertEquals([defaults.seconds, defaults.peers, defaults.svg], [20, true, "a.svg"]);
  const given = parse(
    ["--targets=1000,100,100", "--seconds", "5", "--peers", "none", "--json", "--svg", "b.svg"],
    "a.svg",
  );
  assertEquals(given.targets, [100, 1000]);
  assertEquals([given.seconds, given.peers, given.json, given.svg], [5, false, true, "b.svg"]);
});

const REFUSED: readonly [argv: string[], message: string][] = [
  [["--target", "5"], "there is no option --target"],
  [["100"], "there is no option 100"],
  [["--seconds"], "--seconds wants a value"],
  [["--seconds", "1"], "--seconds takes whole numbers from 2 to 3600, not '1'"],
  [["--seconds", "1e2"], "--seconds takes whole numbers from 2 to 3600, not '1e2'"],
  [["--targets", "100,"], "--targets takes whole numbers from 2 to 64000, not ''"],
  [["--targets=70000"], "--targets takes whole numbers from 2 to 64000, not '70000'"],
  [["--peers", "some"], "--peers takes none or all, not 'some'"],
];

for (const [argv, message] of REFUSED) {
  Deno.test(`'${argv.join(" ")}' is refused: ${message}`, () => {
    assertThrows(() => parse(argv, "a.svg"), RangeError, message);
  });
}

Deno.test("addresses differ, and none is a network's first or last", () => {
  const all = addresses(MOST_TARGETS);
  assertEquals(new Set(all).size, MOST_TARGETS);
  assert(all.every((address) => /^127\.0\.\d+\.([1-9]|[1-9]\d|1\d\d|2[0-4]\d|250)$/.test(address)));
  assert(all.every((address) => Number(address.split(".")[2]) < 256));
});

Deno.test("a tenth of the targets is silent where some are", () => {
  const some = partlySilent(10_000);
  assertEquals(some.filter(isSilent).length, 1000);
  assertEquals(new Set(some).size, 10_000);
  assertEquals(addresses(10_000).filter(isSilent).length, 0);
});

/** The addresses of ranges, as the peer that takes them reads them. */
function spelledOut(words: readonly string[]): string[] {
  return words.flatMap((word) => {
    const [rows, lasts] = word.split(".").slice(2).map((part) => {
      const [from, to = from] = part.split("-").map(Number);
      return Array.from({ length: to - from + 1 }, (_, i) => from + i);
    });
    return rows.flatMap((row) => lasts.map((last) => `127.0.${row}.${last}`));
  });
}

Deno.test("ranges of octets are the same addresses", () => {
  for (const count of [1, 2, 100, 250, 251, 252, 500, 1000, 10_000, 20_001, MOST_TARGETS]) {
    assertEquals(spelledOut(ranges(count)), addresses(count));
  }
  assertEquals(ranges(1000), ["127.0.0-3.1-250"]);
});

Deno.test("a quantile is a value that was there", () => {
  assertEquals([0, 0.5, 0.99, 1].map((q) => quantile([4, 1, 3, 2], q)), [1, 2, 4, 4]);
  assertEquals(quantile([10, 9], 0.5), 9);
  assert(Number.isNaN(quantile([], 0.5)));
});

Deno.test("fping's round trips are read, lost ones counted", () => {
  const says = readFping(
    "127.0.0.1   : 0.215 0.015 0.011\n127.0.0.250 : 1.96 - 0.014\n127.0.0.3   : - - -\n" +
      "ICMP Host Unreachable from 127.0.0.1 for ICMP Echo sent to 127.0.0.9\n\n",
  );
  assertEquals([says.sent, says.answered], [9, 5]);
  assertAlmostEquals(says.rttP50Us, 15, 1e-9);
});

Deno.test("nping's means and counts are read, and that it says none is an error", () => {
  const says = readNping(
    "Max rtt: 0.008ms | Min rtt: 0.005ms | Avg rtt: 0.006ms\n" +
      "Max rtt: N/A | Min rtt: N/A | Avg rtt: N/A\n" +
      "Max rtt: 0.010ms | Min rtt: 0.005ms | Avg rtt: 0.009ms\n" +
      "TCP connection attempts: 18880 | Successful connections: 18561 | Failed: 319 (1.69%)\n",
  );
  assertEquals([says.sent, says.answered], [18_880, 18_561]);
  assertAlmostEquals(says.rttP50Us, 6, 1e-9);
  assertThrows(() => readNping("nping: command line is wrong"), Error, "count its connections");
});

Deno.test("the exporter's answer gives the probe's time, a failed probe none", () => {
  const answer = (success: number) =>
    "HTTP/1.1 200 OK\r\n\r\n# TYPE probe_duration_seconds gauge\n" +
    `probe_duration_seconds 0.000669288\nprobe_success ${success}\n`;
  assertAlmostEquals(readBlackbox(answer(1)) ?? NaN, 669.288, 1e-9);
  assertEquals(readBlackbox(answer(0)), null);
  assertEquals(readBlackbox("HTTP/1.1 400 Bad Request\r\n\r\n"), null);
});

Deno.test("an answer is whole when its body has the length it said", () => {
  const answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  for (let length = 0; length < answer.length; length++) {
    assert(!isWhole(answer.slice(0, length)), `${length} characters`);
  }
  assert(isWhole(answer));
  assertThrows(() => isWhole("HTTP/1.1 200 OK\r\n\r\n"), Error, "how long");
});

Deno.test("fping's pauses leave it time for a round within the second", () => {
  // A pause lasts 0.1 ms longer than asked, and some more on a busy machine.
  for (const targets of [1, 100, 1000, 2000, 2001, 10_000]) {
    assert(fpingSpacingMs(targets) * targets <= 700 + 1e-9);
  }
  assertEquals(fpingSpacingMs(10_000), 0);
});

Deno.test("memory and CPU are read from /proc, also of a program with an odd name", () => {
  const status = "Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\n";
  assertEquals(readStatus(status), { resident: MIB, peak: 2 * MIB });
  assertEquals(readStatus("Name:\tx\nState:\tZ (zombie)\n"), null);
  const stat = `7 (a) b) S ${Array.from({ length: 30 }, (_, i) => i + 4).join(" ")}`;
  assertAlmostEquals(readCpuSeconds(stat, CUTIME), (16 + 17) / 100, 1e-9);
});

/** A line of the end of a run; a total where there is a group or null, else a target's summary. */
function ending(rttP99Ms: number | null, group?: Readonly<Record<string, string>> | null): string {
  return JSON.stringify({
    schema: group === undefined ? "wire-probe.summary.v1" : "wire-probe.total.v1",
    ...group === undefined ? {} : { group },
    sent: 10,
    answered: 9,
    skipped: 1,
    rtt_ms: { p50: 0.007, p99: rttP99Ms },
    lag_ms: { p50: 0.5, p99: 3.5 },
  });
}

const ENDINGS: readonly [what: string, lines: string[], rttP99Ms: number][] = [
  ["a single target's summary", [ending(0.01)], 0.01],
  ["the total of all", [ending(0.01), ending(0.02), ending(0.03, null)], 0.03],
  [
    "the total of those that answer, where others are silent",
    [
      ending(0.01),
      ending(null),
      ending(0.04, { az: "default" }),
      ending(0.05, { kind: "answering" }),
      ending(null, { kind: "silent" }),
      ending(0.06, null),
    ],
    0.05,
  ],
];

for (const [what, lines, rttP99Ms] of ENDINGS) {
  Deno.test(`a run's figures are those of ${what}`, () => {
    assertEquals(readRun(`${lines.join("\n")}\n`), {
      sent: 10,
      answered: 9,
      skipped: 1,
      rttP50Ms: 0.007,
      rttP99Ms,
      lagP50Ms: 0.5,
      lagP99Ms: 3.5,
    });
  });
}

Deno.test("a run without an answer has no round trip", () => {
  assert(Number.isNaN(readRun(ending(null)).rttP99Ms));
});

Deno.test("several summaries without a total are an error, and so is nothing", () => {
  assertThrows(() => readRun(`${ending(1)}\n${ending(2)}\n`), Error, "2 summaries");
  assertThrows(() => readRun("\n"), Error, "0 summaries");
});

const GOOD: OurFigures = {
  targets: 10_000,
  sent: 200_000,
  answered: 200_000,
  skipped: 0,
  rttP50Ms: 0.005,
  rttP99Ms: 0.014,
  lagP50Ms: 1,
  lagP99Ms: 4.5,
  residentMedian: 60 * MIB,
  residentPeak: 95 * MIB,
  cpuCores: 0.59,
  cpuUs: 59,
  byReference: 1.79,
  paced: null,
};

const PEER: PeerFigures = {
  targets: 10_000,
  perSecond: 5900,
  cpuCores: 0.117,
  cpuUs: 19.7,
  residentPeak: 12 * MIB,
  rttP50Us: NaN,
  lost: 0,
};

const RESULTS: Results = {
  seconds: 20,
  peerSeconds: 15,
  reference: { ...GOOD, targets: 1, sent: 2000, answered: 2000, rttP99Ms: 0.005 },
  runs: [{ ...GOOD, targets: 100, sent: 2000, answered: 2000 }, GOOD],
  partlySilent: [{ ...GOOD, sent: 180_000, answered: 180_000 }],
  partlyRefused: [{ ...GOOD, byReference: null }],
  heapBytes: 100,
  failed: [],
  peers: [{ name: "fping", does: "ICMP echo", runs: [PEER] }],
  missing: ["nping is not installed"],
};

Deno.test("the tables name every run, and each peer beside its size", () => {
  const ours = ourTable(RESULTS).split("\n");
  assertEquals(
    ours.slice(2).map((line) => line.split("|")[1].trim()),
    [
      "1, 100 times a second",
      "100",
      "10,000",
      "9,000 beside 1,000 silent",
      "9,000 beside 1,000 refused",
    ],
  );
  assertEquals(new Set(ours.map((line) => line.length)).size, 1);
  assertEquals(
    peersTable(RESULTS).split("\n").slice(2).map((line) =>
      line.split("|").slice(1, 4).map((cell) => cell.trim())
    ),
    [
      ["wire-probe", "100", "100"],
      ["wire-probe", "10,000", "10,000"],
      ["fping", "10,000", "5,900"],
    ],
  );
  assert(peersTable(RESULTS).split("\n")[4].includes(" - |"));
});

Deno.test("the notes say what each does and what is missing", () => {
  const lines = notes(RESULTS);
  assert(lines.includes("fping: ICMP echo"));
  assert(lines.includes("left out: nping is not installed"));
});

Deno.test("a prober that fell short is drawn as a ring, one that kept up is not", () => {
  assertEquals(chart(RESULTS).match(/<circle class="ring/g)?.length, 2);
  assertEquals(chart({ ...RESULTS, peers: [] }).match(/<circle class="ring/g), null);
});

Deno.test("figures within the limits break no promise", () => {
  assertEquals(broken(RESULTS), []);
  assertEquals(broken({ ...RESULTS, partlySilent: [] }), []);
});

const PACED = { sent: 199_993, skipped: 7, cpuSeconds: 9, lagP50Ms: 0.1, lagP99Ms: 4.9 };

const BREACHES: readonly [what: Partial<OurFigures>, lines: string[]][] = [
  [{ answered: 199_999 }, ["10,000 targets: 1 not answered"]],
  [{ skipped: 2 }, ["10,000 targets: 2 skipped"]],
  [{ lagP99Ms: 5.01 }, ["10,000 targets: lag p99 5.01 ms, not 5"]],
  [{ skipped: 2, paced: PACED }, ["10,000 targets: 2 skipped, 7 by the C loop"]],
  [{ lagP99Ms: 6, paced: PACED }, [
    "10,000 targets: lag p99 6.00 ms, not 5; the C loop's is 4.90",
  ]],
  [{ byReference: 1.81 }, ["10,000 targets: 1.81 times the C loop's CPU, not 1.8"]],
  [{ residentPeak: 97 * MIB }, ["10,000 targets: RSS peak 97.0 MiB, not 96"]],
  [{ rttP99Ms: 0.017 }, ["10,000 targets: kernel RTT p99 is 12 µs above one target's"]],
];

for (const [what, lines] of BREACHES) {
  Deno.test(`a broken promise is told: ${lines[0]}`, () => {
    assertEquals(broken({ ...RESULTS, runs: [{ ...GOOD, ...what }] }), lines);
  });
}

Deno.test("more heap bytes a probe than promised are told", () => {
  assertEquals(broken({ ...RESULTS, heapBytes: 101 }), ["101 heap bytes a probe, not 100"]);
});

Deno.test("a run that gave no figures is told, and the others are shown all the same", () => {
  const failed = ["1 targets, 100 times a second: it did not end"];
  const results = { ...RESULTS, reference: null, failed };
  assertEquals(broken(results), failed);
  assertEquals(ourTable(results).split("\n").length, 2 + 4);
});

Deno.test("heap bytes a second are what the heap grew by between its collections", () => {
  const at = (ms: number, before: number, after: number) =>
    `[7:0x55]     ${ms} ms: Scavenge ${before.toFixed(1)} (36.1) -> ${
      after.toFixed(1)
    } (36.1) MB, x`;
  const trace = [at(900, 40, 20), at(1000, 31, 30), "{}", at(1500, 31, 30.5), at(2000, 31.5, 31)];
  assertEquals(allocatedASecond(trace.join("\n"), 1000, 2000), 2 * MIB);
  assertEquals(allocatedASecond(trace.join("\n"), 1900, 2000), 0);
});

Deno.test("silent targets that cost the others something are told", () => {
  const figures = { ...GOOD, rttP99Ms: 0.025, lagP99Ms: 6, answered: 198_000 };
  assertEquals(broken({ ...RESULTS, partlySilent: [figures] }), [
    "10,000 targets, some silent: the others: 2,000 not answered",
    "10,000 targets, some silent: the others: lag p99 6.00 ms, not 5",
    "10,000 targets, some silent: the others: kernel RTT p99 is 11 µs above that without",
  ]);
});

Deno.test("fewer targets are held to their answers, more to their round trips and lag too", () => {
  const bad = { ...GOOD, answered: 0, lagP99Ms: 99, cpuCores: 2, rttP99Ms: 1 };
  const runs = [{ ...bad, targets: 100 }, { ...bad, targets: 20_000 }];
  assertEquals(broken({ ...RESULTS, runs, partlySilent: [] }), [
    "100 targets: 200,000 not answered",
    "20,000 targets: 200,000 not answered",
    "20,000 targets: lag p99 99.00 ms, not 20",
    "20,000 targets: kernel RTT p99 is 995 µs above one target's",
  ]);
});
