/** The one table of libc's functions, and how a file opens those that it calls. */
import { endsWithScope } from "./scope.ts";

/** glibc's soname. musl and other systems do not have it: the callers then do without. */
const LIBC = "libc.so.6";

/**
 * Every libc function called here, by section 2 and 3 of the Linux man pages, on 64-bit machines.
 * A ssize_t of `recv…` and `send…` is taken by its lower half: that holds every length and -1, and
 * a whole one would be a BigInt.
 */
const SIGNATURES = {
  // Sockets
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  accept4: { parameters: ["i32", "pointer", "pointer", "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  recvmmsg: { parameters: ["i32", "buffer", "u32", "i32", "pointer"], result: "i32" },
  // Descriptors
  open: { parameters: ["buffer", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  /** glibc 2.30 */
  getdents64: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  dup: { parameters: ["i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  /** epoll_wait in a thread of the runtime's pool: a promise of its result. */
  epoll_wait_in_thread: {
    name: "epoll_wait",
    parameters: ["i32", "buffer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  // Interfaces
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  getifaddrs: { parameters: ["buffer"], result: "i32" },
  freeifaddrs: { parameters: ["pointer"], result: "void" },
  // The process
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  capget: { parameters: ["buffer", "buffer"], result: "i32" },
  capset: { parameters: ["buffer", "buffer"], result: "i32" },
  raise: { parameters: ["i32"], result: "i32" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  // Memory
  __errno_location: { parameters: [], result: "pointer" },
  __xpg_strerror_r: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  memcpy: { parameters: ["buffer", "pointer", "usize"], result: "pointer" },
  getauxval: { parameters: ["u64"], result: "u64" },
  madvise: { parameters: ["u64", "u64", "i32"], result: "i32" },
  malloc_trim: { parameters: ["u64"], result: "i32" },
} as const;

type Signatures = typeof SIGNATURES;
type LibcName = keyof Signatures;

/** Libc with the functions that a list names. */
export type LibcOf<Names extends readonly LibcName[]> = Deno.DynamicLibrary<
  Pick<Signatures, Names[number]>
>;

/** The functions that a list names, ready to be called. */
export type Calls<Names extends readonly LibcName[]> = LibcOf<Names>["symbols"];

/**
 * Opens libc with these functions, or null where there is none or FFI is not allowed. The functions
 * can be called after the FFI permission was given up, until what this returns is closed or the scope that
 * it was opened in ends.
 *
 * @example `openLibc(["close"])?.symbols.close(descriptor)`
 */
export function openLibc<const Names extends readonly LibcName[]>(
  names: Names,
): LibcOf<Names> | null {
  if (Deno.build.os !== "linux") return null;
  const missing = names.filter((name) => !OPEN.has(name));
  if (missing.length > 0 && !load(missing)) return null;
  const loads = new Map(names.map((name) => [name, OPEN.get(name)!]));
  const used = new Set(loads.values());
  for (const load of used) load.users++;
  const symbols = Object.fromEntries(
    [...loads].map(([name, { handle }]) => [name, handle.symbols[name]]),
  );
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    for (const load of used) leave(load);
  };
  const scoped = endsWithScope(close);
  for (const load of used) load.scoped ||= scoped;
  // Each function was loaded with the signature of its name.
  return { symbols: symbols as Calls<Names>, close };
}

/** Functions that were loaded together, and how many have some of them open. */
interface Load {
  readonly handle: Deno.DynamicLibrary<Deno.ForeignLibraryInterface>;
  readonly names: readonly LibcName[];
  users: number;
  /** Whether a scope used them: else they stay for whoever opens them next. */
  scoped: boolean;
}

/** By function: to load one costs 0.4 ms, and many files call the same. */
const OPEN = new Map<LibcName, Load>();

/** False where there is no libc to load from. */
function load(names: readonly LibcName[]): boolean {
  const signatures = Object.fromEntries(names.map((name) => [name, SIGNATURES[name]]));
  try {
    const load = { handle: Deno.dlopen(LIBC, signatures), names, users: 0, scoped: false };
    for (const name of names) OPEN.set(name, load);
    return true;
  } catch {
    return false;
  }
}

function leave(load: Load): void {
  if (--load.users > 0 || !load.scoped) return;
  for (const name of load.names) OPEN.delete(name);
  load.handle.close();
}
