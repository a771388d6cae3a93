/** Probers that Debian packages, paced as wire-probe is; 10 ms is the least that fping takes. */
import { BINARY } from "../../release/build.ts";
import { finish } from "../child.ts";
import { succeeds } from "../namespace.ts";

const PROBES = 500;
const EVERY_MS = 10;

interface Peer {
  readonly name: string;
  readonly package: string;
  readonly command: (port: number) => readonly string[];
  /** Milliseconds it reports, from its output. */
  readonly reported: RegExp;
}

const PEERS: readonly Peer[] = [
  {
    name: "fping (ICMP echo)",
    package: "fping",
    command: () => ["fping", "-q", "-c", String(PROBES), "-p", String(EVERY_MS), "127.0.0.1"],
    reported: /min\/avg\/max = [\d.]+\/([\d.]+)\//,
  },
  {
    name: "nping --tcp-connect",
    package: "nmap",
    command: (port) => {
      const pace = ["-c", String(PROBES), "--delay", `${EVERY_MS}ms`];
      return ["nping", "--tcp-connect", "-q", ...pace, "-p", String(port), "127.0.0.1"];
    },
    reported: /Avg rtt: ([\d.]+)ms/,
  },
];

export interface PeerFigures {
  readonly name: string;
  readonly probes: number;
  readonly cpuUs: number;
  readonly seconds: number;
  /** What it says a round trip took, in µs; NaN when it does not say. */
  readonly reportedUs: number;
}

export const PEER_PACKAGES: readonly string[] = PEERS.map((peer) => peer.package);

/** One probe in each of so many ms. CPU is of the whole run, start-up included. */
export const PEER_PACE_MS = EVERY_MS;

/** wire-probe first, then each peer that is installed. */
export async function benchPeers(port: number, core: number | null): Promise<PeerFigures[]> {
  const target = `127.0.0.1:${port}`;
  const ours = await finish(
    [BINARY, "probe", target, "-c", String(PROBES), "-i", `${EVERY_MS}ms`, "--quiet", "-o", "json"],
    core,
  );
  const figures = [
    figuresOf("wire-probe probe", ours, JSON.parse(ours.stdout).rtt_ms.avg),
  ];
  for (const { name, command, reported } of PEERS) {
    const words = command(port);
    if (!await succeeds("sh", ["-c", `command -v ${words[0]}`])) continue;
    // fping writes its summary to stderr.
    const run = await finish(["sh", "-c", `exec ${words.join(" ")} 2>&1`], core);
    figures.push(figuresOf(name, run, Number(reported.exec(run.stdout)?.[1])));
  }
  return figures;
}

function figuresOf(
  name: string,
  { cpuSeconds, seconds }: { cpuSeconds: number; seconds: number },
  reportedMs: number,
): PeerFigures {
  const cpuUs = cpuSeconds * 1e6 / PROBES;
  return { name, probes: PROBES, cpuUs, seconds, reportedUs: reportedMs * 1000 };
}

/** Installs the peers' packages; only when asked to. */
export async function installPeers(): Promise<void> {
  await finish(["apt-get", "install", "-y", "--no-install-recommends", ...PEER_PACKAGES]);
}
