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
  listen: { parameters: ["i32", "i32"], result: "i32" },
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
 * How often a caller calls its functions. For a sync function the runtime makes machine code when it is
 * loaded, 0.3 ms each; for one that is called `seldom` it makes none: 0.02 ms to load, 0.5 µs more a call.
 */
export type Use = "often" | "seldom";

/**
 * Opens libc with these functions, or null where there is none or FFI is not allowed. The functions
 * can be called after the FFI permission was given up, until what this returns is closed or the scope that
 * it was opened in ends.
 *
 * @example `openLibc(["close"])?.symbols.close(descriptor)`
 */
export function openLibc<const Names extends readonly LibcName[]>(
  names: Names,
  use: Use = "often",
): LibcOf<Names> | null {
  if (Deno.build.os !== "linux") return null;
  const serves = (load: Load | undefined) => load?.use === "often" || load?.use === use;
  const missing = names.filter((name) => !serves(OPEN.get(name)));
  if (missing.length > 0 && !load(missing, use)) return null;
  const loads = new Map(names.map((name) => [name, OPEN.get(name)!]));
  const used = new Set(loads.values());
  for (const load of used) load.users++;
  const symbols = Object.fromEntries(
    [...loads].map(([name, { symbols }]) => [name, symbols[name]]),
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
  readonly symbols: Deno.DynamicLibrary<Deno.ForeignLibraryInterface>["symbols"];
  readonly names: readonly LibcName[];
  readonly use: Use;
  users: number;
  /** Whether a scope used them: else they stay for whoever opens them next. */
  scoped: boolean;
}

/** By function: to load one takes time, and many files call the same. */
const OPEN = new Map<LibcName, Load>();

/** False where there is no libc to load from. */
function load(names: readonly LibcName[], use: Use): boolean {
  try {
    const [handle, symbols] = use === "often" ? loadOften(names) : loadSeldom(names);
    const load = { handle, symbols, names, use, users: 0, scoped: false };
    for (const name of names) OPEN.set(name, load);
    return true;
  } catch {
    return false;
  }
}

type Loaded = readonly [handle: Load["handle"], symbols: Load["symbols"]];

function loadOften(names: readonly LibcName[]): Loaded {
  const signatures = Object.fromEntries(names.map((name) => [name, SIGNATURES[name]]));
  const handle = Deno.dlopen(LIBC, signatures);
  return [handle, handle.symbols];
}

/** A further parameter of what is called seldom: a struct, and what is passed for it. */
const FURTHER = { struct: ["u8"] } as const;
const NOTHING = new Uint8Array(1);

/**
 * They are told to the runtime with a struct as one parameter more: it makes no machine code for functions
 * that take structs, and what a function does not ask for it does not look at (both ABIs, x86-64 and AArch64,
 * pass it in the register behind the last one in use, or on the stack).
 *
 * Checked with Deno 2.7.11 and 2.9.6. Its test is tests/platform/runtime_test.ts.
 */
function loadSeldom(names: readonly LibcName[]): Loaded {
  const signatures = names.map((name): [LibcName, Deno.ForeignFunction] => {
    const signature: Deno.ForeignFunction = SIGNATURES[name];
    return [name, { ...signature, parameters: [...signature.parameters, FURTHER] }];
  });
  const handle = Deno.dlopen(LIBC, Object.fromEntries(signatures));
  const symbols = names.map((name) => {
    const call = handle.symbols[name];
    return [name, (...given: Parameters<typeof call>) => call(...given, NOTHING)];
  });
  return [handle, Object.fromEntries(symbols)];
}

function leave(load: Load): void {
  if (--load.users > 0 || !load.scoped) return;
  for (const name of load.names) if (OPEN.get(name) === load) OPEN.delete(name);
  load.handle.close();
}
