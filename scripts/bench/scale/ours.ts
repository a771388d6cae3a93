/** `wire-probe probe` of many targets from a file, with every target answering or some silent. */
import { BINARY } from "../../release/build.ts";
import { succeeds } from "../namespace.ts";
import { addresses, isSilent, partlySilent, SILENT_NETWORK, SILENT_SOURCE } from "./addresses.ts";
import { ANSWERING, readRun, type RunFigures, SILENT } from "./summaries.ts";
import { type Memory, watch } from "./watched.ts";

/** A single target once a second would give too few round trips for a p99. */
export const REFERENCE_EVERY_MS = 10;
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
}

/** One target, more often than once a second: what a handshake's round trip is by itself. */
export function probeOne(port: number, seconds: number, folder: string): Promise<OurFigures> {
  return probe(addresses(1), port, REFERENCE_EVERY_MS, seconds, folder);
}

/** So many targets, each once a second. */
export function probeMany(
  count: number,
  port: number,
  seconds: number,
  folder: string,
): Promise<OurFigures> {
  return probe(addresses(count), port, 1000, seconds, folder);
}

/** The same, a tenth of them silent; the figures are the others', CPU and memory the process's. */
export function probePartlySilent(
  count: number,
  port: number,
  seconds: number,
  folder: string,
): Promise<OurFigures> {
  return probe(partlySilent(count), port, 1000, seconds, folder);
}

async function probe(
  targets: readonly string[],
  port: number,
  intervalMs: number,
  seconds: number,
  folder: string,
): Promise<OurFigures> {
  const file = `${folder}/targets`;
  await Deno.writeTextFile(file, targets.map((address) => targetLine(address, port)).join(""));
  const pace = ["-i", `${intervalMs}ms`, "--duration", `${seconds}s`];
  const limits = ["--timeout", `${TIMEOUT_SECONDS}s`];
  const command = [BINARY, "probe", "--targets", file, ...pace, ...limits, "-o", "json", "-q"];
  const watched = await watch(command, seconds + TIMEOUT_SECONDS);
  if (watched.code !== 0 && watched.code !== NEVER_ANSWERED) {
    throw new Error(`wire-probe ended with ${watched.code}: ${watched.stderr.trim()}`);
  }
  const run = readRun(watched.stdout);
  return {
    ...run,
    targets: targets.length,
    residentMedian: watched.residentMedian,
    residentPeak: watched.residentPeak,
    cpuCores: watched.cpuSeconds / seconds,
    cpuUs: watched.cpuSeconds * 1e6 / run.sent,
  };
}

/** By the label a total is made of each kind. */
function targetLine(address: string, port: number): string {
  const { key, value } = isSilent(address) ? SILENT : ANSWERING;
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
