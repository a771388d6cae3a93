/** Hosts, links and traffic of known behaviour for the tests of `connections`, and its reports read back. */
import { BINARY } from "./binary.ts";
import type { ExecOptions, Host } from "./harness/host.ts";
import { linesOf } from "./harness/link_process.ts";

const TRAFFIC = new URL("./harness/traffic.ts", import.meta.url).pathname;

export interface Spread {
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Fields of wire-probe.connections.v1. */
export interface Group {
  readonly schema: string;
  readonly interval_ms: number;
  readonly group: string;
  readonly direction: "out" | "in" | null;
  readonly local_port: number | null;
  readonly peer: string | null;
  readonly peer_port: number | null;
  readonly process: string | null;
  readonly connections: number;
  readonly opened: number;
  readonly closed: number;
  readonly rtt_ms: Spread | null;
  readonly reply_rtt_ms: Spread | null;
  readonly handshake_ms: Spread | null;
  readonly min_rtt_ms: number | null;
  readonly segments_out: number;
  readonly segments_retransmitted: number;
  readonly retransmitted_ratio: number | null;
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly busy_ratio: number | null;
  readonly receiver_limited_ratio: number | null;
  readonly connecting: number;
  readonly close_wait: number;
  readonly accept_queue: number | null;
  readonly accept_queue_limit: number | null;
  readonly listen_drops: number | null;
  readonly verdicts: readonly { readonly verdict: string; readonly evidence: string }[];
}

/** What `traffic` does: a kind with its arguments. */
export type Task = readonly [kind: string, ...args: (string | number)[]];

/** Starts a process of traffic on a host, and waits until its connections and ports are there. */
export async function traffic(host: Host, ...tasks: readonly Task[]): Promise<Deno.ChildProcess> {
  const child = host.exec(Deno.execPath(), [
    "run",
    "--quiet",
    "--no-config",
    "--allow-net",
    TRAFFIC,
    JSON.stringify(tasks),
  ], { stderr: "inherit" });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  const said = new TextDecoder().decode(value).trim();
  if (said !== "ready") throw new Error(`${JSON.stringify(tasks)}: ${said}`);
  return child;
}

/** What one run printed: the groups of each report, and how it ended. */
export interface Run {
  readonly reports: readonly (readonly Group[])[];
  /** Lines of other schemas, such as the path to a peer. */
  readonly others: readonly Record<string, unknown>[];
  readonly code: number;
  readonly stderr: string;
}

/** Runs `connections -o json` on a host to its end; `onReport` is called after each report. */
export async function watch(
  host: Host,
  args: readonly (string | number)[],
  options: ExecOptions = {},
  onReport: (reports: number) => void = () => {},
): Promise<Run> {
  const words = ["connections", "-o", "json", ...args.map(String)];
  const child = host.exec(BINARY, words, options);
  const stderr = new Response(child.stderr).text();
  const reports: Group[][] = [];
  const others = [];
  let report: Group[] = [];
  for await (const line of linesOf(child.stdout)) {
    const object = JSON.parse(line);
    if (object.schema === "wire-probe.connections.v1") report.push(object);
    else if (object.schema === "wire-probe.connections_total.v1") {
      onReport(reports.push(report));
      report = [];
    } else others.push(object);
  }
  const { code } = await child.status;
  return { reports, others, code, stderr: await stderr };
}

/** The group of a report by its service's port. */
export function groupOf(
  report: readonly Group[],
  port: number,
  direction: "out" | "in" = "out",
): Group {
  const found = report.filter((group) =>
    group.direction === direction &&
    (direction === "out" ? group.peer_port : group.local_port) === port
  );
  if (found.length !== 1) {
    throw new Error(
      `${found.length} groups of port ${port} ${direction} in ${JSON.stringify(report)}`,
    );
  }
  return found[0];
}

/** The names of all verdicts in reports, each with its group. */
export function verdictsIn(reports: readonly (readonly Group[])[]): string[] {
  return reports.flat().flatMap(({ group, verdicts }) =>
    verdicts.map(({ verdict, evidence }) => `${verdict} on ${group}: ${evidence}`)
  );
}
