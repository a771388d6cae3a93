/** A program run to its end under watch: its CPU, and its memory while it runs. */
import { CUTIME, readCpuSeconds } from "../child.ts";
import { quantile } from "../../../src/stats/quantile.ts";

/** A program that does not end by itself in `graceMs` after its time hangs. */
const WATCH = { everyMs: 200, graceMs: 30_000 };

export interface Memory {
  /** Median of samples of VmRSS, and the peak (VmHWM), in bytes. */
  readonly residentMedian: number;
  readonly residentPeak: number;
}

export interface Watched extends Memory {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedSeconds: number;
  /** User and system time from its start to its end. */
  readonly cpuSeconds: number;
}

/** Memory in bytes from the text of /proc/PID/status; null for a process that has ended. */
export function readStatus(text: string): { resident: number; peak: number } | null {
  const [resident, peak] = ["VmRSS", "VmHWM"].map((name) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]) * 1024
  );
  return resident > 0 ? { resident, peak } : null;
}

/** Samples a process's memory until it is told to stop, or the process has ended. */
export class MemoryWatch {
  readonly #pid: number;
  readonly #samples: number[] = [];
  #peak = 0;
  #timer: ReturnType<typeof setInterval>;

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.#sample(), WATCH.everyMs);
  }

  #sample(): void {
    let text: string;
    try {
      text = Deno.readTextFileSync(`/proc/${this.#pid}/status`);
    } catch {
      // It has just ended: nothing is left to read.
      return;
    }
    const status = readStatus(text);
    if (status === null) return;
    this.#samples.push(status.resident);
    this.#peak = Math.max(this.#peak, status.peak);
  }

  stop(): Memory {
    this.#sample();
    clearInterval(this.#timer);
    return { residentMedian: quantile(this.#samples, 0.5), residentPeak: this.#peak };
  }
}

/**
 * A program that should end by itself in so many seconds. One that says on SIGINT what it has done so
 * far may be interrupted after some. While it runs no other child may end, or its CPU would count too.
 */
export async function watch(
  command: readonly string[],
  seconds: number,
  interruptAfterSeconds: number | null = null,
): Promise<Watched> {
  const [program, ...args] = command;
  const cpuBefore = await childrenSeconds();
  const startMs = performance.now();
  const child = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const memory = new MemoryWatch(child.pid);
  let inTime = true;
  const limit = setTimeout(() => {
    inTime = false;
    child.kill("SIGKILL");
  }, seconds * 1000 + WATCH.graceMs);
  const interrupt = interruptAfterSeconds === null
    ? undefined
    : setTimeout(() => child.kill("SIGINT"), interruptAfterSeconds * 1000);
  const ended = child.status.finally(() => {
    clearTimeout(limit);
    clearTimeout(interrupt);
  });
  const [{ code }, stdout, stderr] = await Promise.all([
    ended,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const elapsedSeconds = (performance.now() - startMs) / 1000;
  const resident = memory.stop();
  if (!inTime) throw new Error(`${command.slice(0, 3).join(" ")} … did not end`);
  const cpuSeconds = await childrenSeconds() - cpuBefore;
  return { code, stdout, stderr, elapsedSeconds, cpuSeconds, ...resident };
}

async function childrenSeconds(): Promise<number> {
  return readCpuSeconds(await Deno.readTextFile(`/proc/${Deno.pid}/stat`), CUTIME);
}
