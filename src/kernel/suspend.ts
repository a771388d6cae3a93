/** Stopping this process until it is continued, as a terminal's Ctrl-Z asks for. */
import { openLibc } from "./libc.ts";

// <bits/signum-generic.h>, <bits/signum-arch.h>: the same on x86-64 and aarch64
const SIGSTOP = 19;

/** A function that stops this process and returns when it goes on; null where there is none. */
export function openSuspend(): (() => void) | null {
  // raise(3)
  const libc = openLibc({ raise: { parameters: ["i32"], result: "i32" } });
  return libc === null ? null : () => void libc.symbols.raise(SIGSTOP);
}
