/** Two hosts a known delay apart, a responder on one and the probe on the other: the compiled binary. */
import { BINARY } from "./binary.ts";
import { type Host, type Link, Network } from "./harness/network.ts";
import type { Counts, ProbeFigures } from "./printed.ts";

/** The responder's port, and one on which nobody listens. */
export const PORT = 9999;
export const CLOSED_PORT = 9998;

/** Fields of wire-probe.probe.v1 that the tests look at. */
export interface Probe extends ProbeFigures {
  readonly address: string | null;
  readonly error: string | null;
}

/** Fields of wire-probe.summary.v1 that the tests look at. */
export interface Summary extends Counts {
  readonly loss_ratio: number | null;
  readonly longest_loss_run: number;
  readonly rtt_ms: { count: number; p50: number | null; p99: number | null; max: number | null };
}

export interface Run {
  readonly code: number;
  readonly probes: readonly Probe[];
  readonly summary: Summary;
  readonly stderr: string;
}

export class Lab implements AsyncDisposable {
  /** The compiled program. */
  static readonly binary = BINARY;

  private constructor(
    readonly network: Network,
    readonly near: Host,
    readonly far: Host,
    readonly link: Link,
  ) {}

  /** Starts a responder at the far end; `roundTripMs` lies on the link. */
  static async open(roundTripMs: number): Promise<Lab> {
    const network = await Network.create();
    const near = await network.host("near");
    const far = await network.host("far");
    const link = await network.link(near, far, { delayUs: roundTripMs * 500 });
    const lab = new Lab(network, near, far, link);
    const server = far.exec(BINARY, ["serve", "--bind", "::", "--port", String(PORT)]);
    await firstLine(server.stderr);
    server.stdout.cancel();
    return lab;
  }

  /** `address:port` of the responder. */
  get target(): string {
    return `${this.link.b.v4}:${PORT}`;
  }

  /** Runs `probe --output json` at the near end to its end. */
  async probe(...args: string[]): Promise<Run> {
    const { code, stdout, stderr } = await this.near.run(BINARY, [
      "probe",
      "--output",
      "json",
      ...args,
    ]);
    const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
    const summary = lines.pop();
    return { code, probes: lines, summary, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network[Symbol.asyncDispose]();
  }
}

/** Waits for a line, then lets the rest of the stream go. */
async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  stream.cancel();
  return new TextDecoder().decode(value).split("\n")[0];
}

/** The value below which a share q of the values lies. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}

/** The round trips of all probes that have one. */
export function roundTrips(run: Run): number[] {
  return run.probes.flatMap(({ rtt_ms }) => rtt_ms === null ? [] : [rtt_ms]);
}
