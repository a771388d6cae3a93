/**
 * Empties a listening socket's queue by libc: what waits there costs two system calls each.
 *
 * Checked with Deno 2.7.11 and 2.9.6. The socket is non-blocking, as the runtime's own are there: an
 * accept on it never waits. The descriptor of those comes from the descriptor search. Where that finds none, the runtime's accept takes every connection. Its test is
 * tests/platform/runtime_test.ts.
 */
import { openLibc } from "./libc.ts";
import { SOCK_CLOEXEC } from "./linux.ts";

const CALLS = ["accept4", "close"] as const;

/** Connections taken in one go, so that the event loop has its turn. */
const MAX_A_TURN = 4096;

/** Accepts and closes what waits at a non-blocking listening socket; returns how many it was. */
export type DrainAcceptQueue = (descriptor: number) => number;

/** Null where there is no libc. */
export function openDrain(): DrainAcceptQueue | null {
  const libc = openLibc(CALLS)?.symbols;
  if (libc === undefined) return null;
  return (descriptor) => {
    let count = 0;
    while (count < MAX_A_TURN) {
      const connection = libc.accept4(descriptor, null, null, SOCK_CLOEXEC);
      // Empty, or an error that the runtime's own accept will meet too.
      if (connection < 0) break;
      libc.close(connection);
      count++;
    }
    return count;
  };
}
