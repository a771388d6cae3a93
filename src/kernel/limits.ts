/** The descriptor limit of this process (getrlimit(2)). */
import { openLibc } from "./libc.ts";
import { RLIMIT_NOFILE } from "./linux.ts";

const CALLS = ["getrlimit", "setrlimit"] as const;

/**
 * Descriptors this process may hold, after asking for `wanted` where the hard limit allows that
 * many; null where nobody tells. A limit is never lowered.
 */
export function descriptorLimit(wanted = 0): number | null {
  const libc = openLibc(CALLS);
  if (libc === null) return null;
  // struct rlimit: two 64-bit words, soft and hard; an upper half that is not 0 says "unlimited".
  const words = new Uint32Array(4);
  const { getrlimit, setrlimit } = libc.symbols;
  let known = getrlimit(RLIMIT_NOFILE, words) === 0;
  if (known && words[1] === 0 && words[0] < wanted) {
    words[0] = words[3] === 0 ? Math.min(wanted, words[2]) : wanted;
    setrlimit(RLIMIT_NOFILE, words);
    known = getrlimit(RLIMIT_NOFILE, words) === 0;
  }
  libc.close();
  if (!known) return null;
  return words[1] === 0 ? words[0] : 2 ** 31 - 1;
}
