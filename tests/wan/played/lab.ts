/** The compiled binary's traces through a played network, in every way and by every right. */
import { BINARY } from "../binary.ts";
import type { Trace, User } from "../trace_lab.ts";
import type { PlayedNetwork } from "./network.ts";
import { hopAddress, TARGET } from "./network.ts";

export interface Way {
  readonly user: User;
  readonly protocol: "tcp" | "udp" | "icmp";
  readonly family: "v4" | "v6";
}

/** As nobody, ICMP needs ping sockets, which `allowPing` gives. */
export const WAYS: readonly Way[] = (["v4", "v6"] as const).flatMap((family) =>
  (["root", "nobody"] as const).flatMap((user) =>
    (["tcp", "udp", "icmp"] as const).map((protocol) => ({ user, protocol, family }))
  )
);

export function wayName({ user, protocol, family }: Way): string {
  return `${user} ${protocol} ${family}`;
}

/** The arguments that a way of tracing wants, its target included. */
export function wordsOf({ protocol, family }: Way): string[] {
  const target = TARGET[family];
  if (protocol === "udp") return ["-U", target];
  if (protocol === "icmp") return ["-I", target];
  return [family === "v4" ? `${target}:9999` : `[${target}]:9999`];
}

export async function allowPing({ host }: PlayedNetwork): Promise<void> {
  await host.sysctl({ "net.ipv4.ping_group_range": "0 2147483647" });
}

/** Scenes in flight at once: most of a scene's time is waiting, and two cores carry so many. */
const AT_ONCE = 6;

/** Plays a scene for each of these, some of them beside one another; throws what the first one throws. */
export async function beside<T>(all: Iterable<T>, play: (one: T) => Promise<void>): Promise<void> {
  const rest = [...all];
  const work = async () => {
    for (let one = rest.shift(); one !== undefined; one = rest.shift()) await play(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

export interface PlayedRun {
  readonly code: number;
  readonly trace: Trace;
  readonly stdout: string;
  readonly stderr: string;
}

/** Longer than this process is ever kept from answering in time. */
const PATIENT = ["-t", "3s"];

/** Runs `trace -n --output json` to its end, patiently where the options do not say otherwise. */
export async function traceBy(
  network: PlayedNetwork,
  way: Way,
  ...options: string[]
): Promise<PlayedRun> {
  const words = ["trace", "-n", "--output", "json", ...PATIENT, ...options, ...wordsOf(way)];
  const run = await network.run(BINARY, words, { user: way.user });
  if (run.stdout === "") {
    throw new Error(`${wayName(way)} ${options.join(" ")}: exit ${run.code}: ${run.stderr}`);
  }
  return { ...run, trace: JSON.parse(run.stdout) };
}

/** Who answered at each hop, the first of several; null for nobody. */
export function answering({ hops }: Trace): (string | null)[] {
  return hops.map(({ addresses }) => addresses[0]?.address ?? null);
}

/** The addresses of a path of so many routers, the target behind them. */
export function wholePath(routers: number, family: "v4" | "v6"): string[] {
  const numbered = Array.from({ length: routers }, (_, i) => hopAddress(i + 1)[family]);
  return [...numbered, TARGET[family]];
}
