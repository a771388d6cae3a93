/**
 * Which program has a socket: the inodes that /proc/PID/fd links to (proc(5)), as far as this user may
 * read them. Looked up a little at a time, so that a machine of many descriptors never stalls.
 */
import { showable } from "../text/columns.ts";
import { type Calls, openLibc } from "./libc.ts";
import { O_CLOEXEC, O_DIRECTORY, O_RDONLY } from "./linux.ts";
import { SystemFiles } from "./system_file.ts";

const CALLS = ["open", "getdents64", "readlink", "close"] as const;

// struct linux_dirent64 (getdents64(2)): length (u16) at 16, name at 19.
const RECORD_LENGTH_AT = 16;
const NAME_AT = 19;
const DIRECTORY_BYTES = 32 * 1024;
const LINK_BYTES = 64;
const SOCKET_LINK = "socket:[";
/** Names that are kept; the oldest goes first. */
const MAX_KNOWN = 4096;

export class SocketOwners {
  #libc: Calls<typeof CALLS>;
  #files: SystemFiles;
  /** By inode; an empty name for one that nobody was found for. */
  #known = new Map<number, string>();
  #wanted = new Set<number>();
  /** What a pass still has to look at. */
  #processes: string[] = [];
  #descriptors: string[] = [];
  #directory = new Uint8Array(DIRECTORY_BYTES);
  #link = new Uint8Array(LINK_BYTES);

  private constructor(libc: Calls<typeof CALLS>, files: SystemFiles) {
    this.#libc = libc;
    this.#files = files;
  }

  /** Null where this system has no /proc to read. Open before FFI is given up. */
  static open(): SocketOwners | null {
    const libc = openLibc(CALLS)?.symbols;
    const files = SystemFiles.open();
    return libc === undefined || files === null ? null : new SocketOwners(libc, files);
  }

  /** The program's name, or null while it is not known; then `search` looks for it. */
  nameOf(inode: number): string | null {
    if (inode === 0) return null;
    const name = this.#known.get(inode);
    if (name === undefined) this.#wanted.add(inode);
    return name === undefined || name === "" ? null : name;
  }

  /** Whether there is anything to look for. */
  get searching(): boolean {
    return this.#wanted.size > 0;
  }

  /** Looks at descriptors for as long as `goOn` says; false once there is nothing left to look for. */
  search(goOn: () => boolean): boolean {
    if (this.#wanted.size === 0) return false;
    if (this.#processes.length === 0 && this.#descriptors.length === 0) {
      this.#processes = this.#list("/proc").filter((name) => /^\d+$/.test(name));
    }
    while (goOn()) {
      const path = this.#descriptors.pop();
      if (path !== undefined) {
        this.#look(path);
        if (this.#wanted.size === 0) return this.#end();
        continue;
      }
      const pid = this.#processes.pop();
      if (pid === undefined) return this.#end();
      this.#descriptors = this.#list(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`);
    }
    return true;
  }

  /** What was not found is not looked for again. */
  #end(): false {
    for (const inode of this.#wanted) this.#keep(inode, "");
    this.#wanted.clear();
    this.#processes = [];
    this.#descriptors = [];
    return false;
  }

  #look(path: string): void {
    const size = Number(this.#libc.readlink(bytesOf(path), this.#link, BigInt(LINK_BYTES)));
    if (size <= SOCKET_LINK.length) return;
    const link = new TextDecoder().decode(this.#link.subarray(0, size));
    if (!link.startsWith(SOCKET_LINK)) return;
    const inode = Number(link.slice(SOCKET_LINK.length, -1));
    if (!this.#wanted.delete(inode)) return;
    const name = this.#files.read(path.replace(/\/fd\/.*$/, "/comm"))?.trim() ?? "";
    this.#keep(inode, showable(name));
  }

  #keep(inode: number, name: string): void {
    this.#known.set(inode, name);
    if (this.#known.size <= MAX_KNOWN) return;
    const [oldest] = this.#known.keys();
    this.#known.delete(oldest);
  }

  /** The names in a folder; none where it may not be read. */
  #list(path: string): string[] {
    const libc = this.#libc;
    const descriptor = libc.open(bytesOf(path), O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (descriptor < 0) return [];
    const names: string[] = [];
    const bytes = this.#directory;
    for (;;) {
      const size = Number(libc.getdents64(descriptor, bytes, BigInt(DIRECTORY_BYTES)));
      if (size <= 0) break;
      for (let at = 0; at < size;) {
        const length = bytes[at + RECORD_LENGTH_AT] | bytes[at + RECORD_LENGTH_AT + 1] << 8;
        const end = bytes.indexOf(0, at + NAME_AT);
        names.push(new TextDecoder().decode(bytes.subarray(at + NAME_AT, end)));
        at += length;
      }
    }
    libc.close(descriptor);
    return names.filter((name) => name !== "." && name !== "..");
  }
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
