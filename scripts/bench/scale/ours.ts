/** `wire-probe probe` of many targets from a file, with every target answering or some silent. */
import { BINARY, PERMISSIONS, RUNNABLE, V8_FLAGS } from "../../release/build.ts";
import { type PacedRun, referenceOver, referencePaced } from "../handshakes/reference.ts";
import { succeeds } from "../namespace.ts";
import {
  addresses,
  isSilent,
  partlySilent,
  SILENT_NETWORK,
  SILENT_SHARE,
  SILENT_SOURCE,
} from "./addresses.ts";
import {
  allocatedASecond,
  ANSWERING,
  type Label,
  readRun,
  REFUSED,
  type RunFigures,
  SILENT,
} from "./summaries.ts";
import { type Memory, watch } from "./watched.ts";

/** A single target once a second would give too few round trips for a p99. */
export const REFERENCE_EVERY_MS = 10;
/** Handshakes of the C loop before and after a run: so many with each address, and at most. */
const REFERENCE_ROUNDS = 4;
const MOST_REFERENCE = 40_000;
const SILENT_DEVICE = "silent0";
/** How long a run may wait for the answers to its last probes. */
const TIMEOUT_SECONDS = 5;
/** A target never answered: with silent ones that is what is expected (README, exit codes). */
const NEVER_ANSWERED = 1;

export interface OurFigures extends RunFigures, Memory {
  /** All of the run, silent ones too. */
  readonly targets: number;
  /** CPU from start to end, over the seconds probed. */
  readonly cpuCores: number;
  readonly cpuUs: number;
  /**
   * CPU a handshake by that of the C loop over the same addresses, the mean of a run before and one
   * after; null where there is no compiler, or some targets answer nothing.
   */
  readonly byReference: number | null;
  /** The C loop over the same addresses on the same schedule; null in the same cases. */
  readonly paced: PacedRun | null;
}

/** One target, more often than once a second: what a handshake's round trip is by itself. */
export function probeOne(port: number, seconds: number, folder: string): Promise<OurFigures> {
  return probe([line(addresses(1)[0], port, ANSWERING)], REFERENCE_EVERY_MS, seconds, folder);
}

/** So many targets, each once a second, beside the C loop where there is one. */
export async function probeMany(
  count: number,
  port: number,
  seconds: number,
  folder: string,
  reference: string | null,
): Promise<OurFigures> {
  const all = addresses(count);
  const lines = all.map((address) => line(address, port, ANSWERING));
  if (reference === null) return await probe(lines, 1000, seconds, folder);
  const file = `${folder}/addresses`;
  await Deno.writeTextFile(file, all.map((address) => `${address}\n`).join(""));
  const handshakes = Math.min(MOST_REFERENCE, REFERENCE_ROUNDS * count);
  const bare = async () => {
    const { cpuSeconds } = await referenceOver(reference, port, handshakes, file);
    return cpuSeconds * 1e6 / handshakes;
  };
  const before = await bare();
  const ours = await probe(lines, 1000, seconds, folder);
  const byReference = ours.cpuUs / ((before + await bare()) / 2);
  return { ...ours, byReference, paced: await referencePaced(reference, port, seconds, file) };
}

/** The same, a tenth of them silent; the figures are the others', CPU and memory the process's. */
export function probePartlySilent(
  count: number,
  port: number,
  seconds: number,
  folder: string,
): Promise<OurFigures> {
  const lines = partlySilent(count).map((address) =>
    line(address, port, isSilent(address) ? SILENT : ANSWERING)
  );
  return probe(lines, 1000, seconds, folder);
}

/** The same with a tenth at `closedPort`, where nobody listens. */
export function probePartlyRefused(
  count: number,
  port: number,
  closedPort: number,
  seconds: number,
  folder: string,
): Promise<OurFigures> {
  const lines = addresses(count).map((address, i) =>
    i % SILENT_SHARE === 0 ? line(address, closedPort, REFUSED) : line(address, port, ANSWERING)
  );
  return probe(lines, 1000, seconds, folder);
}

/**
 * Bytes that the engine takes from its heap a probe, in the second half of a run of so many targets.
 * In one of 20 s that half holds the moment when a target's values become counts (after MAX_EXACT of
 * them, src/stats/counts.ts). By `deno run` of the modules that the binary is made of, since a
 * binary's engine takes no flags.
 */
export async function heapBytesAProbe(
  count: number,
  port: number,
  seconds: number,
  folder: string,
): Promise<number> {
  const file = `${folder}/targets`;
  const lines = addresses(count).map((address) => line(address, port, ANSWERING));
  await Deno.writeTextFile(file, lines.join(""));
  const run = ["run", "--no-config", "--no-check", `${V8_FLAGS},--trace-gc`, ...PERMISSIONS];
  const command = [Deno.execPath(), ...run, RUNNABLE, ...words(file, 1000, seconds)];
  const { code, stdout, stderr } = await watch(command, seconds + TIMEOUT_SECONDS);
  if (code !== 0) throw new Error(`the run under trace ended with ${code}: ${stderr.trim()}`);
  const bytesASecond = allocatedASecond(stdout, seconds * 500, seconds * 1000);
  return bytesASecond / count;
}

function words(file: string, intervalMs: number, seconds: number): string[] {
  const pace = ["-i", `${intervalMs}ms`, "--duration", `${seconds}s`];
  const limits = ["--timeout", `${TIMEOUT_SECONDS}s`];
  return ["probe", "--targets", file, ...pace, ...limits, "-o", "json", "-q"];
}

async function probe(
  lines: readonly string[],
  intervalMs: number,
  seconds: number,
  folder: string,
): Promise<OurFigures> {
  const file = `${folder}/targets`;
  await Deno.writeTextFile(file, lines.join(""));
  const command = [BINARY, ...words(file, intervalMs, seconds)];
  const watched = await watch(command, seconds + TIMEOUT_SECONDS);
  if (watched.code !== 0 && watched.code !== NEVER_ANSWERED) {
    throw new Error(`wire-probe ended with ${watched.code}: ${watched.stderr.trim()}`);
  }
  const run = readRun(watched.stdout);
  return {
    ...run,
    targets: lines.length,
    residentMedian: watched.residentMedian,
    residentPeak: watched.residentPeak,
    cpuCores: watched.cpuSeconds / seconds,
    cpuUs: watched.cpuSeconds * 1e6 / run.sent,
    byReference: null,
    paced: null,
  };
}

/** By the label a total is made of each kind. */
function line(address: string, port: number, { key, value }: Label): string {
  return `${address}:${port} ${key}=${value}\n`;
}

/**
 * A network in which packets vanish: a point-to-point device that nobody holds the other end of. To
 * be made in a namespace only. False where the machine does not allow it.
 */
export async function makeSilentNetwork(): Promise<boolean> {
  const steps = [
    ["tuntap", "add", "dev", SILENT_DEVICE, "mode", "tun"],
    ["address", "add", SILENT_SOURCE, "dev", SILENT_DEVICE],
    ["link", "set", SILENT_DEVICE, "up"],
    ["route", "add", SILENT_NETWORK, "dev", SILENT_DEVICE],
  ];
  for (const step of steps) {
    if (!await succeeds("ip", step)) return false;
  }
  return true;
}
