/** The C reference, scripts/bench/handshakes/handshake.c: built where there is a compiler, and run. */
import { finish } from "../child.ts";

export interface Pace {
  readonly handshakes: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

export interface ClientRun extends Pace {
  readonly rttP50Us: number;
  readonly synRetransmits: number;
}

/** Null where there is no compiler. */
export async function buildReference(folder: string): Promise<string | null> {
  const output = `${folder}/handshake`;
  const source = new URL("./handshake.c", import.meta.url).pathname;
  try {
    await finish(["cc", "-O2", "-Wall", "-o", output, source]);
    return output;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Handshakes one after the other, from `core`, with 127.0.0.`host` and the addresses after it. */
export async function referenceConnects(
  reference: string,
  port: number,
  count: number,
  host: number,
  core: number | null,
): Promise<ClientRun> {
  const args = ["connect", String(port), String(count), String(host)];
  return JSON.parse((await finish([reference, ...args], core)).stdout);
}

/** Handshakes one after the other with the addresses of a file, in turn. */
export async function referenceOver(
  reference: string,
  port: number,
  count: number,
  file: string,
): Promise<ClientRun> {
  return JSON.parse((await finish([reference, "over", String(port), String(count), file])).stdout);
}

export interface PacedRun {
  readonly sent: number;
  /** Slots that were a second late. */
  readonly skipped: number;
  readonly cpuSeconds: number;
  readonly lagP50Ms: number;
  readonly lagP99Ms: number;
}

/** Each address of a file once a second, spread over it, for so many seconds: how late the slots are. */
export async function referencePaced(
  reference: string,
  port: number,
  seconds: number,
  file: string,
): Promise<PacedRun> {
  const args = ["pace", String(port), String(seconds), file];
  return JSON.parse((await finish([reference, ...args])).stdout);
}

/** Seconds until that many connections were accepted and closed. */
export async function referenceAwaits(
  reference: string,
  port: number,
  count: number,
  host: number,
  core: number | null,
): Promise<number> {
  const args = ["await", String(port), String(count), String(host)];
  return JSON.parse((await finish([reference, ...args], core)).stdout).seconds;
}
