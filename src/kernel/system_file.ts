/**
 * Settings and small files of the kernel's, read by libc: the runtime opens nothing below /proc
 * without full permissions.
 */
import { openLibc } from "./libc.ts";
import { O_CLOEXEC, O_RDONLY } from "./linux.ts";

const CALLS = ["open", "read", "close"] as const;

const CHUNK_BYTES = 4096;
/** A longer file is not what it was taken for. */
const MAX_BYTES = 256 * 1024;

/** The text of a file such as /proc/self/maps, or null where it cannot be read. */
export function readSystemFile(path: string): string | null {
  const library = openLibc(CALLS);
  if (library === null) return null;
  const libc = library.symbols;
  const descriptor = libc.open(new TextEncoder().encode(`${path}\0`), O_RDONLY | O_CLOEXEC);
  let text: string | null = null;
  if (descriptor >= 0) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const decoder = new TextDecoder();
    text = "";
    while (text.length < MAX_BYTES) {
      const size = Number(libc.read(descriptor, chunk, BigInt(CHUNK_BYTES)));
      if (size <= 0) break;
      text += decoder.decode(chunk.subarray(0, size), { stream: true });
    }
    libc.close(descriptor);
  }
  library.close();
  return text;
}

/** A sysctl's words (`net.ipv4.ip_local_port_range`), or null where it cannot be read. */
export function sysctl(name: string): string[] | null {
  const text = readSystemFile(`/proc/sys/${name.replaceAll(".", "/")}`);
  return text === null ? null : text.trim().split(/\s+/);
}

/**
 * How many local ports the kernel picks from for connections that name none; null where nobody
 * tells (ip_local_port_range, ip-sysctl).
 */
export function ephemeralPorts(): number | null {
  const [first, last] = (sysctl("net.ipv4.ip_local_port_range") ?? []).map(Number);
  return Number.isInteger(first) && Number.isInteger(last) ? last - first + 1 : null;
}
