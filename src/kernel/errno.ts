/** errno after a call that failed, by its name. */
import { openLibc } from "./libc.ts";
import { ERRNO } from "./linux.ts";

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ERRNO).map(([name, errno]) => [errno, name]),
);

/** What a few of them mean to a user. */
const MEANINGS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: "not an address of this machine",
  EADDRINUSE: "no free port",
  EACCES: "not permitted",
  EPERM: "not permitted",
  EMFILE: "too many open files",
  ENODEV: "no such interface",
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

  /** `text`: the message, where it is not to be made of the call and the reason. */
  constructor(call: string, errno: number, text: string | null = null) {
    const code = NAMES.get(errno) ?? `errno ${errno}`;
    const reason = MEANINGS[code] ?? code;
    super(text ?? `${call}: ${reason}`);
    this.reason = reason;
    this.code = code;
  }
}

/** What a systemd unit's RestrictAddressFamilies= and a container's seccomp profile answer. */
const FORBIDDEN: readonly string[] = ["EPERM", "EACCES", "EAFNOSUPPORT"];

/** Why there is no netlink socket, and what allows one. */
export function netlinkRefusal(errno: number): string {
  const { code, reason } = new ErrnoError("socket", errno);
  if (!FORBIDDEN.includes(code)) return reason;
  return "netlink sockets are not permitted; allow AF_NETLINK (RestrictAddressFamilies= of a " +
    "systemd unit, a container's seccomp profile)";
}

/**
 * The errno's name of what the runtime or this process threw; empty where there is none. The runtime
 * has no `code` for some, ENOPROTOOPT among them: their number stands in the message.
 *
 * @example `errnoName(new Error("Protocol not available (os error 92)"))` is `ENOPROTOOPT`
 */
export function errnoName(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if ("code" in error && error.code !== undefined) return String(error.code);
  const number = /\(os error ([0-9]+)\)$/.exec(error.message)?.[1];
  return NAMES.get(Number(number)) ?? "";
}

/** Reads this thread's errno; call it right after the failing call. */
export type ReadErrno = () => number;

const CALLS = ["__errno_location", "memcpy"] as const;

/** Null where there is no libc. */
export function openErrno(): ReadErrno | null {
  const libc = openLibc(CALLS)?.symbols;
  const pointer = libc?.__errno_location() ?? null;
  if (libc === undefined || pointer === null) return null;
  const errno = new Int32Array(1);
  // By memcpy, since the runtime's own way through a pointer ends with the FFI permission.
  return () => {
    libc.memcpy(errno, pointer, 4n);
    return errno[0];
  };
}

/** The system's text of an errno, as in the runtime's own errors: `No route to host`. */
export type ErrorText = (errno: number) => string;

/** No text of glibc's is longer. */
const MAX_TEXT_BYTES = 128;

/** Null where there is no libc. */
export function openErrorText(): ErrorText | null {
  const libc = openLibc(["__xpg_strerror_r"], "seldom")?.symbols;
  if (libc === undefined) return null;
  const bytes = new Uint8Array(MAX_TEXT_BYTES);
  return (errno) => {
    libc.__xpg_strerror_r(errno, bytes, BigInt(bytes.length));
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  };
}
