/**
 * Becomes another program, confined as a unit would confine it: `confine.ts JSON PROGRAM ARGUMENT…`,
 * the JSON a `Confinement`. No capabilities, an ordinary user where root may become one, no new
 * privileges, and a seccomp filter that is stricter than systemd's: a system call that is not
 * allowed does not fail but ends the process, so that none can pass unnoticed.
 */

export interface Confinement {
  readonly systemCalls: readonly string[];
  /** The `AF_…` numbers of sockets that may be made; others fail as they do under systemd. */
  readonly families: readonly number[];
}

// <seccomp.h>
const SCMP_ACT_KILL_PROCESS = 0x80000000;
const SCMP_ACT_ALLOW = 0x7fff0000;
const SCMP_ACT_ERRNO = 0x00050000;
const SCMP_CMP_EQ = 4;
const ARGUMENT_BYTES = 24;
// <asm-generic/errno.h>
const EAFNOSUPPORT = 97;
const ENOSYS = 38;
/** One above the highest address family (AF_MAX). */
const FAMILIES = 46;
// <linux/prctl.h>, <linux/capability.h>
const PR_CAPBSET_DROP = 24;
const CAPABILITIES = 64;
/** The user and group `nobody`. */
const NOBODY = 65_534;

const seccomp = Deno.dlopen("libseccomp.so.2", {
  seccomp_init: { parameters: ["u32"], result: "pointer" },
  seccomp_load: { parameters: ["pointer"], result: "i32" },
  seccomp_syscall_resolve_name: { parameters: ["buffer"], result: "i32" },
  seccomp_rule_add_array: {
    parameters: ["pointer", "u32", "i32", "u32", "buffer"],
    result: "i32",
  },
}).symbols;

const libc = Deno.dlopen("libc.so.6", {
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  setgroups: { parameters: ["usize", "pointer"], result: "i32" },
  setresgid: { parameters: ["u32", "u32", "u32"], result: "i32" },
  setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },
  execv: { parameters: ["buffer", "buffer"], result: "i32" },
}).symbols;

function must(what: string, result: number): void {
  if (result !== 0) throw new Error(`${what} failed: ${result}`);
}

function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${value}\0`);
}

/** Only root has rights to give up; in a user namespace it may have nobody to become. */
function giveUpRights(): void {
  if (Deno.uid() !== 0) return;
  for (let capability = 0; capability < CAPABILITIES; capability++) {
    libc.prctl(PR_CAPBSET_DROP, BigInt(capability), 0n, 0n, 0n);
  }
  libc.setgroups(0n, null);
  if (libc.setresgid(NOBODY, NOBODY, NOBODY) === 0) {
    must("setresuid", libc.setresuid(NOBODY, NOBODY, NOBODY));
  }
}

/** struct scmp_arg_cmp: the call's first argument equals the value. */
function firstArgument(value: number): Uint8Array<ArrayBuffer> {
  const comparison = new DataView(new ArrayBuffer(ARGUMENT_BYTES));
  comparison.setUint32(4, SCMP_CMP_EQ, true);
  comparison.setBigUint64(8, BigInt(value), true);
  return new Uint8Array(comparison.buffer);
}

function filter({ systemCalls, families }: Confinement): void {
  const context = seccomp.seccomp_init(SCMP_ACT_KILL_PROCESS);
  const rule = (call: string, action: number, first: number | null = null) => {
    const number = seccomp.seccomp_syscall_resolve_name(text(call));
    // Below 0: another architecture's, or newer than the library.
    if (number < 0) return;
    const comparisons = first === null ? new Uint8Array(0) : firstArgument(first);
    const count = first === null ? 0 : 1;
    must(call, seccomp.seccomp_rule_add_array(context, action, number, count, comparisons));
  };
  for (const call of systemCalls) {
    if (call !== "socket" && call !== "clone3") rule(call, SCMP_ACT_ALLOW);
  }
  for (let family = 0; family < FAMILIES; family++) {
    const allowed = families.includes(family);
    rule("socket", allowed ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO + EAFNOSUPPORT, family);
  }
  // RestrictNamespaces: what the call would do lies behind a pointer, so systemd denies it.
  rule("clone3", SCMP_ACT_ERRNO + ENOSYS);
  must("seccomp_load", seccomp.seccomp_load(context));
}

function become(program: string, args: readonly string[]): never {
  const words = [program, ...args].map(text);
  const pointers = words.map((word) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(word)));
  const argv = new BigUint64Array([...pointers, 0n]);
  libc.execv(text(program), new Uint8Array(argv.buffer));
  throw new Error(`cannot execute ${program}`);
}

const [json, program, ...args] = Deno.args;
const confinement: Confinement = JSON.parse(json);
giveUpRights();
filter(confinement);
become(program, args);
