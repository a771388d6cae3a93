/** Programs that are measured: started, pinned, asked of /proc, and ended by their own pid. */

const libc = Deno.dlopen("libc.so.6", {
  getrusage: { parameters: ["i32", "buffer"], result: "i32" },
}).symbols;
// <bits/resource.h>; struct rusage starts with two struct timeval of two 64-bit words.
const RUSAGE_CHILDREN = -1;
const RUSAGE_BYTES = 144;
/** USER_HZ, in which /proc counts: 100 on every Linux (proc(5)). */
const TICKS_A_SECOND = 100;
/** Fields of /proc/PID/stat (proc(5)): the process's own time, and that of its children that ended. */
const UTIME = 14;
export const CUTIME = 16;

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** CPU of all children that have ended. */
function cpuOfEnded(): number {
  const words = new BigInt64Array(RUSAGE_BYTES / 8);
  libc.getrusage(RUSAGE_CHILDREN, new Uint8Array(words.buffer));
  const [userSeconds, userMicros, systemSeconds, systemMicros] = words;
  return Number(userSeconds + systemSeconds) + Number(userMicros + systemMicros) / 1e6;
}

/** The command line that keeps a program on one core; null leaves it to the scheduler. */
function pinned(command: readonly string[], core: number | null): readonly string[] {
  return core === null ? command : ["taskset", "-c", String(core), ...command];
}

/** Runs to the end; while it runs, no other child may end, or its CPU would count too. */
export async function finish(
  command: readonly string[],
  core: number | null = null,
): Promise<Finished> {
  const [program, ...args] = pinned(command, core);
  const cpuBefore = cpuOfEnded();
  const before = performance.now();
  const child = new Deno.Command(program, { args, stdout: "piped", stderr: "piped" });
  const { code, stdout, stderr } = await child.output();
  const seconds = (performance.now() - before) / 1000;
  const cpuSeconds = cpuOfEnded() - cpuBefore;
  if (code !== 0) {
    const reason = new TextDecoder().decode(stderr).trim();
    throw new Error(`${command.slice(0, 4).join(" ")} … ended with ${code}: ${reason}`);
  }
  return { code, stdout: new TextDecoder().decode(stdout), seconds, cpuSeconds };
}

/** A responder that listens on a port of its own choice, on all of 127.0.0.0/8. */
export class Responder implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly port: number;

  private constructor(child: Deno.ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** `wire-probe serve`, or anything that names its port on its first line of output. */
  static async start(
    command: readonly string[],
    says: "stdout" | "stderr",
    core: number | null = null,
  ): Promise<Responder> {
    const [program, ...args] = pinned(command, core);
    const child = new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: says === "stderr" ? "piped" : "null",
    }).spawn();
    const line = await firstLine(says === "stderr" ? child.stderr : child.stdout);
    const port = Number(/(\d+)(?:,|$)/.exec(line)?.[1]);
    if (!(port > 0)) {
      child.kill("SIGKILL");
      throw new Error(`${command.join(" ")} does not name its port but says: ${line}`);
    }
    return new Responder(child, port);
  }

  /** Ends it and gives what else it wrote to stdout. */
  async stop(): Promise<string> {
    this.#child.kill("SIGTERM");
    const rest = await new Response(this.#child.stdout).text();
    await this.#child.status;
    return rest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    kill(this.#child);
    if (!this.#child.stdout.locked) await this.#child.stdout.cancel();
    await this.#child.status;
  }
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { done, value } = await reader.read();
    if (done) break;
    text += new TextDecoder().decode(value);
  }
  // Later output is read when the program has ended.
  reader.releaseLock();
  return text.split("\n")[0];
}

/** `serve` on all of 127.0.0.0/8. */
export function startServe(binary: string, core: number | null = null): Promise<Responder> {
  return Responder.start([binary, "serve", "--port", "0"], "stderr", core);
}

/** VmRSS in bytes (proc(5)). */
export async function residentBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/**
 * The memory that only this process holds and has written, in bytes: Private_Dirty of smaps_rollup
 * (proc(5)).
 */
export async function privateBytes(pid: number): Promise<number> {
  const rollup = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`);
  return Number(/^Private_Dirty:\s+(\d+) kB$/m.exec(rollup)?.[1]) * 1024;
}

/** User and system time so far, of all its threads. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  return readCpuSeconds(await Deno.readTextFile(`/proc/${pid}/stat`), UTIME);
}

/** The CPU time of /proc/PID/stat whose user part is the field `user`; the system part follows it. */
export function readCpuSeconds(stat: string, user: number): number {
  // The name in brackets may hold anything. What follows it begins with the third field.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[user - 3]) + Number(fields[user - 2])) / TICKS_A_SECOND;
}

export async function descriptorsOf(pid: number): Promise<number> {
  return (await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`))).length;
}

/** A counter of this network namespace (TcpExt in /proc/net/netstat), since the namespace began. */
export async function tcpCounter(name: string): Promise<number> {
  const [names, values] = (await Deno.readTextFile("/proc/net/netstat")).split("\n");
  return Number(values.split(" ")[names.split(" ").indexOf(name)]);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Kills a process that may have ended already. */
export function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended.
  }
}
