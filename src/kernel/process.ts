/** This process: its environment, figures, permissions, signals and limit of descriptors. */
import { openLibc } from "./libc.ts";
import { RLIMIT_NOFILE, SIGSTOP } from "./linux.ts";

export type PermissionName = "read" | "write" | "env" | "ffi" | "net" | "run" | "sys";

export type SignalName = "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGQUIT";

/** An environment variable, or null; only those named at compile time can be had. */
export function environment(name: string): string | null {
  return Deno.env.get(name) ?? null;
}

/** Where the runtime's HTTP client looks for a proxy; curl(1) and others know the same names. */
const PROXY_VARIABLES = ["http_proxy", "https_proxy", "all_proxy"]
  .flatMap((name) => [name, name.toUpperCase()]);

/** Takes the settings of proxies out of this process's environment, for good. */
export function forgetProxies(): void {
  for (const name of PROXY_VARIABLES) Deno.env.delete(name);
}

/** This machine's name, as gethostname(2) gives it. */
export function hostName(): string {
  return Deno.hostname();
}

export function processId(): number {
  return Deno.pid;
}

/** Resident set in bytes. */
export function residentBytes(): number {
  return Deno.memoryUsage().rss;
}

/** JavaScript heap in use, in bytes. */
export function heapBytes(): number {
  return Deno.memoryUsage().heapUsed;
}

/** <time.h>: the CPU time of all threads of this process (clock_gettime(2)). */
const CLOCK_PROCESS_CPUTIME_ID = 2;

/** CPU time that this process has taken, in ms; null where the system does not tell. Open before FFI is revoked. */
export function openCpuTime(): (() => number) | null {
  const libc = openLibc(["clock_gettime"] as const)?.symbols;
  if (libc === undefined) return null;
  // struct timespec on 64-bit machines: seconds and nanoseconds.
  const time = new BigInt64Array(2);
  const bytes = new Uint8Array(time.buffer);
  return () => {
    libc.clock_gettime(CLOCK_PROCESS_CPUTIME_ID, bytes);
    return Number(time[0]) * 1000 + Number(time[1]) / 1e6;
  };
}

/** Revokes for the rest of the process's life; libc symbols already bound go on working. */
export function revoke(...names: PermissionName[]): void {
  for (const name of names) Deno.permissions.revokeSync({ name });
}

/** Calls back on each arrival of the signal; a system without it has nothing to call back for. */
export function onSignal(name: SignalName, callback: () => void): void {
  try {
    Deno.addSignalListener(name, callback);
  } catch {
    // Windows knows SIGINT alone.
  }
}

/** A function that stops this process and returns when it goes on; null where there is none. */
export function openSuspend(): (() => void) | null {
  const libc = openLibc(["raise"], "seldom")?.symbols;
  return libc === undefined ? null : () => void libc.raise(SIGSTOP);
}

/**
 * Descriptors this process may hold, after asking for `wanted` where the hard limit allows that
 * many; null where nobody tells. A limit is never lowered.
 */
export function descriptorLimit(wanted = 0): number | null {
  const libc = openLibc(["getrlimit", "setrlimit"], "seldom");
  if (libc === null) return null;
  // struct rlimit: two 64-bit words, soft and hard; an upper half that is not 0 says "unlimited".
  const words = new Uint32Array(4);
  const { getrlimit, setrlimit } = libc.symbols;
  let known = getrlimit(RLIMIT_NOFILE, words) === 0;
  if (known && words[1] === 0 && words[0] < wanted) {
    words[0] = words[3] === 0 ? Math.min(wanted, words[2]) : wanted;
    setrlimit(RLIMIT_NOFILE, words);
    known = getrlimit(RLIMIT_NOFILE, words) === 0;
  }
  libc.close();
  if (!known) return null;
  return words[1] === 0 ? words[0] : 2 ** 31 - 1;
}
