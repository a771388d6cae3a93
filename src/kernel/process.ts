/** Figures of this process and settings of this machine. */
import { readSystemFile } from "./system_file.ts";

/** An environment variable, or null; only those named at compile time can be had. */
export function environment(name: string): string | null {
  return Deno.env.get(name) ?? null;
}

/** This machine's name, as gethostname(2) gives it. */
export function hostName(): string {
  return Deno.hostname();
}

/** Resident set in bytes. */
export function residentBytes(): number {
  return Deno.memoryUsage().rss;
}

/** JavaScript heap in use, in bytes. */
export function heapBytes(): number {
  return Deno.memoryUsage().heapUsed;
}

/** A sysctl's words (`net.ipv4.ip_local_port_range`), or null where it cannot be read. */
export function sysctl(name: string): string[] | null {
  const text = readSystemFile(`/proc/sys/${name.replaceAll(".", "/")}`);
  return text === null ? null : text.trim().split(/\s+/);
}
