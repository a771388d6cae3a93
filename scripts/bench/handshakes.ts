/**
 * Handshakes a second and their CPU beside a C loop of the same calls and the runtime alone,
 * accepts, start-up, many handshakes in a row, and peers from Debian's packages, all in one run:
 * `handshakes.ts [--json] [--install]`. As root (or with user namespaces) in a network namespace of its own.
 */
import { BINARY } from "../release/build.ts";
import { benchAccepts } from "./handshakes/accepts.ts";
import { finish, startServe } from "./child.ts";
import { type EnduranceFigures, endure } from "./handshakes/endurance.ts";
import { benchHandshakes, burst, type HandshakeFigures } from "./handshakes/connects.ts";
import { furnish, isInside, runInside, succeeds } from "./namespace.ts";
import { benchPeers, installPeers, PEER_PACE_MS, type PeerFigures } from "./handshakes/peers.ts";
import { buildReference } from "./handshakes/reference.ts";
import { median, table } from "./table.ts";

/** What is promised of wire-probe relative to the C loop. */
const LEAST_RATE = 0.7;
const MOST_CPU = 1.5;
const MIB = 2 ** 20;
/** How much memory may vary, since garbage comes and goes. */
const FLAT_BYTES = 2 * MIB;
/** One connection is under way at a time, and closing is not instant. */
const MOST_DESCRIPTORS = 3;
const STARTS = 10;

interface Results {
  readonly pinned: boolean;
  readonly handshakes: HandshakeFigures;
  readonly accepts: Awaited<ReturnType<typeof benchAccepts>> | null;
  readonly startup: { readonly probeMs: number; readonly helpMs: number };
  readonly endurance: readonly EnduranceFigures[];
  readonly peers: readonly PeerFigures[];
}

