/** The descriptor limit of this process (getrlimit(2)). */
import { openLibc } from "./libc.ts";

// <bits/resource.h>
const RLIMIT_NOFILE = 7;

/** Descriptors this process may hold, or null where nobody tells. */
export function descriptorLimit(): number | null {
  const libc = openLibc({ getrlimit: { parameters: ["i32", "buffer"], result: "i32" } });
  if (libc === null) return null;
  // struct rlimit: two 64-bit words, the soft limit first; its upper half says "unlimited".
  const words = new Uint32Array(4);
  const known = libc.symbols.getrlimit(RLIMIT_NOFILE, words) === 0;
  libc.close();
  if (!known) return null;
  return words[1] === 0 ? words[0] : 2 ** 31 - 1;
}
