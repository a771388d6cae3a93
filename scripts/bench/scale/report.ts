/** What `bench:scale` prints and draws of its figures, and what was promised of them. */
import { logLogChart, type Series } from "../plot.ts";
import { table } from "../table.ts";
import { SILENT_SHARE } from "./addresses.ts";
import type { OurFigures } from "./ours.ts";
import type { PeerFigures } from "./peers.ts";

const MIB = 2 ** 20;
/** What is promised of so many targets, once a second each. */
const PROMISED = {
  targets: 10_000,
  byReference: 1.8,
  residentMib: 96,
  lagP99Ms: 5,
  heapBytes: 100,
};
/** And of twice as many. */
const PROMISED_OF_MOST = { targets: 20_000, lagP99Ms: 20 };
/** How far a round trip may be from that of one target alone, or from that without silent ones. */
const RTT_NOISE_US = 10;
/** A prober that answers for less than this share of what it was asked did not keep up. */
const KEPT_UP_SHARE = 0.98;

export interface PeerRuns {
  readonly name: string;
  readonly does: string;
  /** By size; a run that failed is not among them. */
  readonly runs: readonly PeerFigures[];
}

export interface Results {
  readonly seconds: number;
  readonly peerSeconds: number;
  /** One target, a hundred times a second; null where that run failed. */
  readonly reference: OurFigures | null;
  /** By size. */
  readonly runs: readonly OurFigures[];
  /** Some of the sizes with a tenth of the targets silent; none where that cannot be made. */
  readonly partlySilent: readonly OurFigures[];
  /** The same with a tenth of the targets refusing. */
  readonly partlyRefused: readonly OurFigures[];
  /** Bytes of the heap a probe, at the promised number of targets; null where not measured. */
  readonly heapBytes: number | null;
  readonly peers: readonly PeerRuns[];
  /** Runs of wire-probe that gave no figures, and why. */
  readonly failed: readonly string[];
  /** What was left out, and why. */
  readonly missing: readonly string[];
}

export function ourTable({ reference, runs, partlySilent, partlyRefused }: Results): string {
  const rows = [
    ...reference === null ? [] : [ourRow("1, 100 times a second", reference)],
    ...runs.map((run) => ourRow(count(run.targets), run)),
  ];
  for (const run of partlySilent) {
    const silent = silentOf(run.targets);
    rows.push(ourRow(`${count(run.targets - silent)} beside ${count(silent)} silent`, run));
  }
  for (const run of partlyRefused) {
    const refused = silentOf(run.targets);
    rows.push(ourRow(`${count(run.targets - refused)} beside ${count(refused)} refused`, run));
  }
  const cpu = ["CPU, cores", "CPU a probe, µs", "by the C loop's"];
  const head = ["targets, each once a second", ...cpu, "RSS p50, MiB", "RSS peak, MiB"];
  const delays = ["kernel RTT p50, µs", "p99, µs", "lag p50, ms", "lag p99, ms"];
  const paced = ["C loop's lag p99, ms", "skipped"];
  return table([...head, ...delays, "answered", "skipped", ...paced], rows);
}

function silentOf(targets: number): number {
  return Math.floor(targets / SILENT_SHARE);
}

function ourRow(what: string, run: OurFigures): string[] {
  return [
    what,
    run.cpuCores.toFixed(3),
    run.cpuUs.toFixed(0),
    run.byReference === null ? "-" : run.byReference.toFixed(2),
    (run.residentMedian / MIB).toFixed(1),
    (run.residentPeak / MIB).toFixed(1),
    (run.rttP50Ms * 1000).toFixed(0),
    (run.rttP99Ms * 1000).toFixed(0),
    run.lagP50Ms.toFixed(2),
    run.lagP99Ms.toFixed(2),
    `${count(run.answered)} of ${count(run.sent)}`,
    count(run.skipped),
    run.paced === null ? "-" : run.paced.lagP99Ms.toFixed(2),
    run.paced === null ? "-" : count(run.paced.skipped),
  ];
}

/** By size, wire-probe first. */
export function peersTable({ seconds, runs, peers }: Results): string {
  const rows = runs.flatMap((run) => [
    { name: "wire-probe", figures: asPeer(run, seconds) },
    ...peers.flatMap(({ name, runs }) =>
      runs.filter(({ targets }) => targets === run.targets).map((figures) => ({ name, figures }))
    ),
  ]).map(({ name, figures }) => peerRow(name, figures));
  const head = ["prober", "asked for, a second", "reached", "CPU, cores", "CPU a probe, µs"];
  return table([...head, "RSS peak, MiB", "says p50, µs", "lost"], rows);
}

function peerRow(name: string, figures: PeerFigures): string[] {
  return [
    name,
    count(figures.targets),
    count(Math.round(figures.perSecond)),
    figures.cpuCores.toFixed(3),
    figures.cpuUs.toFixed(0),
    (figures.residentPeak / MIB).toFixed(1),
    Number.isNaN(figures.rttP50Us) ? "-" : figures.rttP50Us.toFixed(0),
    count(figures.lost),
  ];
}

/** wire-probe's own figures in the form of a peer's. */
function asPeer(run: OurFigures, seconds: number): PeerFigures {
  return {
    targets: run.targets,
    perSecond: run.answered / seconds,
    cpuCores: run.cpuCores,
    cpuUs: run.cpuUs,
    residentPeak: run.residentPeak,
    rttP50Us: run.rttP50Ms * 1000,
    lost: run.sent - run.answered,
  };
}

