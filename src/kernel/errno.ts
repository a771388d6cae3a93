/** errno after a call that failed, by its name. */
import { openLibc } from "./libc.ts";

/** <asm-generic/errno-base.h> and <asm-generic/errno.h>: those that these sockets can give. */
const NAMES: Readonly<Record<number, string>> = {
  1: "EPERM",
  4: "EINTR",
  11: "EAGAIN",
  12: "ENOMEM",
  13: "EACCES",
  19: "ENODEV",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  90: "EMSGSIZE",
  92: "ENOPROTOOPT",
  93: "EPROTONOSUPPORT",
  97: "EAFNOSUPPORT",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
  100: "ENETDOWN",
  101: "ENETUNREACH",
  104: "ECONNRESET",
  105: "ENOBUFS",
  110: "ETIMEDOUT",
  111: "ECONNREFUSED",
  112: "EHOSTDOWN",
  113: "EHOSTUNREACH",
  115: "EINPROGRESS",
};

/** What a few of them mean to a user. */
const MEANINGS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: "not an address of this machine",
  EACCES: "not permitted",
  EPERM: "not permitted",
  EMFILE: "too many open files",
  ENETUNREACH: "network is unreachable",
  EHOSTUNREACH: "no route to host",
  EAFNOSUPPORT: "the other address family",
};

/** A system call's failure; `code` is the errno's name, as in the runtime's own errors. */
export class ErrnoError extends Error {
  override readonly name = "ErrnoError";
  readonly code: string;
  /** What it means, without the call. */
  readonly reason: string;

  constructor(call: string, errno: number) {
    const code = NAMES[errno] ?? `errno ${errno}`;
    const reason = MEANINGS[code] ?? code;
    super(`${call}: ${reason}`);
    this.reason = reason;
    this.code = code;
  }
}

/** Reads this thread's errno; call it right after the failing call. */
export type ReadErrno = () => number;

const LIBC_SYMBOLS = {
  __errno_location: { parameters: [], result: "pointer" },
  memcpy: { parameters: ["buffer", "pointer", "usize"], result: "pointer" },
} as const;

/** Null where there is no libc. */
export function openErrno(): ReadErrno | null {
  const libc = openLibc(LIBC_SYMBOLS)?.symbols;
  const pointer = libc?.__errno_location() ?? null;
  if (libc === undefined || pointer === null) return null;
  const errno = new Int32Array(1);
  // By memcpy, since the runtime's own way through a pointer ends with the FFI permission.
  return () => {
    libc.memcpy(errno, pointer, 4n);
    return errno[0];
  };
}
