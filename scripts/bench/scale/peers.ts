/** Other probers of the same addresses at the same rate: the runtime alone, and those of Debian. */
import { isOnPath } from "../../gate/command.ts";
import type { Need } from "../../gate/packages.ts";
import { ranges } from "./addresses.ts";
import { BLACKBOX, probeByBlackbox } from "./blackbox.ts";
import { type PeerSays, readFping, readNping } from "./peer_output.ts";
import { watch, type Watched } from "./watched.ts";

/** What is to be probed, once a second each. */
export interface Work {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly seconds: number;
  /** For files; it is removed afterwards. */
  readonly folder: string;
}

export interface PeerFigures {
  readonly targets: number;
  /** Answered probes a second of the run, or of so long as its work took. */
  readonly perSecond: number;
  readonly cpuCores: number;
  readonly cpuUs: number;
  readonly residentPeak: number;
  readonly rttP50Us: number;
  readonly lost: number;
}

interface Peer {
  /** As tables call it. */
  readonly name: string;
  /** Null for what is always there. */
  readonly needs: Need | null;
  /** What it does for a probe. */
  readonly does: string;
  readonly run: (work: Work) => Promise<PeerFigures>;
}

/**
 * fping gives each of its 65,535 sequence numbers again after 10 s, and ends when none is free: so
 * many targets once a second, eleven rounds of them within that time at the worst.
 */
const FPING_MOST_TARGETS = 5900;
/** Below this spacing fping's own pauses add up to more than its period; it then sends in one go. */
const FPING_LEAST_SPACING_MS = 0.5;
/** Of the spacing: each pause lasts 0.1 ms longer than asked. */
const FPING_SPACING_SHARE = 0.7;
/**
 * nping keeps connections open up to its limit of descriptors. With 16,000 open it makes a hundred a
 * second; with a limit of 1,024 it makes ten thousand; with 256 it closes most before they are made.
 */
const NPING_DESCRIPTORS = 1024;
/** It waits so long for answers to the last probe. */
const NPING_WAITS_SECONDS = 1;

const BARE = new URL("bare.ts", import.meta.url).pathname;

export const PEERS: readonly Peer[] = [
  {
    name: "Deno.connect alone",
    needs: null,
    does: "TCP connect, close; no clock, no TCP_INFO, no statistics, no timeout",
    run: async (work) => {
      const { addresses, port, seconds } = work;
      const file = `${work.folder}/bare`;
      await Deno.writeTextFile(file, addresses.map((address) => `${address}\n`).join(""));
      const permissions = [`--allow-read=${file}`, "--allow-net"];
      const deno = [Deno.execPath(), "run", "--no-config", "--no-check", ...permissions];
      const watched = await watch([...deno, BARE, file, String(port), String(seconds)], seconds);
      if (watched.code !== 0) throw new Error(watched.stderr.trim());
      return figures(work, watched, { ...JSON.parse(watched.stdout), rttP50Us: NaN }, 0);
    },
  },
  {
    name: "fping",
    needs: { command: "fping", package: "fping" },
    does: `ICMP echo, one raw socket for all; at most ${FPING_MOST_TARGETS} a second a process`,
    run: async (work) => {
      const { seconds } = work;
      const some = work.addresses.slice(0, FPING_MOST_TARGETS);
      const file = `${work.folder}/fping`;
      await Deno.writeTextFile(file, some.map((address) => `${address}\n`).join(""));
      const pace = ["-C", String(seconds), "-p", "1000", "-i", String(fpingSpacingMs(some.length))];
      const watched = await watch(["fping", "-q", ...pace, "-f", file], seconds);
      // 1 is that a target did not answer (fping(8)).
      if (watched.code > 1) throw new Error(watched.stderr.trim());
      return figures(work, watched, readFping(watched.stderr), 0);
    },
  },
  {
    name: "nping",
    needs: { command: "nping", package: "nmap" },
    does: "TCP connect, the connection left open until its descriptor is wanted again",
    run: async (work) => {
      const { seconds } = work;
      const pace = ["--rate", String(work.addresses.length), "-c", String(seconds)];
      const nping = ["nping", "--tcp-connect", "-q", ...pace, "-p", String(work.port)];
      const script = `ulimit -n ${NPING_DESCRIPTORS} && exec "$@"`;
      const command = ["sh", "-c", script, "sh", ...nping, ...ranges(work.addresses.length)];
      const watched = await watch(command, seconds, seconds + NPING_WAITS_SECONDS);
      return figures(work, watched, readNping(watched.stdout), NPING_WAITS_SECONDS);
    },
  },
  {
    name: "blackbox_exporter",
    needs: { command: BLACKBOX, package: "prometheus-blackbox-exporter" },
    does: "HTTP request, TCP connect, metrics as text; the exporter alone, not who asks",
    run: async (work) => {
      const { says, cpuSeconds, residentPeak, elapsedSeconds } = await probeByBlackbox(work);
      return figures(work, { cpuSeconds, residentPeak, elapsedSeconds }, says, 0);
    },
  },
];

/** Milliseconds from one target to the next, so that a round is done within a second. */
export function fpingSpacingMs(targets: number): number {
  const even = 1000 / targets;
  return even < FPING_LEAST_SPACING_MS ? 0 : even * FPING_SPACING_SHARE;
}

/** The needs of some of them that are missing here. */
export function missingNeeds(): readonly Need[] {
  return PEERS.flatMap(({ needs }) => needs === null || isOnPath(needs.command) ? [] : [needs]);
}

/**
 * What it did, over the time it was given, or over the time it took where that was longer. A peer
 * that was done early would have waited for its next round.
 */
function figures(
  { addresses, seconds }: Work,
  { cpuSeconds, residentPeak, elapsedSeconds }: Pick<
    Watched,
    "cpuSeconds" | "residentPeak" | "elapsedSeconds"
  >,
  { sent, answered, rttP50Us }: PeerSays,
  waitsSeconds: number,
): PeerFigures {
  const spanSeconds = Math.max(seconds, elapsedSeconds - waitsSeconds);
  return {
    targets: addresses.length,
    perSecond: answered / spanSeconds,
    cpuCores: cpuSeconds / spanSeconds,
    cpuUs: cpuSeconds * 1e6 / sent,
    residentPeak,
    rttP50Us,
    lost: sent - answered,
  };
}
