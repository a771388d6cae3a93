/**
 * Settings and small files of the kernel's, read by libc: the runtime opens nothing below /proc
 * without full permissions.
 */
import { openLibc } from "./libc.ts";
import { O_CLOEXEC, O_RDONLY } from "./linux.ts";

const CALLS = ["open", "read", "close"] as const;

type Libc = NonNullable<ReturnType<typeof openLibc<typeof CALLS>>>;

const CHUNK_BYTES = 4096;
/** A longer file is not what it was taken for. */
const MAX_BYTES = 256 * 1024;

/** Reads such files, also after the permission for libc was given up. */
export class SystemFiles {
  #libc: Libc;

  private constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Null where libc cannot be had. */
  static open(): SystemFiles | null {
    const library = openLibc(CALLS, "seldom");
    return library === null ? null : new SystemFiles(library);
  }

  /** The text of a file such as /proc/self/maps, or null where it cannot be read. */
  read(path: string): string | null {
    const { open, read, close } = this.#libc.symbols;
    const descriptor = open(new TextEncoder().encode(`${path}\0`), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return null;
    const chunk = new Uint8Array(CHUNK_BYTES);
    const decoder = new TextDecoder();
    let text = "";
    while (text.length < MAX_BYTES) {
      const size = Number(read(descriptor, chunk, BigInt(CHUNK_BYTES)));
      if (size <= 0) break;
      text += decoder.decode(chunk.subarray(0, size), { stream: true });
    }
    close(descriptor);
    return text;
  }

  close(): void {
    this.#libc.close();
  }
}

/** The text of one file, or null where it cannot be read. */
export function readSystemFile(path: string): string | null {
  const files = SystemFiles.open();
  const text = files?.read(path) ?? null;
  files?.close();
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
