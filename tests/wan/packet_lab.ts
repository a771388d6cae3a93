/** Runs ping and knock in the test network, and reads what they print. */
import type { ExecOptions, Host } from "./harness/host.ts";
import { Lab, type Probe, type Summary } from "./lab.ts";

export interface PacketRun {
  readonly code: number;
  /** In the order in which they were sent to their target. */
  readonly probes: readonly TargetProbe[];
  readonly summaries: readonly (Summary & { readonly target: string })[];
  readonly stderr: string;
}

export type TargetProbe = Probe & { readonly target: string; readonly lag_ms: number };
export type PacketCommand = "ping" | "knock";

/** Runs a command with JSON output to its end. */
export async function runPackets(
  host: Host,
  command: PacketCommand,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<PacketRun> {
  const [file, ...words] = packetCommand(command, args);
  return read(command, await host.run(file, words, options));
}

/** The same as user nobody with CAP_NET_RAW, as setcap gives it to a binary. */
export async function runWithRaw(
  host: Host,
  command: PacketCommand,
  args: readonly string[],
): Promise<PacketRun> {
  const nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
  const raw = ["--inh-caps", "+net_raw", "--ambient-caps", "+net_raw"];
  const words = packetCommand(command, args);
  return read(command, await host.run("setpriv", [...nobody, ...raw, "--", ...words]));
}

function read(
  command: PacketCommand,
  { code, stdout, stderr }: { code: number; stdout: string; stderr: string },
): PacketRun {
  const lines = stdout.trim().split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  const probes = lines.filter(({ schema }) => schema === `wire-probe.${command}.v1`);
  return {
    code,
    probes: probes.sort((one: Probe, other: Probe) => one.seq - other.seq),
    summaries: lines.filter(({ schema }) => schema === `wire-probe.${command}-summary.v1`),
    stderr,
  };
}

/** The words of the command line. */
export function packetCommand(command: PacketCommand, args: readonly string[]): string[] {
  return [Lab.binary, command, "--output", "json", ...args];
}