/** What each does for a probe, what is missing, and how to read the tables. */
export function notes({ peers, missing, seconds, peerSeconds, heapBytes }: Results): string[] {
  const lines = ["wire-probe: TCP connect, TCP_INFO, close; statistics a target"];
  lines.push(...peers.map(({ name, does }) => `${name}: ${does}`));
  lines.push(
    `runs of ${seconds} s (peers ${peerSeconds} s), start-up and the final summary included`,
    "C loop's lag and skipped: the bare calls one after the other, on the same schedule",
  );
  if (heapBytes !== null) lines.push(`heap bytes a probe: ${heapBytes.toFixed(0)}`);
  lines.push(...missing.map((what) => `left out: ${what}`));
  return lines;
}

/** CPU and memory over the rate that each prober reached. */
export function chart({ seconds, runs, peers }: Results): string {
  const all = [
    { name: "wire-probe", runs: runs.map((run) => asPeer(run, seconds)) },
    ...peers,
  ];
  const series = (value: (run: PeerFigures) => number): Series[] =>
    all.map(({ name, runs }) => ({
      name,
      points: runs.map((run) => ({
        x: run.perSecond,
        y: value(run),
        hollow: run.perSecond < KEPT_UP_SHARE * run.targets,
      })),
    }));
  return logLogChart({
    title: "Cost against probes a second",
    hollow: "hollow: fell short of the rate asked for",
    panels: [
      {
        title: "CPU",
        xTitle: "probes answered a second",
        yTitle: "cores",
        series: series((run) => run.cpuCores),
      },
      {
        title: "Memory",
        xTitle: "probes answered a second",
        yTitle: "RSS peak, MiB",
        series: series((run) => run.residentPeak / MIB),
      },
    ],
  });
}

/** Broken promises, a line each. */
export function broken(
  { reference, runs, partlySilent, partlyRefused, heapBytes, failed }: Results,
): string[] {
  const lines = [...failed];
  for (const run of runs) {
    const what = `${count(run.targets)} targets`;
    if (run.targets <= PROMISED_OF_MOST.targets) lines.push(...brokenAnswers(what, run));
    if (run.targets === PROMISED.targets) lines.push(...brokenCost(what, run));
    if (run.targets === PROMISED_OF_MOST.targets) {
      lines.push(...brokenLag(what, run, PROMISED_OF_MOST.lagP99Ms));
    }
    if (run.targets >= PROMISED.targets && reference !== null) {
      lines.push(...brokenRtt(what, run, reference, "one target's"));
    }
  }
  for (const [kind, run] of besides(partlySilent, partlyRefused)) {
    const plain = runs.find(({ targets }) => targets === run.targets);
    const what = `${count(run.targets)} targets, some ${kind}: the others`;
    lines.push(...brokenAnswers(what, run));
    if (plain?.targets === PROMISED.targets) {
      lines.push(...brokenLag(what, run));
      lines.push(...brokenRtt(what, run, plain, "that without"));
    }
  }
  if (heapBytes !== null && heapBytes > PROMISED.heapBytes) {
    lines.push(`${heapBytes.toFixed(0)} heap bytes a probe, not ${PROMISED.heapBytes}`);
  }
  return lines;
}

function besides(
  silent: readonly OurFigures[],
  refused: readonly OurFigures[],
): (readonly [kind: string, run: OurFigures])[] {
  return [
    ...silent.map((run) => ["silent", run] as const),
    ...refused.map((run) => ["refused", run] as const),
  ];
}

function brokenAnswers(what: string, run: OurFigures): string[] {
  const lines: string[] = [];
  if (run.answered < run.sent) {
    lines.push(`${what}: ${count(run.sent - run.answered)} not answered`);
  }
  if (run.skipped > 0) {
    const theirs = run.paced === null ? "" : `, ${count(run.paced.skipped)} by the C loop`;
    lines.push(`${what}: ${count(run.skipped)} skipped${theirs}`);
  }
  return lines;
}

function brokenLag(
  what: string,
  { lagP99Ms, paced }: OurFigures,
  mostMs = PROMISED.lagP99Ms,
): string[] {
  if (lagP99Ms <= mostMs) return [];
  const theirs = paced === null ? "" : `; the C loop's is ${paced.lagP99Ms.toFixed(2)}`;
  return [`${what}: lag p99 ${lagP99Ms.toFixed(2)} ms, not ${mostMs}${theirs}`];
}

/** Fewer targets give too few round trips for a p99 that holds still. */
function brokenRtt(what: string, run: OurFigures, plain: OurFigures, whose: string): string[] {
  const beyondUs = (run.rttP99Ms - plain.rttP99Ms) * 1000;
  if (beyondUs <= RTT_NOISE_US) return [];
  return [`${what}: kernel RTT p99 is ${beyondUs.toFixed(0)} µs above ${whose}`];
}

function brokenCost(what: string, run: OurFigures): string[] {
  const lines = brokenLag(what, run);
  const mib = run.residentPeak / MIB;
  if (run.byReference !== null && run.byReference > PROMISED.byReference) {
    const times = run.byReference.toFixed(2);
    lines.push(`${what}: ${times} times the C loop's CPU, not ${PROMISED.byReference}`);
  }
  if (mib > PROMISED.residentMib) {
    lines.push(`${what}: RSS peak ${mib.toFixed(1)} MiB, not ${PROMISED.residentMib}`);
  }
  return lines;
}

function count(value: number): string {
  return value.toLocaleString("en");
}