async function measure(): Promise<Results> {
  const folder = await Deno.makeTempDir({ prefix: "wire-probe-bench-" });
  try {
    const reference = await buildReference(folder);
    const pinned = navigator.hardwareConcurrency > 1 &&
      await succeeds("taskset", ["-c", "0", "true"]);
    const cores = pinned ? [0, 1] as const : null;
    const handshakes = await benchHandshakes(reference, cores);
    const accepts = reference === null ? null : await benchAccepts(reference, cores);
    await using server = await startServe(BINARY);
    return {
      pinned,
      handshakes,
      accepts,
      startup: {
        probeMs: await medianMs(() =>
          burst(server.port, 1, 90, null).then(({ run }) => run.seconds)
        ),
        helpMs: await medianMs(() => finish([BINARY, "version"]).then(({ seconds }) => seconds)),
      },
      endurance: [await endure(1, 100_000, 200), await endure(4, 50_000, 210)],
      peers: await benchPeers(server.port, pinned ? 1 : null),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function medianMs(run: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) times.push(await run() * 1000);
  return median(times);
}

function againstTable({ handshakes, accepts }: Results): string {
  const { ours, bare, reference } = handshakes;
  const against = (mine: number, theirs: number | undefined, digits: number) => [
    theirs?.toFixed(digits) ?? "-",
    theirs === undefined ? "-" : (mine / theirs).toFixed(2),
  ];
  const row = (
    what: string,
    mine: number,
    theirs: number | undefined,
    digits: number,
    runtimes?: number,
  ) => [
    what,
    mine.toFixed(digits),
    ...against(mine, theirs, digits),
    ...against(mine, runtimes, digits),
  ];
  const rows = [
    row("handshakes a second", ours.perSecond, reference?.perSecond, 0, bare.perSecond),
    row("CPU a handshake, µs", ours.cpuUs, reference?.cpuUs, 1, bare.cpuUs),
    row("kernel RTT p50, µs", ours.rttP50Us, reference?.rttP50Us, 0),
    row("SYN retransmits", ours.synRetransmits, reference?.synRetransmits, 0).with(3, ""),
  ];
  if (accepts !== null) {
    rows.push(
      row("accepts a second", accepts.ours.perSecond, accepts.reference.perSecond, 0),
      row("CPU an accept, µs", accepts.ours.cpuUs, accepts.reference.cpuUs, 1),
    );
  }
  return table(["", "wire-probe", "C loop", "ratio", "Deno.connect alone", "ratio"], rows);
}

function enduranceTable(runs: readonly EnduranceFigures[]): string {
  const rows = runs.map((run) => [
    `${run.handshakes.toLocaleString("en")} by ${run.probers}`,
    run.perSecond.toFixed(0),
    String(run.descriptorsBeyondLeast),
    (run.residentPeak / MIB).toFixed(1),
    (run.residentGrowth / MIB).toFixed(1),
    String(run.synRetransmits),
    String(run.listenOverflows),
  ]);
  const head = ["in a row", "a second", "descriptors +", "RSS peak MiB", "RSS growth MiB"];
  return table([...head, "SYN retransmits", "ListenOverflows"], rows);
}

function peersTable(peers: readonly PeerFigures[]): string {
  const rows = peers.map((peer) => [
    peer.name,
    String(peer.probes),
    peer.seconds.toFixed(1),
    peer.cpuUs.toFixed(1),
    Number.isNaN(peer.reportedUs) ? "-" : peer.reportedUs.toFixed(0),
  ]);
  return table([
    `a probe each ${PEER_PACE_MS} ms`,
    "probes",
    "seconds",
    "CPU a probe with start-up, µs",
    "says, µs",
  ], rows);
}

/** Broken promises, a line each. */
function broken({ handshakes, endurance }: Results): string[] {
  const lines: string[] = [];
  const { ours, reference } = handshakes;
  if (reference !== null) {
    const rate = ours.perSecond / reference.perSecond;
    const cpu = ours.cpuUs / reference.cpuUs;
    if (rate < LEAST_RATE) lines.push(`${rate.toFixed(2)} of C's rate, not ${LEAST_RATE}`);
    if (cpu > MOST_CPU) lines.push(`${cpu.toFixed(2)} times C's CPU, not ${MOST_CPU}`);
    if (Math.abs(ours.rttP50Us - reference.rttP50Us) > 1) lines.push("kernel RTT is not C's");
  }
  for (const run of endurance) {
    const what = `${run.handshakes} by ${run.probers}`;
    if (run.descriptorsBeyondLeast > MOST_DESCRIPTORS) lines.push(`${what}: descriptors leak`);
    if (run.residentGrowth > FLAT_BYTES) lines.push(`${what}: RSS is not flat`);
    if (run.synRetransmits > 0) lines.push(`${what}: SYNs were sent again`);
    if (run.listenOverflows > 0) lines.push(`${what}: the backlog overflowed`);
  }
  return lines;
}

function report(results: Results): number {
  const failures = broken(results);
  if (Deno.args.includes("--json")) {
    console.log(JSON.stringify({ ...results, failures }, null, 2));
  } else {
    const { startup } = results;
    console.log(`${againstTable(results)}\n`);
    console.log(`${enduranceTable(results.endurance)}\n`);
    console.log(`${peersTable(results.peers)}\n`);
    const { probeMs, helpMs } = startup;
    console.log(`start-up: version ${helpMs.toFixed(0)} ms, one probe ${probeMs.toFixed(0)} ms`);
    for (const line of failures) console.log(`FAILED: ${line}`);
  }
  return failures.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  if (Deno.build.os !== "linux") throw new Error("the benchmark needs Linux: /proc, taskset");
  if (!isInside()) {
    if (Deno.args.includes("--install")) await installPeers();
    const code = await runInside(new URL(import.meta.url).pathname);
    if (code !== null) return code;
    console.error("bench: no network namespace to be had; others' traffic and TIME_WAIT disturb");
  } else await furnish();
  return report(await measure());
}

if (import.meta.main) Deno.exit(await main());
